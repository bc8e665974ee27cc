using Demarc.Control.AdminApi;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Governance.Policy;
using Demarc.Storage;

namespace Demarc.Control.Identity.Roles;

/// <summary>The fields of a body that say where a role holds, and who has it.</summary>
internal static class RoleBody
{
    private static readonly string[] Scopes = ["workspace_id", "resource", "deployment"];
    private static readonly string[] Members = ["user_id", "service_account_id", "group_id"];

    public static async Task<RoleScope> ScopeAsync(BodyFields body, string role, GatewaySnapshot snapshot, Store store, string organizationId)
    {
        string[] given = [.. Scopes.Where(body.Has)];
        if (given.Length > 1)
            body.Wrong(given[1], $"a role holds in one place: leave {given[0]} or {given[1]} out.");
        var scope = await body.WorkspaceAsync("workspace_id", store, organizationId) is { } workspace ? new RoleScope(ScopeKind.Workspace, workspace.Id)
            : body.Text("resource") is { } resource ? new RoleScope(ScopeKind.Resource, resource)
            : body.Text("deployment") is { } deployment ? new RoleScope(ScopeKind.Deployment, deployment)
            : RoleScope.Organization;
        if (body.Problem is null && RoleRules.ScopeProblem(snapshot, role, scope) is { } problem)
            body.Wrong(given.Length > 0 ? given[0] : "role", problem);
        return scope;
    }

    public static async Task<(string Type, string Id, string Name)> MemberAsync(BodyFields body, Store store, string organizationId)
    {
        string[] given = [.. Members.Where(body.Has)];
        if (body.Problem is null && given.Length != 1)
            body.Wrong("user_id", "give one of user_id, service_account_id and group_id: who has the role.");
        if (body.Problem is not null)
            return ("", "", "");
        var id = body.Text(given[0]) ?? "";
        var name = given[0] switch
        {
            "user_id" => Ids.TryParse(Ids.User, id, out _) ? (await store.Users.GetAsync(organizationId, id))?.Email : null,
            "service_account_id" => Ids.TryParse(Ids.ServiceAccount, id, out _) ? (await store.ServiceAccounts.GetAsync(organizationId, id))?.Name : null,
            _ => (await store.Groups.GetAsync(organizationId, id))?.Name,
        };
        if (name is null)
            body.Wrong(given[0], "there is none with this id.");
        return (given[0][..^3], id, name ?? "");
    }
}
