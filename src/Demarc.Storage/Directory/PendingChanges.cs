using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>A change that waits for a second administrator, as it was sent: <c>chg_…</c>.</summary>
public sealed record PendingChange
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary><c>aliases</c>, <c>limits</c>, <c>roles</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>What it changes, in a sentence.</summary>
    public required string Summary { get; init; }

    public required string Method { get; init; }

    /// <summary>The route's pattern, and in <see cref="RouteValues"/> its values as JSON.</summary>
    public required string Route { get; init; }

    public required string RouteValues { get; init; }

    public required string Path { get; init; }

    public required string Query { get; init; }

    public required byte[] Body { get; init; }

    /// <summary>Of the principal that asks: <c>user</c> or <c>service_account</c>.</summary>
    public required string AskedType { get; init; }

    public required string AskedBy { get; init; }

    /// <summary><c>pending</c>, <c>approved</c>, <c>denied</c>, or <c>expired</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Unix milliseconds, as are the others.</summary>
    public required long CreatedAt { get; init; }

    public required long ExpiresAt { get; init; }

    public long? DecidedAt { get; init; }

    public string? DecidedBy { get; init; }
}

public sealed class PendingChanges
{
    public const string IdPrefix = "chg_";

    /// <summary>How long a change waits: what it was meant for has moved on by then.</summary>
    public static readonly TimeSpan Waits = TimeSpan.FromDays(7);

    private const string Columns =
        """
        id, organization_id, kind, summary, method, route, route_values, path, query, body, asked_type, asked_by, created_at, expires_at, decided_at, decided_by,
        CASE WHEN status = 'pending' AND expires_at <= @Now THEN 'expired' ELSE status END AS status
        """;

    private readonly Store _store;

    internal PendingChanges(Store store) => _store = store;

    public Task KeepAsync(PendingChange change, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            await transaction.ExecuteAsync(
                """
                INSERT INTO pending_changes (id, organization_id, kind, summary, method, route, route_values, path, query, body, asked_type, asked_by, status, created_at, expires_at)
                VALUES (@Id, @OrganizationId, @Kind, @Summary, @Method, @Route, @RouteValues, @Path, @Query, @Body, @AskedType, @AskedBy, @Status, @CreatedAt, @ExpiresAt)
                """,
                change).ConfigureAwait(false);
            await transaction.RecordAsync(change.OrganizationId, actor, "demarc_change_requested", Fields(change)).ConfigureAwait(false);
            return true;
        });

    /// <summary>Newest first.</summary>
    public Task<PendingChange[]> ListAsync(string organizationId) =>
        _store.QueryAsync<PendingChange>($"SELECT {Columns} FROM pending_changes WHERE organization_id = @organizationId ORDER BY id DESC", new { organizationId, _store.Now });

    public Task<PendingChange?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<PendingChange>($"SELECT {Columns} FROM pending_changes WHERE organization_id = @organizationId AND id = @id", new { organizationId, id, _store.Now });

    /// <summary>Decides a change that waits, once; false where it does not wait any more.</summary>
    public Task<bool> DecideAsync(PendingChange change, bool approve, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            if (await transaction.ExecuteAsync(
                "UPDATE pending_changes SET status = @status, decided_at = @Now, decided_by = @by WHERE organization_id = @OrganizationId AND id = @Id AND status = 'pending' AND expires_at > @Now",
                new { change.OrganizationId, change.Id, status = approve ? "approved" : "denied", _store.Now, by = actor.Id }).ConfigureAwait(false) == 0)
                return false;
            await transaction.RecordAsync(change.OrganizationId, actor, approve ? "demarc_change_approved" : "demarc_change_denied", Fields(change)).ConfigureAwait(false);
            return true;
        });

    private static Dictionary<string, string?> Fields(PendingChange c) => new()
    {
        ["change_id"] = c.Id,
        ["kind"] = c.Kind,
        ["summary"] = c.Summary,
        ["asked_by"] = c.AskedBy,
    };
}
