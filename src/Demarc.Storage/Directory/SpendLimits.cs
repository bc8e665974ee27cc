using System.Globalization;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;

namespace Demarc.Storage.Directory;

/// <summary>Limits that are data rather than configuration. Every change is an activity with the amounts of before and after.</summary>
public sealed class SpendLimits
{
    /// <summary><c>spl_…</c> (Spend Limits API).</summary>
    public const string IdPrefix = "spl_";

    private const string Select =
        """
        SELECT l.id, l.scope, l.target, g.name AS group_name, l.period, l.shared, l.amount_nano, l.mode, l.created_at, l.updated_at
        FROM spend_limits l LEFT JOIN groups g ON l.scope = 'rbac_group' AND g.id = l.target
        WHERE l.organization_id = @organizationId
        """;

    private readonly Store _store;

    internal SpendLimits(Store store) => _store = store;

    /// <summary>All of them, oldest first.</summary>
    public async Task<StoredLimit[]> AllAsync(string organizationId) =>
        Array.ConvertAll(await _store.QueryAsync<Row>(Select + " ORDER BY l.id", new { organizationId }).ConfigureAwait(false), row => row.Limit());

    public async Task<StoredLimit?> GetAsync(string organizationId, string id) =>
        (await _store.FindAsync<Row>(Select + " AND l.id = @id", new { organizationId, id }).ConfigureAwait(false))?.Limit();

    /// <summary>Sets the limit of a scope and period, in place of the one there is.</summary>
    /// <param name="target">As <see cref="StoredLimit"/> has it.</param>
    /// <param name="amountNano">Null for no limit.</param>
    public async Task<StoredLimit> PutAsync(
        string organizationId, StoredScope scope, string target, LimitPeriod period, bool shared, long? amountNano, LimitMode mode, ActorRecord actor)
    {
        var id = await _store.WriteAsync(transaction => PutAsync(transaction, organizationId, scope, target, period, shared, amountNano, mode, actor)).ConfigureAwait(false);
        return (await GetAsync(organizationId, id).ConfigureAwait(false))!;
    }

    /// <summary>The same within a transaction; the limit's id.</summary>
    internal async Task<string> PutAsync(
        StoreTransaction transaction, string organizationId, StoredScope scope, string target, LimitPeriod period, bool shared, long? amountNano, LimitMode mode, ActorRecord actor)
    {
        var row = new
        {
            organizationId,
            newId = Ids.New(IdPrefix, _store.Time),
            scope = Wire(scope),
            target,
            period = period.Wire(),
            shared = shared ? 1L : 0L,
            amountNano,
            mode = mode.Wire(),
            _store.Now,
        };
        await transaction.LockAsync("spend_limits").ConfigureAwait(false);
        const string place = "organization_id = @organizationId AND scope = @scope AND target = @target AND period = @period AND shared = @shared";
        var before = await transaction.FindAsync<Before>($"SELECT id, amount_nano, mode FROM spend_limits WHERE {place}", row).ConfigureAwait(false);
        await transaction.ExecuteAsync(
            before == null
                ? """
                  INSERT INTO spend_limits (id, organization_id, scope, target, period, shared, amount_nano, mode, created_at, updated_at)
                  VALUES (@newId, @organizationId, @scope, @target, @period, @shared, @amountNano, @mode, @Now, @Now)
                  """
                : $"UPDATE spend_limits SET amount_nano = @amountNano, mode = @mode, updated_at = @Now WHERE {place}",
            row).ConfigureAwait(false);
        await transaction.ChangeAsync(organizationId, actor, before == null ? "demarc_spend_limit_created" : "demarc_spend_limit_updated", new()
        {
            ["spend_limit_id"] = before?.Id ?? row.newId,
            ["scope"] = row.scope,
            ["target"] = target.Length > 0 ? target : null,
            ["period"] = row.period,
            ["shared"] = shared ? "true" : "false",
            ["amount_nano_usd_before"] = Text(before?.AmountNano),
            ["amount_nano_usd_after"] = Text(amountNano),
            ["mode_before"] = before?.Mode,
            ["mode_after"] = row.mode,
        }).ConfigureAwait(false);
        return before?.Id ?? row.newId;
    }

    /// <summary>Removes a limit; false when there is none of that id.</summary>
    public Task<bool> DeleteAsync(string organizationId, string id, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var key = new { organizationId, id };
            var before = await transaction.FindAsync<Before>(
                "SELECT id, scope, target, period, shared, amount_nano, mode FROM spend_limits WHERE organization_id = @organizationId AND id = @id", key).ConfigureAwait(false);
            if (before == null || await transaction.ExecuteAsync("DELETE FROM spend_limits WHERE organization_id = @organizationId AND id = @id", key).ConfigureAwait(false) == 0)
                return false;
            await transaction.ChangeAsync(organizationId, actor, "demarc_spend_limit_deleted", new()
            {
                ["spend_limit_id"] = id,
                ["scope"] = before.Scope,
                ["target"] = before.Target is { Length: > 0 } target ? target : null,
                ["period"] = before.Period,
                ["shared"] = before.Shared > 0 ? "true" : "false",
                ["amount_nano_usd_before"] = Text(before.AmountNano),
                ["mode_before"] = before.Mode,
            }).ConfigureAwait(false);
            return true;
        });

    /// <summary>The scopes' names on the wire.</summary>
    public static readonly string[] ScopeNames = [.. Enum.GetValues<StoredScope>().Select(Wire)];

    /// <summary>The scope's name on the wire.</summary>
    public static string Wire(StoredScope scope) => scope switch
    {
        StoredScope.User => "user",
        StoredScope.Group => "rbac_group",
        StoredScope.Key => "api_key",
        StoredScope.Workspace => "workspace",
        StoredScope.Project => "project",
        StoredScope.Resource => "resource",
        _ => "organization",
    };

    private static string? Text(long? nano) => nano?.ToString(CultureInfo.InvariantCulture);

    private sealed record Before
    {
        public required string Id { get; init; }

        public string? Scope { get; init; }

        public string? Target { get; init; }

        public string? Period { get; init; }

        public long Shared { get; init; }

        public long? AmountNano { get; init; }

        public required string Mode { get; init; }
    }

    private sealed record Row
    {
        public required string Id { get; init; }

        public required string Scope { get; init; }

        public required string Target { get; init; }

        public string? GroupName { get; init; }

        public required string Period { get; init; }

        public required long Shared { get; init; }

        public long? AmountNano { get; init; }

        public required string Mode { get; init; }

        public required long CreatedAt { get; init; }

        public required long UpdatedAt { get; init; }

        public StoredLimit Limit()
        {
            var period = (LimitPeriod)Array.IndexOf(LimitPeriods.Names, Period);
            var mode = (LimitMode)Array.IndexOf(LimitModes.Names, Mode);
            var scope = Enum.GetValues<StoredScope>().First(s => Wire(s) == Scope);
            return new(Id, scope, Target, GroupName, period, AmountNano, mode, Shared != 0, CreatedAt, UpdatedAt);
        }
    }
}
