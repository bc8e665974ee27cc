using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;

namespace Demarc.Storage.Ledger;

/// <summary>Something to tell one destination of.</summary>
public sealed record SpendAlert
{
    /// <summary><c>alert_…</c>; the same however often it is tried.</summary>
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>A name of the configuration, <c>webhook:…</c> or <c>email</c>.</summary>
    public required string Destination { get; init; }

    /// <summary>JSON: the event's type, moment and fields.</summary>
    public required string Body { get; init; }

    public required long Tries { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }
}

/// <summary>
/// Alerts made from activities: each once for each limit, period, threshold and destination, and tried until it is delivered.
/// Decisions on people's requests for more go by e-mail to who asked, where that is a destination. A deployment that a mismatch
/// takes out of service is told of once a day.
/// </summary>
public sealed class SpendAlerts
{
    /// <summary>The destination that is e-mail.</summary>
    public const string ByEmail = "email";

    /// <summary>The field of an alert's <c>data</c> that is the address of the one person it is for; else it is for the configuration's.</summary>
    public const string To = "to";

    private const string IdPrefix = "alert_";
    private const int Batch = 200;
    private const long ClaimFor = 60_000;

    // A destination that is new is not told of all that ever was.
    private static readonly TimeSpan Oldest = TimeSpan.FromDays(7);

    private readonly Store _store;

    internal SpendAlerts(Store store) => _store = store;

    /// <summary>Makes alerts of the activities that came since the last look; how many activities those were.</summary>
    public async Task<int> CollectAsync(string organizationId, IReadOnlyList<string> destinations)
    {
        var mark = await _store.FindAsync<long?>("SELECT position FROM spend_alert_marks WHERE organization_id = @organizationId", new { organizationId }).ConfigureAwait(false) ?? 0;
        var rows = await _store.QueryAsync<(long Position, byte[] Body, long At)>(
            $"""
            SELECT a.position, r.body, a.at FROM activities a JOIN records r ON r.sequence = a.finished
            WHERE a.organization_id = @organizationId AND a.type IN {_store.TextsOfJson("types")} AND a.position > @mark ORDER BY a.position LIMIT {Batch}
            """,
            new { organizationId, mark, types = JsonSerializer.Serialize<string[]>([.. SpendEvents.All, .. SpendEvents.Decisions, BoundaryCheck.MismatchEvent]) }).ConfigureAwait(false);
        if (rows.Length == 0)
            return 0;
        await _store.WriteAsync(async transaction =>
        {
            foreach (var row in rows.Where(r => r.At > _store.Now - (long)Oldest.TotalMilliseconds))
            {
                var e = JsonSerializer.Deserialize(row.Body, RecordJson.Default.EventRecord)!;
                if (SpendEvents.Decisions.Contains(e.Type))
                {
                    if (destinations.Contains(ByEmail) && await AskerAsync(transaction, organizationId, e).ConfigureAwait(false) is { } asker)
                        await AddAsync(transaction, organizationId, e with { Fields = new(e.Fields) { [To] = asker } }, row.At, ByEmail).ConfigureAwait(false);
                    continue;
                }
                foreach (var destination in destinations)
                    await AddAsync(transaction, organizationId, e, row.At, destination).ConfigureAwait(false);
            }
            return 0;
        }).ConfigureAwait(false);
        // After the alerts: what is looked through twice makes none twice.
        await _store.WriteDerivedAsync(transaction => transaction.ExecuteAsync(
            """
            INSERT INTO spend_alert_marks (organization_id, position) VALUES (@organizationId, @position)
            ON CONFLICT (organization_id) DO UPDATE SET position = excluded.position
            """,
            new { organizationId, position = rows[^1].Position })).ConfigureAwait(false);
        return rows.Length;
    }

    /// <summary>Alerts that are due.</summary>
    public Task<SpendAlert[]> DueAsync(string organizationId) =>
        _store.QueryAsync<SpendAlert>(
            """
            SELECT id, organization_id, destination, body, tries, created_at FROM spend_alerts
            WHERE organization_id = @organizationId AND status = 'pending' AND next_at <= @Now ORDER BY next_at LIMIT 50
            """,
            new { organizationId, _store.Now });

