using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Spend;

namespace Demarc.Storage.Ledger;

/// <summary>
/// Budgets and this replica's leases of them; see <see cref="ISpendReservations"/>. Requests wait for them: a server that falls silent is
/// given up after <see cref="Store.Soon"/>.
/// </summary>
public sealed class Budgets : ISpendReservations
{
    // A part of what is free, so that a few replicas share it, and never so much that calling it back is the rule.
    private const int FreeParts = 8;
    private const int CapParts = 64;

    /// <summary>For how long replicas keep to a recall, milliseconds.</summary>
    private const long RecallFor = 2000;

    private readonly Store _store;

    internal Budgets(Store store) => _store = store;

    public async Task<LeaseGrant> LeaseAsync(Meter meter, long cap, long need, bool isRenewal)
    {
        var opening = await OpeningAsync(meter).ConfigureAwait(false);
        return await _store.WriteDerivedAsync(async transaction =>
        {
            await EnsureAsync(transaction, meter, opening).ConfigureAwait(false);
            var row = (await transaction.FindAsync<Row>(
                """
                SELECT b.settled,
                  CAST(coalesce(sum(CASE WHEN l.replica = @Replica THEN l.nano_usd END), 0) AS bigint) AS own,
                  CAST(coalesce(sum(CASE WHEN l.replica <> @Replica AND l.nano_usd > 0 THEN l.nano_usd END), 0) AS bigint) AS others,
                  CAST(coalesce(sum(CASE WHEN l.replica = @Replica THEN 1 END), 0) AS bigint) AS leases,
                  CAST(coalesce(sum(CASE WHEN l.replica = @Replica THEN l.ended END), 0) AS bigint) AS ended
                FROM budgets b LEFT JOIN budget_leases l ON l.organization_id = b.organization_id AND l.meter_id = b.meter_id
                WHERE b.organization_id = @OrganizationId AND b.meter_id = @Id GROUP BY b.settled
                """,
                new { meter.OrganizationId, meter.Id, _store.Replica }).ConfigureAwait(false))!;
            if (row.Ended > 0 || (isRenewal && row.Leases == 0))
                return new LeaseGrant(0, 0, row.Others, row.Settled, IsEnded: true);
            // What cost more than was leased is in the budget by now: it is made good, so that it does not stand in the way a second time.
            var overdrawn = Math.Max(0, -row.Own);
            var free = cap - row.Settled - Math.Max(0, row.Own) - row.Others;
            need = Math.Max(0, need - overdrawn);
            var grant = free < need ? 0 : need + Math.Min((free - need) / FreeParts, cap / CapParts);
            if (overdrawn + grant > 0)
            {
                await transaction.ExecuteAsync(
                    """
                    INSERT INTO budget_leases (organization_id, meter_id, replica, nano_usd, ended) VALUES (@OrganizationId, @Id, @Replica, @more, 0)
                    ON CONFLICT (organization_id, meter_id, replica) DO UPDATE SET nano_usd = budget_leases.nano_usd + excluded.nano_usd
                    """,
                    new { meter.OrganizationId, meter.Id, _store.Replica, more = overdrawn + grant }).ConfigureAwait(false);
            }
            return new LeaseGrant(overdrawn + grant, Math.Max(0, free - grant), row.Others, row.Settled);
        }, Store.Soon).ConfigureAwait(false);
    }

    public Task ReturnAsync(Meter meter, long nano) =>
        _store.WriteDerivedAsync(transaction => transaction.ExecuteAsync(
            "UPDATE budget_leases SET nano_usd = nano_usd - @nano WHERE organization_id = @OrganizationId AND meter_id = @Id AND replica = @Replica AND ended = 0",
            new { meter.OrganizationId, meter.Id, _store.Replica, nano }), Store.Soon);

    public Task RecallAsync(Meter meter) =>
        _store.WriteDerivedAsync(transaction => transaction.ExecuteAsync(
            "UPDATE budgets SET recalled_at = @Now, recalled_by = @Replica WHERE organization_id = @OrganizationId AND meter_id = @Id",
            new { meter.OrganizationId, meter.Id, _store.Replica, _store.Now }), Store.Soon);

