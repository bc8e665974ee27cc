using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;

namespace Demarc.Storage.Directory;

/// <summary>A person's request for more than the own limit of a period: <c>slir_…</c>.</summary>
public sealed record IncreaseRequest
{
    public required string Id { get; init; }

    /// <summary><c>user_…</c> or <c>svac_…</c>.</summary>
    public required string PrincipalId { get; init; }

    /// <summary><c>daily</c>, <c>weekly</c> or <c>monthly</c>.</summary>
    public required string Period { get; init; }

    /// <summary>In the person's own words; may be empty.</summary>
    public required string Reason { get; init; }

    /// <summary><c>pending</c>, <c>approved</c> or <c>denied</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Unix milliseconds, as is <see cref="ResolvedAt"/>.</summary>
    public required long CreatedAt { get; init; }

    public long? ResolvedAt { get; init; }

    /// <summary>Who resolved it, and by which key; null for what was done on the command line.</summary>
    public string? ResolvedBy { get; init; }

    public string? ResolvedByKey { get; init; }
}

/// <summary>
/// Requests for more, and what was approved for a time. A person has one pending request for each period, and none for 30 days
/// after one was denied (Spend Limits API, "Increase request lifecycle"). Each step is an activity.
/// </summary>
public sealed class IncreaseRequests
{
    /// <summary><c>slir_…</c> (Spend Limits API).</summary>
    public const string IdPrefix = "slir_";

    private const string Select =
        "SELECT id, principal_id, period, reason, status, created_at, resolved_at, resolved_by, resolved_by_key FROM spend_limit_increase_requests WHERE organization_id = @organizationId";

    private static readonly TimeSpan AfterDenial = TimeSpan.FromDays(30);

    private readonly Store _store;

    internal IncreaseRequests(Store store) => _store = store;