    /// <summary>Claims one for a minute, right before it is sent: no other replica sends it meanwhile. The alert, or null where another one has it.</summary>
    public async Task<SpendAlert?> ClaimAsync(SpendAlert alert)
    {
        var ours = await _store.WriteAsync(transaction => transaction.ExecuteAsync(
            "UPDATE spend_alerts SET tries = tries + 1, next_at = @until WHERE organization_id = @OrganizationId AND id = @Id AND status = 'pending' AND tries = @Tries",
            new { alert.OrganizationId, alert.Id, alert.Tries, until = _store.Now + ClaimFor })).ConfigureAwait(false);
        return ours > 0 ? alert with { Tries = alert.Tries + 1 } : null;
    }

    /// <summary>Puts on record that it was delivered, or given up.</summary>
    public Task EndAsync(SpendAlert alert, bool isDelivered, string? problem) =>
        _store.WriteAsync(async transaction =>
        {
            // What it said, and to whom, is not needed any more.
            await transaction.ExecuteAsync(
                "UPDATE spend_alerts SET status = @status, sent_at = @Now, body = '' WHERE organization_id = @OrganizationId AND id = @Id",
                new { alert.OrganizationId, alert.Id, status = isDelivered ? "sent" : "failed", _store.Now }).ConfigureAwait(false);
            await transaction.RecordAsync(
                alert.OrganizationId, new ActorRecord("system", _store.Replica), isDelivered ? "demarc_spend_alert_sent" : "demarc_spend_alert_failed",
                new() { ["alert_id"] = alert.Id, ["destination"] = alert.Destination, ["problem"] = problem }).ConfigureAwait(false);
            return 0;
        });

    /// <summary>Tries it again at a time.</summary>
    /// <param name="at">Unix milliseconds.</param>
    public Task PutOffAsync(SpendAlert alert, long at) =>
        _store.WriteAsync(transaction => transaction.ExecuteAsync(
            "UPDATE spend_alerts SET next_at = @at WHERE organization_id = @OrganizationId AND id = @Id", new { alert.OrganizationId, alert.Id, at }));

    // Null for a service account, for somebody who is gone, and where the person is told by other means.
    private static async Task<string?> AskerAsync(StoreTransaction transaction, string organizationId, EventRecord e) =>
        e.Fields.GetValueOrDefault(SpendEvents.Suppressed) is not null ? null
        : await transaction.FindAsync<string?>("SELECT email FROM users WHERE organization_id = @organizationId AND id = @id", new { organizationId, id = e.Fields["principal_id"] }).ConfigureAwait(false);

    private async Task AddAsync(StoreTransaction transaction, string organizationId, EventRecord e, long at, string destination)
    {
        var moment = DateTimeOffset.FromUnixTimeMilliseconds(at);
        var about = SpendEvents.Decisions.Contains(e.Type) ? $"{e.Type}/{e.Fields["increase_request_id"]}"
            // It is found again with each check: once a day is enough to be told.
            : e.Type == BoundaryCheck.MismatchEvent ? string.Create(CultureInfo.InvariantCulture, $"{e.Type}/{e.Fields["deployment"]}/{moment:yyyy-MM-dd}")
            : $"{e.Type}/{e.Fields.GetValueOrDefault("meter")}/{e.Fields.GetValueOrDefault("limit")}/{(e.Type == SpendEvents.Threshold ? e.Fields.GetValueOrDefault("percent") : "")}";
        var body = JsonSerializer.Serialize(new Dictionary<string, object?>
        {
            ["type"] = e.Type == BoundaryCheck.MismatchEvent ? "boundary.mismatch" : "spend." + e.Type["demarc_spend_".Length..],
            ["timestamp"] = moment.ToString("O", CultureInfo.InvariantCulture),
            ["data"] = e.Fields.Where(f => f.Value is not null).ToDictionary(),
        });
        await transaction.ExecuteAsync(
            """
            INSERT INTO spend_alerts (id, organization_id, about, destination, body, status, tries, next_at, created_at)
            VALUES (@id, @organizationId, @about, @destination, @body, 'pending', 0, @Now, @Now) ON CONFLICT (organization_id, about, destination) DO NOTHING
            """,
            new { id = Ids.New(IdPrefix, _store.Time), organizationId, about, destination, body, _store.Now }).ConfigureAwait(false);
    }
}
