using System.Text.Json;
using System.Text.Json.Serialization;

namespace Demarc.Storage.Retention;

/// <summary>Of a session, all content that was captured before a UTC day.</summary>
/// <param name="Before">The first day that stays.</param>
public sealed record SessionCut(string SessionId, DateOnly Before);

/// <summary>One erasure, as the journal has it: ids only, and nothing of what was erased.</summary>
public sealed record ErasureEntry
{
    /// <summary><c>erasure_…</c>; sorts by time.</summary>
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long At { get; init; }

    /// <summary>For the log: <c>retention</c>, or what the erasure of a person was asked for.</summary>
    public required string Reason { get; init; }

    /// <summary>Content that is erased, with the keys that sealed it.</summary>
    public SessionCut[] Sessions { get; init; } = [];

    /// <summary>Requests and events whose records are erased.</summary>
    public Guid[] Records { get; init; } = [];

    /// <summary>People who are taken out of the directory.</summary>
    public string[] People { get; init; } = [];

    internal string Line => JsonSerializer.Serialize(this, ErasureJson.Default.ErasureEntry);

    /// <summary>Null for a line that is none, such as one whose end was never written.</summary>
    internal static ErasureEntry? Parse(string line)
    {
        try
        {
            return JsonSerializer.Deserialize(line, ErasureJson.Default.ErasureEntry);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(ErasureEntry))]
internal sealed partial class ErasureJson : JsonSerializerContext;
