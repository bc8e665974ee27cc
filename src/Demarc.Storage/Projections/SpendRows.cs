using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;
using Demarc.Storage.Ledger;

namespace Demarc.Storage.Projections;

/// <summary>Rows of the ledger, and their sums by series and hour, and by series and day.</summary>
internal sealed class SpendRows
{
    private static readonly UsageRecord Nothing = new();

    private readonly Dictionary<SpendSeries, byte[]> _series = [];
    private readonly Dictionary<string, (string Organization, long At)> _turns = [];
    private readonly List<Line> _lines = [];
    private HashSet<string> _seenTurns = [];

    /// <summary>Ids of the turns that what was added belongs to.</summary>
    public IEnumerable<string> Turns => _turns.Keys;

    /// <param name="settled">The settlement of the attempt; null when it came to nothing.</param>
    /// <param name="isRequest">False for an attempt that was given up: its request is counted once.</param>
    public void Add(LogRow row, OpenRequest request, AttemptRecord attempt, FinishedRecord? settled, bool isRequest)
    {
        // Counting tokens costs nothing and is no call of a turn.
        var counts = settled is not null && request.Begun.Operation != "count_tokens";
        var turn = counts ? Turn(row, request) : null;
        if (settled?.Parts is not { Length: > 0 } parts)
        {
            Add(0, attempt.Model, settled?.Usage ?? Nothing, settled?.CostNanoUsd ?? 0, settled?.ListNanoUsd ?? settled?.CostNanoUsd ?? 0);
            return;
        }
        for (var i = 0; i < parts.Length; i++)
            Add(i, parts[i].Model, parts[i].Usage, parts[i].CostNanoUsd, parts[i].ListNanoUsd ?? parts[i].CostNanoUsd);

        void Add(int part, string model, UsageRecord usage, long nano, long list)
        {
            var series = SpendSeries.Of(row.OrganizationId, request.Begun, attempt, model, settled, usage);
            var id = IdOf(series);
            _lines.Add(new Line(row, request.SessionId, attempt.Number, part, series, id, settled, usage, nano, list, counts, counts && isRequest && part == 0, part == 0 ? turn : null));
        }
    }

    /// <summary>Says which turns were counted before this batch.</summary>
    public void Complete(HashSet<string> seen) => _seenTurns = seen;

    public async Task WriteAsync(StoreTransaction transaction)
    {
        // A turn counts where the first of its calls stands.
        var counted = new HashSet<string>(_seenTurns);
        var ledger = new List<object?[]>(_lines.Count);
        var (hours, days, months, modelDays) = (new Totals(Tables.SpendHours), new Totals(Tables.SpendDays), new Totals(Tables.SpendMonths), new Totals(Tables.SpendModelDays));
        foreach (var line in _lines)
        {
            var amounts = line.Amounts(line.IsCall && (line.Turn is null || counted.Add(line.Turn)));
            ledger.Add(line.Ledger(amounts));
            // What came to nothing is in the ledger alone.
            if (line.Settled is null || !line.Counts)
                continue;
            var day = DateTimeOffset.FromUnixTimeMilliseconds(line.Row.At).ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);
            hours.Add(line, line.Row.At - (line.Row.At % 3_600_000), line.Id, amounts);
            days.Add(line, day, line.Id, amounts);
            months.Add(line, day[..7], line.Id, amounts);
            modelDays.Add(line, day, IdOf(line.Series.WithoutPeople()), amounts);
        }
        await transaction.ExecuteManyAsync(Tables.SpendSeries, [.. _series.Select(s => (object?[])[s.Value, .. s.Key.Columns()])]).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(Tables.Ledger, ledger).ConfigureAwait(false);
        foreach (var totals in new[] { hours, days, months, modelDays })
            await totals.WriteAsync(transaction).ConfigureAwait(false);
        await transaction.ExecuteManyAsync(
            Tables.Turns,
            [.. _turns.Where(t => !_seenTurns.Contains(t.Key)).Select(t => new object?[] { t.Key, t.Value.Organization, t.Value.At })]).ConfigureAwait(false);
    }

    private byte[] IdOf(SpendSeries series)
    {
        if (!_series.TryGetValue(series, out var id))
            _series[series] = id = series.Id();
        return id;
    }

    // The client names prompt and session; both are only as true as it is.
    private string? Turn(LogRow row, OpenRequest request)
    {
        if (request.SessionId is null || request.Begun.PromptId is not { } prompt)
            return null;
        var id = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{row.OrganizationId}\n{request.SessionId}\n{prompt}"))[..16]);
        _turns.TryAdd(id, (row.OrganizationId, row.At));
        return id;
    }

    private sealed record Line(
        LogRow Row, string? SessionId, int Attempt, int Part, SpendSeries Series, byte[] Id, FinishedRecord? Settled, UsageRecord Usage, long Nano, long List,
        bool Counts, bool IsCall, string? Turn)
    {
        /// <summary>In the order of <see cref="SpendLine.Columns"/>, without the last three.</summary>
        public long[] Amounts(bool isNewTurn) =>
        [
            IsCall ? 1 : 0, isNewTurn ? 1 : 0,
            Usage.InputTokens, Usage.OutputTokens, Usage.CacheRead, Usage.CacheWrite5m, Usage.CacheWrite1h, Usage.WebSearchRequests, Usage.CodeExecutionRequests,
            Nano, List,
        ];

        public object?[] Ledger(long[] amounts) =>
        [
            Row.OrganizationId, Row.RequestId, (long)Attempt, (long)Part, Row.At, Id,
            Series.PrincipalType, Series.PrincipalId, Series.KeyId.Length == 0 ? null : Series.KeyId, SessionId, Series.Resource, Series.Deployment, Series.Model,
            .. amounts.Cast<object?>(),
            Settled?.PriceSource, Settled is { Incomplete: true } ? 1L : 0L,
        ];
    }

    /// <summary>The sums of one table, by its period and series.</summary>
    private sealed class Totals(BulkStatement table)
    {
        // Ids are the same array for the same series: keys by reference are keys by value.
        private readonly Dictionary<(string Organization, object Period, byte[] Series), long[]> _sums = [];

        public void Add(Line line, object period, byte[] series, long[] amounts)
        {
            var key = (line.Row.OrganizationId, period, series);
            if (!_sums.TryGetValue(key, out var sum))
                _sums[key] = sum = new long[SpendLine.Columns.Length];
            for (var i = 0; i < amounts.Length; i++)
                sum[i] += amounts[i];
            sum[^3] += line.Settled!.PriceSource == "fallback" ? line.Nano : 0;
            sum[^2] += line.Settled.Incomplete && line.Part == 0 ? 1 : 0;
            sum[^1] += line.Settled.Incomplete ? line.Nano : 0;
        }

        public Task WriteAsync(StoreTransaction transaction) => transaction.ExecuteManyAsync(
            table, [.. _sums.Select(s => (object?[])[s.Key.Organization, s.Key.Period, s.Key.Series, .. s.Value.Cast<object?>()])]);
    }
}
