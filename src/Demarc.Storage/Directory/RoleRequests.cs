using System.Globalization;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;

namespace Demarc.Storage.Directory;

/// <summary>A role that somebody asks to have for a time: <c>rreq_…</c>.</summary>
public sealed record RoleRequest
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    public required string UserId { get; init; }

    public required string Role { get; init; }

    public required string ScopeKind { get; init; }

    public required string Scope { get; init; }

    public required string Reason { get; init; }

    /// <summary>How long it is to hold from the approval on.</summary>
    public required int Minutes { get; init; }

    /// <summary><c>pending</c>, <c>approved</c>, <c>denied</c>, or <c>expired</c> (pending for a day).</summary>
    public required string Status { get; init; }

    /// <summary>Unix milliseconds, as is <see cref="DecidedAt"/>.</summary>
    public required long CreatedAt { get; init; }

    public long? DecidedAt { get; init; }

    public string? DecidedBy { get; init; }

    public RoleScope At => RoleScope.Of(ScopeKind, Scope);
}

public sealed class RoleRequests
{
    public const string IdPrefix = "rreq_";

    private static readonly TimeSpan Waits = TimeSpan.FromDays(1);

    private const string Columns =
        """
        id, organization_id, user_id, role, scope_kind, scope, reason, minutes, created_at, decided_at, decided_by,
        CASE WHEN status = 'pending' AND created_at <= @since THEN 'expired' ELSE status END AS status
        """;

    private readonly Store _store;

    internal RoleRequests(Store store) => _store = store;

    public Task<RoleRequest> AskAsync(string organizationId, string userId, string role, RoleScope scope, string reason, TimeSpan duration, ActorRecord actor)
    {
        var request = new RoleRequest
        {
            Id = Ids.New(IdPrefix, _store.Time),
            OrganizationId = organizationId,
            UserId = userId,
            Role = role,
            ScopeKind = RoleScope.Wire(scope.Kind),
            Scope = scope.Name,
            Reason = reason,
            Minutes = (int)duration.TotalMinutes,
            Status = "pending",
            CreatedAt = _store.Now,
        };
        return _store.WriteAsync(async transaction =>
        {
            await transaction.ExecuteAsync(
                """
                INSERT INTO role_requests (id, organization_id, user_id, role, scope_kind, scope, reason, minutes, status, created_at)
                VALUES (@Id, @OrganizationId, @UserId, @Role, @ScopeKind, @Scope, @Reason, @Minutes, @Status, @CreatedAt)
                """,
                request).ConfigureAwait(false);
            await transaction.RecordAsync(organizationId, actor, "demarc_role_requested", Fields(request)).ConfigureAwait(false);
            return request;
        });
    }

    /// <summary>Newest first.</summary>
    public Task<RoleRequest[]> ListAsync(string organizationId) =>
        _store.QueryAsync<RoleRequest>($"SELECT {Columns} FROM role_requests WHERE organization_id = @organizationId ORDER BY id DESC", new { organizationId, since = Since });

    public Task<RoleRequest?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<RoleRequest>($"SELECT {Columns} FROM role_requests WHERE organization_id = @organizationId AND id = @id", new { organizationId, id, since = Since });

    /// <summary>Decides a request that is pending, once; with an approval the role holds from now on. False where it is not pending.</summary>
    public Task<bool> DecideAsync(RoleRequest request, bool approve, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            if (await transaction.ExecuteAsync(
                """
                UPDATE role_requests SET status = @status, decided_at = @Now, decided_by = @by
                WHERE organization_id = @OrganizationId AND id = @Id AND status = 'pending' AND created_at > @since
                """,
                new { request.OrganizationId, request.Id, status = approve ? "approved" : "denied", _store.Now, by = actor.Id, since = Since }).ConfigureAwait(false) == 0)
                return false;
            await transaction.RecordAsync(request.OrganizationId, actor, approve ? "demarc_role_request_approved" : "demarc_role_request_denied", Fields(request)).ConfigureAwait(false);
            if (approve)
                await _store.RoleAssignments.AssignAsync(
                    transaction, request.OrganizationId,
                    new NewRoleAssignment(request.Role, false, "user", request.UserId, request.At, _store.Time.GetUtcNow().AddMinutes(request.Minutes)), actor, request.Id).ConfigureAwait(false);
            return true;
        });

    private long Since => _store.Now - (long)Waits.TotalMilliseconds;

    private static Dictionary<string, string?> Fields(RoleRequest r) => new()
    {
        ["role_request_id"] = r.Id,
        ["user_id"] = r.UserId,
        ["role"] = r.Role,
        ["scope_kind"] = r.ScopeKind,
        ["scope"] = r.Scope,
        ["reason"] = r.Reason,
        ["minutes"] = r.Minutes.ToString(CultureInfo.InvariantCulture),
    };
}
