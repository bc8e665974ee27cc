using System.Globalization;
using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;

namespace Demarc.Storage.Projections;

/// <summary>Rows of the ledger, and their sums by day, principal, model and resource.</summary>
internal sealed class SpendRows
{
    private readonly Dictionary<(string Organization, string Day, string Principal, string Model, string Resource), long[]> _sums = [];

    public object?[][] Rows =>
        [.. _sums.Select(pair => new object?[]
        {
            pair.Key.Organization, pair.Key.Day, pair.Key.Principal, pair.Key.Model, pair.Key.Resource,
        }.Concat(pair.Value.Cast<object?>()).ToArray())];

    /// <summary>The settlement of one attempt; null when it came to nothing.</summary>
    public static object?[] Ledger(LogRow row, OpenRequest request, AttemptRecord attempt, FinishedRecord? settled) =>
    [
        row.OrganizationId, row.RequestId, (long)attempt.Number, row.At,
        request.Begun.Actor.Type, request.Begun.Actor.Id, request.Begun.Actor.KeyId, request.SessionId,
        attempt.Resource, attempt.Deployment, attempt.Model,
        .. Amounts(settled).Cast<object?>(),
        settled?.PriceSource, settled is { Incomplete: true } ? 1L : 0L,
    ];

    /// <param name="isRequest">False for an attempt that was given up: its request is counted once.</param>
    public void Add(LogRow row, OpenRequest request, AttemptRecord attempt, FinishedRecord settled, bool isRequest)
    {
        var day = DateTimeOffset.FromUnixTimeMilliseconds(row.At).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
        var key = (row.OrganizationId, day, request.Begun.Actor.Id, attempt.Model, attempt.Resource);
        if (!_sums.TryGetValue(key, out var sums))
            _sums[key] = sums = new long[8];
        sums[0] += isRequest ? 1 : 0;
        var amounts = Amounts(settled);
        for (var i = 0; i < amounts.Length; i++)
            sums[i + 1] += amounts[i];
    }

    /// <summary>In the order of the columns of both tables.</summary>
    private static long[] Amounts(FinishedRecord? settled)
    {
        var usage = settled?.Usage ?? new UsageRecord();
        return
        [
            usage.InputTokens, usage.OutputTokens, usage.CacheRead, usage.CacheWrite5m, usage.CacheWrite1h, usage.WebSearchRequests,
            settled?.CostNanoUsd ?? 0,
        ];
    }
}