    public async Task<long> SettledAsync(Meter meter)
    {
        const string select = "SELECT settled FROM budgets WHERE organization_id = @OrganizationId AND meter_id = @Id";
        if (await _store.FindAsync<long?>(select, new { meter.OrganizationId, meter.Id }, Store.Soon).ConfigureAwait(false) is { } known)
            return known;
        var opening = await OpeningAsync(meter).ConfigureAwait(false);
        return await _store.WriteDerivedAsync(async transaction =>
        {
            await EnsureAsync(transaction, meter, opening).ConfigureAwait(false);
            return await transaction.FindAsync<long>(select, new { meter.OrganizationId, meter.Id }).ConfigureAwait(false);
        }, Store.Soon).ConfigureAwait(false);
    }

    public async Task<long[]> SettledAsync(IReadOnlyList<Meter> meters)
    {
        var known = new Dictionary<(string, string), long>();
        foreach (var organization in meters.GroupBy(m => m.OrganizationId))
        {
            var rows = await _store.QueryAsync<(string Id, long Settled)>(
                $"SELECT meter_id, settled FROM budgets WHERE organization_id = @organizationId AND meter_id IN {_store.TextsOfJson("ids")}",
                new { organizationId = organization.Key, ids = Ids(organization) }, Store.Soon).ConfigureAwait(false);
            foreach (var (id, settled) in rows)
                known[(organization.Key, id)] = settled;
        }
        return [.. meters.Select(m => known.GetValueOrDefault((m.OrganizationId, m.Id)))];
    }

    public async Task<bool> CloseAsync(IReadOnlyList<Meter> meters)
    {
        // What was spent of them is half a minute old and more.
        if (await _store.FindAsync<long>($"SELECT count(*) FROM {_store.Unfollowed} AND r.at < @before", new { before = _store.Now - 30_000 }, Store.Soon).ConfigureAwait(false) > 0)
            return false;
        foreach (var organization in meters.GroupBy(m => m.OrganizationId))
        {
            await _store.WriteDerivedAsync(transaction => transaction.ExecuteAsync(
                $"DELETE FROM budget_leases WHERE organization_id = @organizationId AND replica = @Replica AND ended = 0 AND meter_id IN {_store.TextsOfJson("ids")}",
                new { organizationId = organization.Key, _store.Replica, ids = Ids(organization) }), Store.Soon).ConfigureAwait(false);
        }
        return true;
    }

    public async Task<LeaseState[]> LeasesAsync()
    {
        var rows = await _store.QueryAsync<StateRow>(
            """
            SELECT b.organization_id, b.meter_id, b.settled,
              CAST(CASE WHEN b.recalled_at > @since AND b.recalled_by <> @Replica THEN 1 ELSE 0 END AS bigint) AS recalled
            FROM budget_leases l JOIN budgets b ON b.organization_id = l.organization_id AND b.meter_id = l.meter_id
            WHERE l.replica = @Replica AND l.ended = 0
            """,
            new { _store.Replica, since = _store.Now - RecallFor }, Store.Soon).ConfigureAwait(false);
        return Array.ConvertAll(rows, row => new LeaseState(row.OrganizationId, row.MeterId, row.Settled, row.Recalled != 0));
    }

    private static string Ids(IEnumerable<Meter> meters) => JsonSerializer.Serialize(meters.Select(m => m.Id));

