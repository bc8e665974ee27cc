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
                const string byEmail = SelectUser + " WHERE organization_id = @organizationId AND email = @email";
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
        var place = new { organizationId = user.OrganizationId, memberId = user.Id, identity.Issuer };
        var held = await transaction.QueryAsync<string>(
            "SELECT g.name FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.organization_id = @organizationId AND m.member_id = @memberId", place).ConfigureAwait(false);
        var provided = await transaction.QueryAsync<string>(
            "SELECT g.name FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.organization_id = @organizationId AND m.member_id = @memberId AND m.issuer = @Issuer", place).ConfigureAwait(false);
        string[] added = [.. identity.Groups.Except(held)];
        string[] removed = [.. provided.Except(identity.Groups)];
        if (added.Length + removed.Length == 0)
            return;
        foreach (var name in added)
        {
            var group = new { organizationId = user.OrganizationId, id = Ids.New(Groups.IdPrefix, _store.Time), name, _store.Now, memberId = user.Id, identity.Issuer };
            await transaction.ExecuteAsync(
                "INSERT INTO groups (id, organization_id, name, created_at) VALUES (@id, @organizationId, @name, @Now) ON CONFLICT DO NOTHING", group).ConfigureAwait(false);
            await transaction.ExecuteAsync(
                """
                INSERT INTO group_members (organization_id, group_id, member_id, issuer)
                SELECT @organizationId, id, @memberId, @Issuer FROM groups WHERE organization_id = @organizationId AND name = @name ON CONFLICT DO NOTHING
                """,
                group).ConfigureAwait(false);
        }
        foreach (var name in removed)
            await transaction.ExecuteAsync(
                """
                DELETE FROM group_members WHERE organization_id = @organizationId AND member_id = @memberId AND issuer = @Issuer
                  AND group_id = (SELECT id FROM groups WHERE organization_id = @organizationId AND name = @name)
                """,
                new { organizationId = user.OrganizationId, memberId = user.Id, identity.Issuer, name }).ConfigureAwait(false);
        await transaction.ChangeAsync(user.OrganizationId, actor, "demarc_user_groups_synchronized", new()
        {
            ["user_id"] = user.Id,
            ["issuer"] = identity.Issuer,
            ["added"] = string.Join(' ', added),
            ["removed"] = string.Join(' ', removed),
        }).ConfigureAwait(false);
    }
}
