using Demarc.Storage.Ledger;

namespace Demarc.Storage.Projections;

/// <summary>The writes of a projection, a statement a table.</summary>
internal static class Tables
{
    private const string Amounts =
        """
        requests:i turns:i input_tokens:i output_tokens:i cache_read_tokens:i cache_write_5m_tokens:i cache_write_1h_tokens:i
        web_search_requests:i code_execution_requests:i nano_usd:i list_nano_usd:i
        """;

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
        organization_id:t request_id:b attempt:i part:i at:i series:b principal_type:t principal_id:t key_id:t session_id:t
        resource:t deployment:t model:t {Amounts} price_source:t incomplete:i
        """);

    public static readonly BulkStatement SpendSeries = BulkStatement.Insert(
        "spend_series",
        """
        id:b organization_id:t principal_type:t principal_id:t key_id:t workspace_id:t project_id:t platform:t resource:t deployment:t model:t
        surface:t service_tier:t speed:t inference_geo:t context_window:t
        """,
        "ON CONFLICT (id) DO NOTHING");

    public static readonly BulkStatement SpendHours = Totals("spend_hours", "hour:i");

    public static readonly BulkStatement SpendDays = Totals("spend_days", "day:t");

    public static readonly BulkStatement SpendMonths = Totals("spend_months", "month:t");

    public static readonly BulkStatement SpendModelDays = Totals("spend_model_days", "day:t");

    public static readonly BulkStatement Turns = BulkStatement.Insert("turns", "id:t organization_id:t at:i", "ON CONFLICT (id) DO NOTHING");

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

    private static BulkStatement Totals(string table, string period) => BulkStatement.Insert(
        table,
        $"organization_id:t {period} series:b {Amounts} fallback_nano_usd:i incomplete_requests:i incomplete_nano_usd:i",
        $"ON CONFLICT (organization_id, {period[..^2]}, series) DO UPDATE SET {string.Join(", ", SpendLine.Columns.Select(c => $"{c} = {table}.{c} + excluded.{c}"))}");
}
