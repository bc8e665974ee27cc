using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>A person as an identity provider describes them.</summary>
/// <param name="Issuer">Its address.</param>
/// <param name="Subject">Its own, lasting name of the person.</param>
/// <param name="Groups">All groups that it names.</param>
public sealed record ProvidedIdentity(string Issuer, string Subject, string Email, string Name, string[] Groups);

/// <summary>People by what identity providers say of them.</summary>
public sealed class Identities
{
    private const string SelectUser = "SELECT id, organization_id, email, name, role, status, created_at, cost_center FROM users";

    private readonly Store _store;

    internal Identities(Store store) => _store = store;

    /// <summary>
    /// The person of an identity, made on the first sign-in, or the one with that address whom no other identity of the
    /// issuer has; with exactly the groups that the issuer names, beside those an administrator put them into. Null when the
    /// address belongs to somebody else: an address that was given to another person must not open the account of the first.
    /// </summary>
    public Task<User?> EnsureAsync(string organizationId, ProvidedIdentity identity, string role, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { organizationId, identity.Issuer, identity.Subject, email = identity.Email.ToLowerInvariant() };
            var user = await transaction.FindAsync<User>(
                SelectUser + " WHERE id = (SELECT user_id FROM identities WHERE organization_id = @organizationId AND issuer = @Issuer AND subject = @Subject)", place).ConfigureAwait(false);
            if (user is null)
            {
                // Whom a directory has provisioned under this name may have another address.
                const string byEmail = SelectUser + " WHERE organization_id = @organizationId AND (email = @email OR coalesce(user_name_key, email) = @email) ORDER BY email = @email DESC";
                user = await transaction.FindAsync<User>(byEmail, place).ConfigureAwait(false)
                    ?? await MakeAsync(transaction, organizationId, identity, role, actor).ConfigureAwait(false)
                    // Made by another replica between the two.
                    ?? (await transaction.FindAsync<User>(byEmail, place).ConfigureAwait(false))!;
                var linked = await transaction.ExecuteAsync(
                    "INSERT INTO identities (organization_id, issuer, subject, user_id, created_at) VALUES (@organizationId, @Issuer, @Subject, @userId, @Now) ON CONFLICT DO NOTHING",
                    new { organizationId, identity.Issuer, identity.Subject, userId = user.Id, _store.Now }).ConfigureAwait(false);
                if (linked == 0)
                    return null;
            }
            await JoinAsync(transaction, user, identity, actor).ConfigureAwait(false);
            return user;
        });

    /// <summary>The id of the person whom an identity provider's subject is; null for nobody.</summary>
    public Task<string?> FindAsync(string organizationId, string issuer, string subject) =>
        _store.FindAsync<string>("SELECT user_id FROM identities WHERE organization_id = @organizationId AND issuer = @issuer AND subject = @subject", new { organizationId, issuer, subject });

    private async Task<User?> MakeAsync(StoreTransaction transaction, string organizationId, ProvidedIdentity identity, string role, ActorRecord actor)
    {
        var user = new User
        {
            Id = Ids.New(Ids.User, _store.Time),
            OrganizationId = organizationId,
            Email = identity.Email.ToLowerInvariant(),
            Name = identity.Name,
            Role = role,
            Status = "active",
            CreatedAt = _store.Now,
        };
        return await Users.InsertAsync(transaction, user, actor).ConfigureAwait(false) ? user : null;
    }

    private async Task JoinAsync(StoreTransaction transaction, User user, ProvidedIdentity identity, ActorRecord actor)
    {
        var held = await transaction.QueryAsync<HeldGroup>(
            """
            SELECT g.id, g.name, m.issuer FROM group_members m JOIN groups g ON g.id = m.group_id
            WHERE m.organization_id = @OrganizationId AND m.member_id = @Id
            """,
            user).ConfigureAwait(false);
        foreach (var name in identity.Groups.Except(held.Select(g => g.Name)))
        {
            var place = new { user.OrganizationId, name, groupId = Ids.New(Groups.IdPrefix, _store.Time), _store.Now, memberId = user.Id, identity.Issuer };
            if (await transaction.ExecuteAsync(
                "INSERT INTO groups (id, organization_id, name, created_at, source) VALUES (@groupId, @OrganizationId, @name, @Now, @Issuer) ON CONFLICT DO NOTHING", place).ConfigureAwait(false) == 1)
                await transaction.ChangeAsync(user.OrganizationId, actor, "group_created", new() { ["group_id"] = place.groupId, ["group_name"] = name }).ConfigureAwait(false);
            var id = await transaction.FindAsync<string>("SELECT id FROM groups WHERE organization_id = @OrganizationId AND name = @name", place).ConfigureAwait(false);
            await transaction.ExecuteAsync(
                "INSERT INTO group_members (organization_id, group_id, member_id, issuer) VALUES (@OrganizationId, @id, @memberId, @Issuer) ON CONFLICT DO NOTHING",
                new { user.OrganizationId, id, memberId = user.Id, identity.Issuer }).ConfigureAwait(false);
            await RecordAsync("group_member_added", id!).ConfigureAwait(false);
        }
        foreach (var group in held.Where(g => g.Issuer == identity.Issuer && !identity.Groups.Contains(g.Name)))
        {
            await transaction.ExecuteAsync(
                "DELETE FROM group_members WHERE organization_id = @OrganizationId AND member_id = @memberId AND group_id = @Id",
                new { user.OrganizationId, memberId = user.Id, group.Id }).ConfigureAwait(false);
            await RecordAsync("group_member_removed", group.Id).ConfigureAwait(false);
        }

        async Task RecordAsync(string type, string groupId)
        {
            await Groups.TouchAsync(transaction, user.OrganizationId, groupId, _store.Now).ConfigureAwait(false);
            await transaction.ChangeAsync(user.OrganizationId, actor, type, new() { ["group_id"] = groupId, ["member_ids"] = user.Id, ["issuer"] = identity.Issuer }).ConfigureAwait(false);
        }
    }

    private sealed record HeldGroup
    {
        public required string Id { get; init; }

        public required string Name { get; init; }

        /// <summary>Null where an administrator says so.</summary>
        public string? Issuer { get; init; }
    }
}
