namespace Demarc.Control.Configuration;

/// <summary>What the operator takes upon themselves where zero data retention is required.</summary>
/// <param name="Waived">Of <see cref="ZeroRetentionSection.Risks"/>, those that the start does not insist on.</param>
/// <param name="Reason">Why, for the record; null where nothing is waived.</param>
public sealed record ZeroRetentionConfig(string[] Waived, string? Reason)
{
    public static readonly ZeroRetentionConfig None = new([], null);
}

/// <summary>The key <c>zero_retention</c>.</summary>
internal static class ZeroRetentionSection
{
    /// <summary>How memory of a process reaches a disk.</summary>
    public static readonly string[] Risks = ["core-dumps", "swap"];

    public static ZeroRetentionConfig Read(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["waive", "reason"]) is not { } map)
            return ZeroRetentionConfig.None;
        var waived = Vocabulary.List(map.Get("waive"), "risk", Risks, reading) ?? [];
        var reason = map.Text("reason")?.Value;
        if (waived.Length > 0 && string.IsNullOrWhiteSpace(reason))
            map.Required("reason", "why the risk is taken: it goes on record at each start");
        return new ZeroRetentionConfig(waived, reason);
    }
}
