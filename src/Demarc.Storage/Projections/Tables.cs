namespace Demarc.Storage.Projections;

/// <summary>The writes of a projection, a statement a table.</summary>
internal static class Tables
{
    private const string Amounts =
        "input_tokens:i output_tokens:i cache_read_tokens:i cache_write_5m_tokens:i cache_write_1h_tokens:i web_search_requests:i nano_usd:i";

    public static readonly BulkStatement Activities = BulkStatement.Insert(
        "activities",
        "organization_id:t position:i request_id:b type:t actor_id:t session_id:t at:i begun:i finished:i");

    public static readonly BulkStatement ActivitySeconds = BulkStatement.Insert(
        "activity_seconds", "organization_id:t second:i position:i", "ON CONFLICT (organization_id, second) DO NOTHING");

    public static readonly BulkStatement Sessions = BulkStatement.Insert(
        "sessions",
        "id:t organization_id:t client_session:t principal_type:t principal_id:t surface:t created_at:i last_at:i requests:i",
        """
        ON CONFLICT (id) DO UPDATE SET requests = sessions.requests + excluded.requests,
          last_at = CASE WHEN excluded.last_at > sessions.last_at THEN excluded.last_at ELSE sessions.last_at END
        """);

    public static readonly BulkStatement SessionRequests = BulkStatement.Insert(
        "session_requests",
        "organization_id:t session_id:t begun:i finished:i request_id:b captured:i",
        "ON CONFLICT (session_id, begun) DO UPDATE SET finished = excluded.finished, captured = excluded.captured");

    public static readonly BulkStatement Ledger = BulkStatement.Insert(
        "ledger",
        $"""
        organization_id:t request_id:b attempt:i at:i principal_type:t principal_id:t key_id:t session_id:t
        resource:t deployment:t model:t {Amounts} price_source:t incomplete:i
        """);

    public static readonly BulkStatement SpendTotals = BulkStatement.Insert(
        "spend_totals",
        $"organization_id:t day:t principal_id:t model:t resource:t requests:i {Amounts}",
        """
        ON CONFLICT (organization_id, day, principal_id, model, resource) DO UPDATE SET
          requests = spend_totals.requests + excluded.requests,
          input_tokens = spend_totals.input_tokens + excluded.input_tokens,
          output_tokens = spend_totals.output_tokens + excluded.output_tokens,
          cache_read_tokens = spend_totals.cache_read_tokens + excluded.cache_read_tokens,
          cache_write_5m_tokens = spend_totals.cache_write_5m_tokens + excluded.cache_write_5m_tokens,
          cache_write_1h_tokens = spend_totals.cache_write_1h_tokens + excluded.cache_write_1h_tokens,
          web_search_requests = spend_totals.web_search_requests + excluded.web_search_requests,
          nano_usd = spend_totals.nano_usd + excluded.nano_usd
        """);

    public static readonly BulkStatement Budgets = BulkStatement.Insert(
        "budgets",
        "organization_id:t meter_id:t settled:i recalled_at:i recalled_by:t",
        "ON CONFLICT (organization_id, meter_id) DO UPDATE SET settled = budgets.settled + excluded.settled");

    // One that was taken back from a replica is not there any more.
    public static readonly BulkStatement BudgetLeases = BulkStatement.Add("budget_leases", "organization_id:t meter_id:t replica:t nano_usd:i");

    // A request that went on to another attempt is listed already.
    public static readonly BulkStatement Opened = BulkStatement.Insert(
        "open_requests", "organization_id:t request_id:b begun:i replica:t", "ON CONFLICT (request_id) DO NOTHING");

    public static readonly BulkStatement Closed = BulkStatement.Delete("open_requests", "request_id:b");
}
