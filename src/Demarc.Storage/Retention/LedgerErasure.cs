using System.Globalization;
using System.Text.Json;

namespace Demarc.Storage.Retention;

/// <summary>Takes what is past its retention out of the ledger and its totals, and ended sign-ins out of the directory.</summary>
public sealed class LedgerErasure
{
    private readonly Store _store;

    internal LedgerErasure(Store store) => _store = store;

    /// <summary>Deletes what was spent before a moment, calls and totals; how many rows.</summary>
    /// <param name="before">A UTC midnight.</param>
    /// <param name="held">People whose rows stay.</param>
    public Task<long> RunAsync(string organizationId, DateTimeOffset before, IEnumerable<string> held) => _store.WriteDerivedAsync(async transaction =>
    {
        var parameters = new
        {
            organizationId,
            at = before.ToUnixTimeMilliseconds(),
            day = before.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
            month = before.ToString("yyyy-MM", CultureInfo.InvariantCulture),
            held = JsonSerializer.Serialize(held),
        };
        var others = $"NOT IN {_store.TextsOfJson("held")}";
        var ours = $"series NOT IN (SELECT id FROM spend_series WHERE organization_id = @organizationId AND principal_id IN {_store.TextsOfJson("held")})";
        var rows = 0L;
        foreach (var statement in new[]
        {
            $"DELETE FROM ledger WHERE organization_id = @organizationId AND at < @at AND principal_id {others}",
            $"DELETE FROM spend_hours WHERE organization_id = @organizationId AND hour < @at AND {ours}",
            $"DELETE FROM spend_days WHERE organization_id = @organizationId AND day < @day AND {ours}",
            $"DELETE FROM spend_months WHERE organization_id = @organizationId AND month < @month AND {ours}",
            "DELETE FROM spend_model_days WHERE organization_id = @organizationId AND day < @day",
            "DELETE FROM turns WHERE organization_id = @organizationId AND at < @at",
        })
            rows += await transaction.ExecuteAsync(statement, parameters).ConfigureAwait(false);
        return rows;
    });

    /// <summary>Deletes sign-ins and device codes that ended before a moment; how many.</summary>
    public Task<long> EndedSignInsAsync(string organizationId, DateTimeOffset before, IEnumerable<string> held) => _store.WriteAsync(async transaction =>
    {
        var parameters = new { organizationId, at = before.ToUnixTimeMilliseconds(), held = JsonSerializer.Serialize(held) };
        var others = $"NOT IN {_store.TextsOfJson("held")}";
        return (long)await transaction.ExecuteAsync($"DELETE FROM sign_ins WHERE organization_id = @organizationId AND expires_at < @at AND user_id {others}", parameters).ConfigureAwait(false)
            + await transaction.ExecuteAsync($"DELETE FROM device_codes WHERE organization_id = @organizationId AND expires_at < @at AND coalesce(user_id, '') {others}", parameters).ConfigureAwait(false);
    });

    /// <summary>Inactive people of whom nothing has been on record since a moment.</summary>
    public Task<string[]> LongInactiveAsync(string organizationId, DateTimeOffset before) =>
        _store.QueryAsync<string>(
            """
            SELECT u.id FROM users u WHERE u.organization_id = @organizationId AND u.status = 'inactive' AND u.created_at < @at
              AND NOT EXISTS (SELECT 1 FROM activities a WHERE a.organization_id = u.organization_id AND a.actor_id = u.id AND a.at >= @at)
              AND NOT EXISTS (SELECT 1 FROM sessions s WHERE s.organization_id = u.organization_id AND s.principal_id = u.id)
            """,
            new { organizationId, at = before.ToUnixTimeMilliseconds() });
}
