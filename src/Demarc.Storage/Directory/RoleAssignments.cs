using System.Globalization;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;

namespace Demarc.Storage.Directory;

/// <summary>A role given to a member or a group as data: <c>rasg_…</c>.</summary>
public sealed record StoredRoleAssignment
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    public required string Role { get; init; }

    /// <summary><c>allow</c> or <c>deny</c>.</summary>
    public required string Effect { get; init; }

    /// <summary><c>user</c>, <c>service_account</c> or <c>group</c>.</summary>
    public required string MemberType { get; init; }

    public required string MemberId { get; init; }

    public required string ScopeKind { get; init; }

    /// <summary>A workspace's id, a resource, <c>resource/deployment</c>; empty for the organization.</summary>
    public required string Scope { get; init; }

    /// <summary>Unix milliseconds, as is <see cref="ExpiresAt"/>.</summary>
    public required long CreatedAt { get; init; }

    public required string CreatedBy { get; init; }

    /// <summary>Null for no end.</summary>
    public long? ExpiresAt { get; init; }

    /// <summary>The request that it was approved on; null for none.</summary>
    public string? RequestId { get; init; }

    public RoleScope At => RoleScope.Of(ScopeKind, Scope);
}

/// <summary>What a new assignment is to be.</summary>
public sealed record NewRoleAssignment(string Role, bool Deny, string MemberType, string MemberId, RoleScope Scope, DateTimeOffset? ExpiresAt = null);

public sealed class RoleAssignments
{
    public const string IdPrefix = "rasg_";

    private const string Columns = "id, organization_id, role, effect, member_type, member_id, scope_kind, scope, created_at, created_by, expires_at, request_id";

    private readonly Store _store;

    internal RoleAssignments(Store store) => _store = store;

    /// <summary>Those that hold, oldest first.</summary>
    public Task<StoredRoleAssignment[]> ListAsync(string organizationId) =>
        _store.QueryAsync<StoredRoleAssignment>(
            $"SELECT {Columns} FROM role_assignments WHERE organization_id = @organizationId AND (expires_at IS NULL OR expires_at > @Now) ORDER BY id",
            new { organizationId, _store.Now });

    public Task<StoredRoleAssignment?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<StoredRoleAssignment>(
            $"SELECT {Columns} FROM role_assignments WHERE organization_id = @organizationId AND id = @id AND (expires_at IS NULL OR expires_at > @Now)",
            new { organizationId, id, _store.Now });

    /// <summary>Gives a role; null where it is given already.</summary>
    public Task<StoredRoleAssignment?> AssignAsync(string organizationId, NewRoleAssignment assignment, ActorRecord actor) =>
        _store.WriteAsync(transaction => AssignAsync(transaction, organizationId, assignment, actor, null));

    internal async Task<StoredRoleAssignment?> AssignAsync(StoreTransaction transaction, string organizationId, NewRoleAssignment assignment, ActorRecord actor, string? requestId)
    {
        var made = new StoredRoleAssignment
        {
            Id = Ids.New(IdPrefix, _store.Time),
            OrganizationId = organizationId,
            Role = assignment.Role,
            Effect = assignment.Deny ? "deny" : "allow",
            MemberType = assignment.MemberType,
            MemberId = assignment.MemberId,
            ScopeKind = RoleScope.Wire(assignment.Scope.Kind),
            Scope = assignment.Scope.Name,
            CreatedAt = _store.Now,
            CreatedBy = actor.Id,
            ExpiresAt = assignment.ExpiresAt?.ToUnixTimeMilliseconds(),
            RequestId = requestId,
        };
        if (await transaction.ExecuteAsync(
            $"""
            INSERT INTO role_assignments ({Columns})
            VALUES (@Id, @OrganizationId, @Role, @Effect, @MemberType, @MemberId, @ScopeKind, @Scope, @CreatedAt, @CreatedBy, @ExpiresAt, @RequestId) ON CONFLICT DO NOTHING
            """,
            made).ConfigureAwait(false) == 0)
            return null;
        await transaction.ChangeAsync(organizationId, actor, "rbac_role_assigned", Fields(made)).ConfigureAwait(false);
        return made;
    }

    /// <summary>Takes it back; false where there is none of that id.</summary>
    public Task<bool> RevokeAsync(string organizationId, string id, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var gone = await transaction.FindAsync<StoredRoleAssignment>(
                $"DELETE FROM role_assignments WHERE organization_id = @organizationId AND id = @id RETURNING {Columns}", new { organizationId, id }).ConfigureAwait(false);
            if (gone is null)
                return false;
            await transaction.ChangeAsync(organizationId, actor, "rbac_role_unassigned", Fields(gone)).ConfigureAwait(false);
            return true;
        });

    private static Dictionary<string, string?> Fields(StoredRoleAssignment a) => new()
    {
        ["role_assignment_id"] = a.Id,
        ["role"] = a.Role,
        ["effect"] = a.Effect,
        ["member_type"] = a.MemberType,
        ["member_id"] = a.MemberId,
        ["scope_kind"] = a.ScopeKind,
        ["scope"] = a.Scope,
        ["expires_at"] = a.ExpiresAt is { } end ? DateTimeOffset.FromUnixTimeMilliseconds(end).ToString("O", CultureInfo.InvariantCulture) : null,
        ["role_request_id"] = a.RequestId,
    };
}
