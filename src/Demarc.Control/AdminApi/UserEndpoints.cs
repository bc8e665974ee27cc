using Demarc.Control.Identity;
using Demarc.Control.Identity.Roles;
using Demarc.Control.Resources;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>A person on the wire (Admin API, "User").</summary>
public sealed record UserObject(string Id, string AddedAt, string Email, string Name, string Role, string Type)
{
    public static UserObject Of(User user) => new(user.Id, Rfc3339.Text(user.CreatedAt), user.Email, user.Name, user.Role, "user");
}

/// <summary>
/// <c>/v1/organizations/users</c> (Admin API, "List Users", "Get User"), and making a user, for which the vendor has
/// invitations.
/// </summary>
public sealed class UserEndpoints(Store store, Snapshots snapshots, SecondAdministrator second)
{
    private static readonly AdminAnswer Taken = AdminAnswer.Conflict("email: a user of this organization has this address already.");

    public async Task<AdminAnswer> ListAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Ids.User);
        var roles = request.QueryAll("roles");
        problem ??= roles.Select(PrincipalRules.RoleProblem).FirstOrDefault(p => p is not null) is { } role ? AdminAnswer.Invalid("roles", role) : null;
        problem ??= request.Query("email") is { } email && PrincipalRules.EmailProblem(email) is { } wrong ? AdminAnswer.Invalid("email", wrong) : null;
        if (problem is not null)
            return problem;
        return AdminAnswer.Page(
            await store.Users.ListAsync(request.OrganizationId, page, request.Query("email"), roles), UserObject.Of, u => u.Id);
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        request.Path("id") is var id && Ids.TryParse(Ids.User, id, out _) && await store.Users.GetAsync(request.OrganizationId, id) is { } user
            ? AdminAnswer.Of(UserObject.Of(user))
            : AdminAnswer.NotFound("There is no user with this id. GET /v1/organizations/users lists them.");

    /// <summary>Makes an active user: <c>{email, name, role?}</c>; role <c>developer</c> when it is left out. 409 when the address is taken.</summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "email", "name", "role");
        var email = body.Required("email", PrincipalRules.EmailProblem);
        var name = body.Required("name", PrincipalRules.NameProblem);
        var role = body.Text("role", PrincipalRules.RoleProblem) ?? "developer";
        if (body.Problem is not null)
            return body.Problem;
        if (snapshots.Current.Roles.Find(role) is { } given && (given.Permissions & ~BuiltInRoles.Developer.Permissions) != 0)
        {
            if (!request.Principal.Access.MayGive(given))
                return new(403, null, "permission_error", $"role: nobody gives a role that permits more than their own, and {role} does.");
            if (await store.Users.GetByEmailAsync(request.OrganizationId, email) is not null)
                return Taken;
            if (await second.HoldAsync(request, "roles", $"make a user {email} who is {role} in the directory") is { } held)
                return held;
        }
        return await store.Users.CreateAsync(request.OrganizationId, email, name, role, request.Actor) is { } user ? AdminAnswer.Of(UserObject.Of(user)) : Taken;
    }

    /// <summary>Changes the person's role in the directory: <c>{role}</c> (Admin API, "Update User"). Nobody raises themselves.</summary>
    public async Task<AdminAnswer> UpdateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "role");
        var role = body.Required("role", PrincipalRules.RoleProblem);
        if (body.Problem is not null)
            return body.Problem;
        var id = request.Path("id");
        if (!Ids.TryParse(Ids.User, id, out _) || await store.Users.GetAsync(request.OrganizationId, id) is not { } user)
            return AdminAnswer.NotFound("There is no user with this id. GET /v1/organizations/users lists them.");
        foreach (var changed in new[] { user.Role, role })
        {
            if (snapshots.Current.Roles.Find(changed) is { } given && await RoleRules.GiverProblemAsync(store, request.Principal, given, raises: changed == role, "user", id) is { } forbidden)
                return new(403, null, "permission_error", forbidden);
        }
        if (await second.HoldAsync(request, "roles", $"make {user.Email} {role} in the directory, until now {user.Role}") is { } held)
            return held;
        return AdminAnswer.Of(UserObject.Of((await store.Users.UpdateAsync(request.OrganizationId, id, request.Actor, role: role))!));
    }
}
