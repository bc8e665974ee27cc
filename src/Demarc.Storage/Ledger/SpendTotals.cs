namespace Demarc.Storage.Ledger;

/// <summary>What was spent by one principal (and key, where that is told apart), model and resource over some days.</summary>
public sealed record SpendTotal
{
    /// <summary><c>apikey_…</c>; null where keys are not told apart.</summary>
    public string? KeyId { get; init; }

    /// <summary><c>user_…</c> or <c>svac_…</c>.</summary>
    public required string PrincipalId { get; init; }

    public required string Model { get; init; }

    public required string Resource { get; init; }

    public required long Requests { get; init; }

    public required long InputTokens { get; init; }

    public required long OutputTokens { get; init; }

    public required long CacheReadTokens { get; init; }

    public required long CacheWrite5mTokens { get; init; }

    public required long CacheWrite1hTokens { get; init; }

    public required long WebSearchRequests { get; init; }

    /// <summary>Nano-dollars (1 USD = 10^9).</summary>
    public required long NanoUsd { get; init; }
}

/// <summary>Totals of spend, a second behind the log.</summary>
public sealed class SpendTotals
{
    private readonly Store _store;

    internal SpendTotals(Store store) => _store = store;

    /// <summary>Totals of UTC days from <paramref name="from"/> up to and without <paramref name="to"/>, dearest first.</summary>
    public Task<SpendTotal[]> ListAsync(string organizationId, DateOnly from, DateOnly to) =>
        _store.QueryAsync<SpendTotal>(
            $"""
            SELECT principal_id, model, resource, {Sum("requests")}, {Sum("input_tokens")}, {Sum("output_tokens")},
              {Sum("cache_read_tokens")}, {Sum("cache_write_5m_tokens")}, {Sum("cache_write_1h_tokens")},
              {Sum("web_search_requests")}, {Sum("nano_usd")}
            FROM spend_totals WHERE organization_id = @organizationId AND day >= @from AND day < @to
            GROUP BY principal_id, model, resource ORDER BY sum(nano_usd) DESC, principal_id, model, resource
            """,
            new { organizationId, from = Day(from), to = Day(to) });

    /// <summary>The same, told apart by key; read from the ledger's rows.</summary>
    public Task<SpendTotal[]> ListByKeyAsync(string organizationId, DateOnly from, DateOnly to) =>
        _store.QueryAsync<SpendTotal>(
            $"""
            SELECT key_id, principal_id, model, resource, count(DISTINCT request_id) AS requests, {Sum("input_tokens")}, {Sum("output_tokens")},
              {Sum("cache_read_tokens")}, {Sum("cache_write_5m_tokens")}, {Sum("cache_write_1h_tokens")},
              {Sum("web_search_requests")}, {Sum("nano_usd")}
            FROM ledger WHERE organization_id = @organizationId AND at >= @from AND at < @to
            GROUP BY key_id, principal_id, model, resource ORDER BY sum(nano_usd) DESC, key_id, model, resource
            """,
            new { organizationId, from = Milliseconds(from), to = Milliseconds(to) });

    // PostgreSQL adds bigints up to a numeric.
    private static string Sum(string column) => $"CAST(sum({column}) AS bigint) AS {column}";

    private static long Milliseconds(DateOnly day) => new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeMilliseconds();

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
}
