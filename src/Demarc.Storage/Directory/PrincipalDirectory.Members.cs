using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;

namespace Demarc.Storage.Directory;

/// <summary>People and service accounts with their roles, off the request path.</summary>
public sealed partial class PrincipalDirectory
{
    private static readonly string SelectUser =
        $"""
        SELECT u.id, u.organization_id, 'active' AS status, 'user' AS principal_type, u.id AS principal_id, u.email, u.name, u.status AS principal_status, u.role,
          {MemberProjects.Of("u.id")} AS projects, {MemberRoles.Of("u.id")} AS roles, {GroupsOf("u.id")} AS groups
        FROM users u
        """;

    private static readonly string SelectServiceAccount =
        $"""
        SELECT s.id, s.organization_id, 'active' AS status, 'service_account' AS principal_type, s.id AS principal_id, s.name, s.status AS principal_status, s.role,
          {MemberProjects.Of("s.id")} AS projects, {MemberRoles.Of("s.id")} AS roles, {GroupsOf("s.id")} AS groups
        FROM service_accounts s
        """;

    /// <summary>Ids of service accounts and people after one, in order.</summary>
    public async Task<string[]> MemberIdsAsync(string organizationId, string? after, int limit)
    {
        var place = new { organizationId, after = after ?? "", limit };
        var accounts = await _store.QueryAsync<string>("SELECT id FROM service_accounts WHERE organization_id = @organizationId AND id > @after ORDER BY id LIMIT @limit", place).ConfigureAwait(false);
        var users = await _store.QueryAsync<string>("SELECT id FROM users WHERE organization_id = @organizationId AND id > @after ORDER BY id LIMIT @limit", place).ConfigureAwait(false);
        return [.. accounts.Concat(users).Order(StringComparer.Ordinal).Take(limit)];
    }

    /// <summary>Those of these ids that are people or service accounts, with the keys that hold.</summary>
    /// <param name="roles">The configuration's; null for those that this process serves with.</param>
    public async Task<DirectoryMember[]> MembersAsync(string organizationId, string[] ids, RoleBook? roles = null)
    {
        roles ??= Volatile.Read(ref _roles);
        var place = new { organizationId, ids = JsonSerializer.Serialize(ids), separator = "\n", field = "\t", _store.Now };
        var among = _store.TextsOfJson("ids");
        var rows = await _store.QueryAsync<KeyRow>($"{SelectServiceAccount} WHERE s.organization_id = @organizationId AND s.id IN {among}", place).ConfigureAwait(false);
        rows = [.. rows, .. await _store.QueryAsync<KeyRow>($"{SelectUser} WHERE u.organization_id = @organizationId AND u.id IN {among}", place).ConfigureAwait(false)];
        var keys = (await _store.QueryAsync<OwnedKey>(
            $"""
            SELECT id, principal_id, kind, last_used_at FROM api_keys
            WHERE organization_id = @organizationId AND status = 'active' AND (expires_at IS NULL OR expires_at > @Now) AND principal_id IN {among}
            """,
            place).ConfigureAwait(false)).ToLookup(k => k.PrincipalId);
        var signedIn = (await _store.QueryAsync<OwnedKey>(
            $"SELECT user_id AS principal_id, max(rotated_at) AS last_used_at FROM sign_ins WHERE organization_id = @organizationId AND user_id IN {among} GROUP BY user_id", place).ConfigureAwait(false))
            .ToDictionary(s => s.PrincipalId, s => s.LastUsedAt);
        return [.. rows.OrderBy(r => r.Id, StringComparer.Ordinal).Select(Member)];

        DirectoryMember Member(KeyRow row)
        {
            var groups = row.Groups?.Split('\n') ?? [];
            MemberKey[] held =
            [
                .. keys[row.Id].Select(k => new MemberKey(
                    k.Id, CredentialAccess.Of(new PresentedKey(k.Id, ApiKey.TryKind(k.Kind, out var kind) ? kind : ApiKeyKind.Inference, [], null), row with { Id = k.Id }, groups, roles), k.LastUsedAt)),
            ];
            var used = held.Select(k => k.LastUsedAt).Append(signedIn.GetValueOrDefault(row.Id)).Max();
            return new DirectoryMember(
                row.PrincipalType, row.Id, row.Email ?? row.Name!, row.PrincipalStatus!, groups,
                CredentialAccess.Of(new PresentedKey(row.Id, ApiKeyKind.Inference, null, null), row, groups, roles), used, held);
        }
    }

    // Names of the groups of whoever that column's id is.
    private static string GroupsOf(string member) =>
        $"(SELECT string_agg(g.name, @separator) FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.member_id = {member})";

    private sealed record OwnedKey
    {
        public string Id { get; init; } = "";

        public required string PrincipalId { get; init; }

        public string Kind { get; init; } = "";

        public long? LastUsedAt { get; init; }
    }
}
