using System.Globalization;
using Demarc.Governance.Policy;

namespace Demarc.Control.Configuration;

/// <summary>How long the organization keeps what it keeps.</summary>
/// <param name="Every">How often what is due is destroyed; null for not by itself.</param>
/// <param name="Journal">The file of what was erased, absolute: it is replayed when a backup from before is restored.</param>
public sealed record RetentionConfig(RetentionPeriods Periods, TimeSpan? Every, string Journal)
{
    internal static readonly TimeSpan DefaultEvery = TimeSpan.FromHours(1);
}

/// <summary>The key <c>retention</c>, of the organization and of policies.</summary>
internal static class RetentionSection
{
    private const string DefaultJournal = "erasures.jsonl";
    private const int MostDays = 36_500;

    private static readonly string[] Classes = ["transcripts", "activities", "ledger", "identities"];

    public static RetentionConfig Read(ConfigNode? node, ConfigReading reading)
    {
        var standard = Path.GetFullPath(Path.Combine(reading.Sources.DataDirectory, DefaultJournal));
        if (MapReader.Open(node, reading, [.. Classes, "every", "journal"]) is not { } map)
            return new RetentionConfig(RetentionPeriods.None, RetentionConfig.DefaultEvery, standard);
        return new RetentionConfig(
            Periods(map, reading),
            map.Get("every") is { } every ? ManagementSection.Interval(every, reading) : RetentionConfig.DefaultEvery,
            Journal(map.Text("journal"), reading) ?? standard);
    }

    /// <param name="isForEveryone">Whether the policy names nobody to match.</param>
    public static RetentionPeriods OfPolicy(ConfigNode? node, bool isForEveryone, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, Classes) is not { } map)
            return RetentionPeriods.None;
        // The log, the ledger and the directory are one for all: what some of them belongs to is not told apart there.
        foreach (var name in isForEveryone ? [] : Classes[1..])
        {
            if (map.Get(name) is { } written)
                reading.Error(written, $"{name} are kept alike for everyone; accepted in retention itself and in a policy without match. A policy for some accepts: transcripts");
        }
        return Periods(map, reading);
    }

    private static RetentionPeriods Periods(MapReader map, ConfigReading reading)
    {
        var activities = Days(map.Text("activities"), reading);
        if (activities < RetentionPeriods.LeastActivities)
            reading.Error(map.Get("activities")!, $"activities are kept 180d at least; accepted: 180d to {MostDays}d");
        return new RetentionPeriods(Days(map.Text("transcripts"), reading), activities, Days(map.Text("ledger"), reading), Days(map.Text("identities"), reading));
    }

    /// <summary>Null for none, and for what is no number of days, with an error.</summary>
    internal static TimeSpan? Days(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (node.Value is [.. var number, 'd'] && int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out var days) && days is >= 1 and <= MostDays)
            return TimeSpan.FromDays(days);
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no number of days; accepted: 1d to {MostDays}d, for example 180d");
        return null;
    }

    private static string? Journal(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        var path = StoreSection.FilePath(node, "file:", reading);
        if (path is null)
            reading.Error(node, "not a place for the journal of erasures; accepted: file:PATH");
        return path;
    }
}