    // Locks the budget too, where several processes write: a grant looks at it and its leases as one.
    private static async Task EnsureAsync(StoreTransaction transaction, Meter meter, Opening opening)
    {
        const string lockRow = "UPDATE budgets SET settled = settled WHERE organization_id = @OrganizationId AND meter_id = @Id";
        var key = new { meter.OrganizationId, meter.Id };
        if (await transaction.ExecuteAsync(lockRow, key).ConfigureAwait(false) > 0)
            return;
        await transaction.ExecuteAsync(
            $"""
            INSERT INTO budgets (organization_id, meter_id, settled, recalled_at, recalled_by)
            SELECT @OrganizationId, @Id, CAST(coalesce(sum(nano_usd), 0) AS bigint), 0, '' FROM {opening.From}
            ON CONFLICT (organization_id, meter_id) DO NOTHING
            """,
            opening).ConfigureAwait(false);
        await transaction.ExecuteAsync(lockRow, key).ConfigureAwait(false);
    }

    // What the ledger has of the period from before the budget: a limit that is set today counts this month's spend.
    private async Task<Opening> OpeningAsync(Meter meter)
    {
        var where = "organization_id = @OrganizationId" + (meter.Resource is null ? "" : " AND resource = @Resource");
        var members = meter.Pool is null ? "[]" : JsonSerializer.Serialize(await MembersAsync(meter).ConfigureAwait(false));
        return new Opening(
            meter.Scope switch
            {
                LimitScope.Key => $"ledger WHERE {where} AND at >= @Since AND key_id = @Subject",
                LimitScope.Person => $"spend_totals WHERE {where} AND day >= @Day AND principal_id = @Subject",
                LimitScope.Pool =>
                    $"""
                    spend_days d JOIN spend_series s ON s.id = d.series
                    WHERE d.organization_id = @OrganizationId{(meter.Resource is null ? "" : " AND s.resource = @Resource")} AND d.day >= @Day
                      AND (s.principal_id IN {_store.TextsOfJson("Members")} OR s.workspace_id IN {_store.TextsOfJson("Members")} OR s.project_id IN {_store.TextsOfJson("Members")})
                    """,
                _ => $"spend_totals WHERE {where} AND day >= @Day",
            },
            meter.OrganizationId,
            meter.Id,
            meter.Resource,
            meter.Subject,
            meter.Period.Start.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            new DateTimeOffset(meter.Period.Start.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeMilliseconds(),
            members);
    }

    // Ids of the people, workspaces and projects of a pool: no two kinds share one.
    private Task<string[]> MembersAsync(Meter meter) =>
        _store.QueryAsync<string>(
            $"""
            SELECT m.member_id FROM group_members m JOIN groups g ON g.id = m.group_id
            WHERE g.organization_id = @OrganizationId AND g.name IN {_store.TextsOfJson("groups")}
            UNION SELECT id FROM users WHERE organization_id = @OrganizationId AND (email IN {_store.TextsOfJson("users")} OR id IN {_store.TextsOfJson("users")})
            UNION SELECT id FROM workspaces WHERE organization_id = @OrganizationId AND (name IN {_store.TextsOfJson("workspaces")} OR id IN {_store.TextsOfJson("workspaces")})
            UNION SELECT id FROM projects
            WHERE organization_id = @OrganizationId
              AND (name IN {_store.TextsOfJson("projects")} OR id IN {_store.TextsOfJson("projects")} OR data_classification IN {_store.TextsOfJson("classifications")})
            """,
            new
            {
                meter.OrganizationId,
                groups = JsonSerializer.Serialize(meter.Pool!.Groups),
                users = JsonSerializer.Serialize(meter.Pool.Users),
                workspaces = JsonSerializer.Serialize(meter.Pool.Workspaces),
                projects = JsonSerializer.Serialize(meter.Pool.Projects),
                classifications = JsonSerializer.Serialize(meter.Pool.Classifications),
            },
            Store.Soon);

    private sealed record Opening(string From, string OrganizationId, string Id, string? Resource, string? Subject, string Day, long Since, string Members);

    private sealed record Row
    {
        public required long Settled { get; init; }

        public required long Own { get; init; }

        public required long Others { get; init; }

        public required long Leases { get; init; }

        public required long Ended { get; init; }
    }

    private sealed record StateRow
    {
        public required string OrganizationId { get; init; }

        public required string MeterId { get; init; }

        public required long Settled { get; init; }

        public required long Recalled { get; init; }
    }
}
