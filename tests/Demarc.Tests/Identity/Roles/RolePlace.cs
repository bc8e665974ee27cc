using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Tests.Identity.Roles;

/// <summary>People with roles, signed in: their access tokens, as a sign-in would give them.</summary>
internal static class RolePlace
{
    public static readonly ActorRecord Actor = new("cli", "test");

    /// <summary>A person of the directory's role <c>managed</c>, with these roles at the organization.</summary>
    public static async Task<User> PersonAsync(Store store, string organizationId, string name, params string[] roles)
    {
        var user = (await store.Users.CreateAsync(organizationId, $"{name}@contoso.example", name, "managed", Actor))!;
        foreach (var role in roles)
            await store.RoleAssignments.AssignAsync(organizationId, new NewRoleAssignment(role, false, "user", user.Id, RoleScope.Organization), Actor);
        return user;
    }

    public static async Task<string> TokenAsync(Store store, MasterKey master, User user)
    {
        var id = Guid.CreateVersion7(store.Time.GetUtcNow());
        await store.DeviceCodes.OpenAsync(user.OrganizationId, id, id.ToByteArray(), TimeSpan.FromMinutes(10), null, null);
        await store.DeviceCodes.DecideAsync(user.OrganizationId, Ids.From(Ids.DeviceCode, id), user.Id, "https://issuer.test");
        var session = (await store.SignIns.BeginAsync((await store.DeviceCodes.GetAsync(user.OrganizationId, id))!, TimeSpan.FromHours(12), Actor))!;
        var now = store.Time.GetUtcNow().ToUnixTimeSeconds();
        return new AccessTokens(master, store.Time).Issue(new AccessTokenClaims(
            "http://test", user.Id, AccessTokens.Audience, session.Id, Ids.New("jti_", store.Time), now, now + 3600, user.Email, user.Name, []));
    }
}