    /// <summary>Opens a request, or finds the one that is pending; null within 30 days of a denial.</summary>
    public Task<IncreaseRequest?> OpenAsync(IncreaseAsk ask, string reason, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var key = new { organizationId = ask.OrganizationId, ask.PrincipalId, period = ask.Period.Wire(), since = _store.Now - (long)AfterDenial.TotalMilliseconds };
            await transaction.LockAsync("spend_limit_increase_requests").ConfigureAwait(false);
            const string own = Select + " AND principal_id = @PrincipalId AND period = @period";
            if (await transaction.FindAsync<IncreaseRequest>(own + " AND status = 'pending'", key).ConfigureAwait(false) is { } pending)
                return pending;
            if (await transaction.FindAsync<IncreaseRequest>(own + " AND status = 'denied' AND resolved_at > @since", key).ConfigureAwait(false) is not null)
                return null;
            var request = new IncreaseRequest
            {
                Id = Ids.New(IdPrefix, _store.Time),
                PrincipalId = ask.PrincipalId,
                Period = ask.Period.Wire(),
                Reason = reason,
                Status = "pending",
                CreatedAt = _store.Now,
            };
            await transaction.ExecuteAsync(
                """
                INSERT INTO spend_limit_increase_requests (id, organization_id, principal_id, period, reason, status, created_at)
                VALUES (@Id, @organizationId, @PrincipalId, @Period, @Reason, 'pending', @CreatedAt)
                """,
                new { request.Id, organizationId = ask.OrganizationId, request.PrincipalId, request.Period, request.Reason, request.CreatedAt }).ConfigureAwait(false);
            await transaction.RecordAsync(ask.OrganizationId, actor, "demarc_spend_limit_increase_requested", new()
            {
                ["increase_request_id"] = request.Id,
                ["principal_id"] = request.PrincipalId,
                ["period"] = request.Period,
            }).ConfigureAwait(false);
            return request;
        });

    public Task<IncreaseRequest?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<IncreaseRequest>(Select + " AND id = @id", new { organizationId, id });

    /// <summary>The newest first, those of people who are still there.</summary>
    /// <param name="statuses">Any of these; empty for all.</param>
    /// <param name="principals">Of any of these; empty for all.</param>
    /// <param name="afterId">The last one of the page before; null for the first page.</param>
    public async Task<Page<IncreaseRequest>> ListAsync(string organizationId, string[] statuses, string[] principals, string? afterId, int limit) =>
        Page<IncreaseRequest>.Cut(
            await _store.QueryAsync<IncreaseRequest>(
                Select
                + " AND principal_id IN (SELECT id FROM users WHERE organization_id = @organizationId UNION SELECT id FROM service_accounts WHERE organization_id = @organizationId)"
                + (statuses.Length > 0 ? $" AND status IN {_store.TextsOfJson("statuses")}" : "")
                + (principals.Length > 0 ? $" AND principal_id IN {_store.TextsOfJson("principals")}" : "")
                + (afterId is not null ? " AND id < @afterId" : "")
                + " ORDER BY id DESC LIMIT @most",
                new { organizationId, statuses = JsonSerializer.Serialize(statuses), principals = JsonSerializer.Serialize(principals), afterId, most = limit + 1 }).ConfigureAwait(false),
            limit, towardsNewest: false);

    /// <summary>
    /// Approves a pending request: the person's own limit becomes the amount, or, with an end, is raised to it until then.
    /// Null when it is not pending any more.
    /// </summary>
    /// <param name="until">Unix milliseconds; null for good.</param>
    /// <param name="isQuiet">Whether the person is told by other means.</param>
    public async Task<IncreaseRequest?> ApproveAsync(
        string organizationId, IncreaseRequest request, LimitPeriod period, long amountNano, long? until, bool isQuiet, ActorRecord actor) =>
        await _store.WriteAsync(async transaction =>
        {
            if (!await ResolveAsync(transaction, organizationId, request.Id, "approved", actor).ConfigureAwait(false))
                return false;
            if (until is { } end)
                await RaiseAsync(transaction, organizationId, new SpendRaise(request.PrincipalId, period, amountNano, end)).ConfigureAwait(false);
            else
                await _store.SpendLimits.PutAsync(transaction, organizationId, StoredScope.User, request.PrincipalId, period, false, amountNano, LimitMode.Hard, actor).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, SpendEvents.Approved, new()
            {
                ["increase_request_id"] = request.Id,
                ["principal_id"] = request.PrincipalId,
                ["period"] = period.Wire(),
                ["amount_nano_usd"] = amountNano.ToString(CultureInfo.InvariantCulture),
                ["until"] = until is { } last ? DateTimeOffset.FromUnixTimeMilliseconds(last).ToString("O", CultureInfo.InvariantCulture) : null,
                [SpendEvents.Suppressed] = isQuiet ? "true" : null,
            }).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false) ? await GetAsync(organizationId, request.Id).ConfigureAwait(false) : null;

    /// <summary>Denies a pending request; null when it is not pending any more.</summary>
    /// <param name="isQuiet">Whether the person is told by other means.</param>
    public async Task<IncreaseRequest?> DenyAsync(string organizationId, IncreaseRequest request, bool isQuiet, ActorRecord actor) =>
        await _store.WriteAsync(async transaction =>
        {
            if (!await ResolveAsync(transaction, organizationId, request.Id, "denied", actor).ConfigureAwait(false))
                return false;
            await transaction.RecordAsync(organizationId, actor, SpendEvents.Denied, new()
            {
                ["increase_request_id"] = request.Id,
                ["principal_id"] = request.PrincipalId,
                ["period"] = request.Period,
                [SpendEvents.Suppressed] = isQuiet ? "true" : null,
            }).ConfigureAwait(false);
            return true;
        }).ConfigureAwait(false) ? await GetAsync(organizationId, request.Id).ConfigureAwait(false) : null;

    /// <summary>What was approved for a time that is not over.</summary>
    public async Task<SpendRaise[]> RaisesAsync(string organizationId)
    {
        var rows = await _store.QueryAsync<(string PrincipalId, string Period, long AmountNano, long Until)>(
            "SELECT principal_id, period, amount_nano, until FROM spend_raises WHERE organization_id = @organizationId AND until > @Now", new { organizationId, _store.Now }).ConfigureAwait(false);
        return Array.ConvertAll(rows, r => new SpendRaise(r.PrincipalId, (LimitPeriod)Array.IndexOf(LimitPeriods.Names, r.Period), r.AmountNano, r.Until));
    }

    private static Task<int> RaiseAsync(StoreTransaction transaction, string organizationId, SpendRaise raise) =>
        transaction.ExecuteAsync(
            """
            INSERT INTO spend_raises (organization_id, principal_id, period, amount_nano, until) VALUES (@organizationId, @PrincipalId, @period, @AmountNano, @Until)
            ON CONFLICT (organization_id, principal_id, period) DO UPDATE SET amount_nano = excluded.amount_nano, until = excluded.until
            """,
            new { organizationId, raise.PrincipalId, period = raise.Period.Wire(), raise.AmountNano, raise.Until });

    private async Task<bool> ResolveAsync(StoreTransaction transaction, string organizationId, string id, string status, ActorRecord actor) =>
        await transaction.ExecuteAsync(
            """
            UPDATE spend_limit_increase_requests SET status = @status, resolved_at = @Now, resolved_by = @by, resolved_by_key = @KeyId
            WHERE organization_id = @organizationId AND id = @id AND status = 'pending'
            """,
            new { organizationId, id, status, _store.Now, by = actor.KeyId is null ? null : actor.Id, actor.KeyId }).ConfigureAwait(false) > 0;
}
