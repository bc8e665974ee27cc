using System.Text.Json;

namespace Demarc.Bench.Report;

/// <summary>How results are written.</summary>
internal static class BenchJson
{
    public static JsonSerializerOptions Options { get; } = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };
}
