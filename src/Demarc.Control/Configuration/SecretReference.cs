using System.Text.RegularExpressions;
using Demarc.Governance.Identity;

namespace Demarc.Control.Configuration;

/// <summary>Secrets in the file: <c>${NAME}</c> and <c>${file:PATH}</c>, or (with a warning) the value itself.</summary>
internal static partial class SecretReference
{
    public const string Accepted = "${NAME} for an environment variable or ${file:PATH}";

    /// <summary>The secret of a text that is one reference or a literal; null with an error.</summary>
    public static Secret? Read(TextNode node, ConfigReading reading)
    {
        if (node.Value.Contains("${", StringComparison.Ordinal))
        {
            if (Whole().Match(node.Value) is { Success: true } reference)
                return Resolve(node, reference, reading);
            reading.Error(node, $"a reference is the whole value; accepted: {Accepted}");
            return null;
        }
        if (string.IsNullOrWhiteSpace(node.Value))
        {
            reading.Error(node, $"empty; accepted: {Accepted}");
            return null;
        }
        WarnLiteral(node, reading);
        return new Secret(node.Value);
    }

    public static void WarnLiteral(ConfigNode node, ConfigReading reading) =>
        reading.Warn(node, $"a secret stands in the file itself, where backups and reviews show it; use {Accepted}");

    /// <summary>The first reference within a longer text; not successful when there is none.</summary>
    public static Match Find(string text) => Anywhere().Match(text);

    /// <summary>What a reference stands for, without trailing line ends; null with an error that names the reference.</summary>
    public static Secret? Resolve(ConfigNode at, Match reference, ConfigReading reading)
    {
        var name = reference.Groups["name"].Value;
        if (name.Length > 0)
        {
            if (reading.Sources.Variable(name) is { Length: > 0 } value)
                return new Secret(value);
            reading.Error(at, $"the environment variable {name} is not set");
            return null;
        }
        var path = reference.Groups["file"].Value;
        if (reading.File(at, path) is not { } bytes)
            return null;
        if (ConfigReading.Utf8(bytes)?.TrimEnd('\r', '\n') is { Length: > 0 } content)
            return new Secret(content);
        reading.Error(at, $"the file {ConfigText.Quote(path)} is empty or not UTF-8 text");
        return null;
    }

    private const string Pattern = @"\$\{(?:file:(?<file>[^{}]+)|(?<name>[A-Za-z_][A-Za-z0-9_]*))\}";

    [GeneratedRegex(Pattern)]
    private static partial Regex Anywhere();

    [GeneratedRegex(@"\A" + Pattern + @"\z")]
    private static partial Regex Whole();
}
