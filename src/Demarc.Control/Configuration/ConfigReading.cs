using System.Text;
using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>One reading of a configuration file: its problems so far, and the files it looked at.</summary>
internal sealed class ConfigReading(string directory, ConfigSources sources)
{
    public ConfigSources Sources { get; } = sources;

    /// <summary>The catalog whose words the file may use; null where none is at hand, and words are not checked.</summary>
    public Catalog? Catalog { get; set; } = sources.Catalog;

    public List<ConfigProblem> Problems { get; } = [];

    public FileHashes Files { get; } = new();

    public bool Failed => Problems.Exists(p => p.Severity is ConfigSeverity.Error);

    public void Error(ConfigNode at, string message) => Error(at.Path, at.Line, at.Column, message);

    public void Error(string path, int line, int column, string message) =>
        Problems.Add(new ConfigProblem(path, line, column, ConfigSeverity.Error, message));

    public void Warn(ConfigNode at, string message) =>
        Problems.Add(new ConfigProblem(at.Path, at.Line, at.Column, ConfigSeverity.Warning, message));

    /// <summary>A path of the file, made absolute: relative ones start at the file's own directory.</summary>
    public string Absolute(string path) => Path.GetFullPath(path, directory);

    /// <summary>The node as text, secret references and all; null with an error when it is none.</summary>
    public TextNode? Raw(ConfigNode? node)
    {
        if (node is null or TextNode)
            return (TextNode?)node;
        Error(node, $"{node.Kind}; text is accepted");
        return null;
    }

    /// <summary>The node as text that is not a secret; null with an error when it is none.</summary>
    public TextNode? Text(ConfigNode? node)
    {
        var text = Raw(node);
        if (text?.Value.Contains("${", StringComparison.Ordinal) is not true)
            return text;
        Error(text, "${…} is not read here; accepted in credential.api_key, credential.bearer_token, master_key and the password of store");
        return null;
    }

    /// <summary>The items of a list; none, with an error, when the node is no list.</summary>
    public IReadOnlyList<ConfigNode> Items(ConfigNode? node)
    {
        if (node is null)
            return [];
        if (node is ListNode list)
            return list.Items;
        Error(node, $"{node.Kind}; a list is accepted");
        return [];
    }

    /// <summary>The texts of a list, each of which is not empty and printable.</summary>
    public List<TextNode> Texts(ConfigNode? node)
    {
        var texts = new List<TextNode>();
        foreach (var item in Items(node))
        {
            if (Text(item) is not { } text)
                continue;
            if (text.IsNull || string.IsNullOrWhiteSpace(text.Value) || text.Value.Any(char.IsControl))
                Error(text, $"{ConfigText.Quote(text.Value)} is empty or has control characters; a name is accepted");
            else
                texts.Add(text);
        }
        return texts;
    }

    /// <summary>A file's bytes; null with an error that names the path as written.</summary>
    public byte[]? File(ConfigNode at, string path)
    {
        try
        {
            return Files.Read(Absolute(path), Sources.ReadFile);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            var reason = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "it does not exist",
                UnauthorizedAccessException => "access is denied, or it is a directory",
                ArgumentException => "it is no path",
                _ => "the file system failed",
            };
            Error(at, $"cannot read the file {ConfigText.Quote(path)}: {reason}");
            return null;
        }
    }

    /// <summary>UTF-8 as text, without a byte order mark; null when it is not UTF-8.</summary>
    public static string? Utf8(byte[] bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }
}
