using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demarc.Control.Configuration;

/// <summary>What <c>demarc config check</c> prints.</summary>
public static class ConfigReport
{
    /// <summary>A line for each problem, as compilers print them, and a last line that counts.</summary>
    public static string Text(string path, ConfigResult result)
    {
        var output = new StringBuilder();
        foreach (var problem in result.Problems)
        {
            output.Append(path).Append(':').Append(problem.Line).Append(':').Append(problem.Column)
                .Append(problem.Severity is ConfigSeverity.Error ? ": error: " : ": warning: ");
            if (problem.Path.Length > 0)
                output.Append(problem.Path).Append(": ");
            output.Append(problem.Message).Append('\n');
        }
        var errors = result.Problems.Count(p => p.Severity is ConfigSeverity.Error);
        output.Append(path).Append(errors == 0 ? ": good" : ": not usable")
            .Append(", ").Append(Count(errors, "error"))
            .Append(", ").Append(Count(result.Problems.Count - errors, "warning"));
        if (result.Hash.Length > 0)
            output.Append(", ").Append(result.Hash);
        return output.Append('\n').ToString();
    }

    /// <summary><c>[{"path","line","column","severity","message"}]</c>; severity is <c>error</c> or <c>warning</c>.</summary>
    public static string Json(ConfigResult result) =>
        JsonSerializer.Serialize(result.Problems, ConfigReportJson.Readable.IReadOnlyListConfigProblem);

    private static string Count(int count, string what) => $"{count} {what}{(count == 1 ? "" : "s")}";
}

[JsonSerializable(typeof(IReadOnlyList<ConfigProblem>))]
internal sealed partial class ConfigReportJson : JsonSerializerContext
{
    /// <summary>Quotes and letters as they are: it is read in terminals, not in pages.</summary>
    public static ConfigReportJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
