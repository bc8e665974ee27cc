using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Control.Identity;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>
/// <c>/v1/organizations/api_keys</c> (Admin API, "List API Keys", "Retrieve API Key", "Update API Key"), and making a
/// key, which the vendor leaves to its Console.
/// </summary>
public sealed class ApiKeyEndpoints(Store store, SecondAdministrator second, TimeProvider time)
{
    private static readonly string[] Statuses = ["active", "archived", "expired", "inactive"];
    private static readonly string[] Settable = ["active", "archived", "inactive"];
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no API key with this id. GET /v1/organizations/api_keys lists them.");

    public async Task<AdminAnswer> ListAsync(AdminRequest request)
    {
        var (page, problem) = request.Page(Ids.ApiKey);
        problem ??= request.Query("status") is { } status && !Statuses.Contains(status) ? AdminAnswer.Invalid("status", OneOf(Statuses)) : null;
        problem ??= request.IdProblem("workspace_id", Ids.Workspace) ?? request.IdProblem("created_by_user_id", Ids.User);
        if (problem is not null)
            return problem;
        var filter = new ApiKeyFilter(request.Query("status"), request.Query("workspace_id"), request.Query("created_by_user_id"));
        return AdminAnswer.Page(await store.ApiKeys.ListAsync(request.OrganizationId, filter, page), ApiKeyObject.Of, k => k.Id);
    }

    public async Task<AdminAnswer> GetAsync(AdminRequest request) =>
        Id(request) is { } id && await store.ApiKeys.GetAsync(request.OrganizationId, id) is { } key ? AdminAnswer.Of(ApiKeyObject.Of(key)) : Unknown;

    /// <summary>Changes name and status. The last admin key that holds stays active: 409.</summary>
    public async Task<AdminAnswer> UpdateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "name", "status");
        var name = body.Text("name", PrincipalRules.NameProblem);
        var status = body.Text("status", s => Settable.Contains(s) ? null : OneOf(Settable));
        if (body.Problem is not null)
            return body.Problem;
        if (Id(request) is not { } id)
            return Unknown;
        if (name is null && status is null)
            return await GetAsync(request);
        var key = await store.ApiKeys.UpdateAsync(request.OrganizationId, id, request.Actor, name, status, keepLastAdmin: true);
        return key is null ? Unknown
            : status is not (null or "active") && key.Status is "active" ? AdminAnswer.Conflict("This is the last admin key that holds. Make another one first, then make this one inactive with it.")
            : AdminAnswer.Of(ApiKeyObject.Of(key));
    }

    /// <summary>
    /// Makes a key: <c>{name, user_id | service_account_id, kind?: inference (the default) | admin | compliance,
    /// expires_at?, workspace_id?, project_id?}</c>. Answers the object with the <c>key</c> itself, this once; where a second
    /// administrator has to approve it, to them.
    /// </summary>
    public async Task<AdminAnswer> CreateAsync(AdminRequest request)
    {
        var body = await BodyFields.ReadAsync(request.Http, "name", "user_id", "service_account_id", "kind", "expires_at", "workspace_id", "project_id");
        var name = body.Required("name", PrincipalRules.NameProblem);
        var kind = ApiKeyKind.Inference;
        body.Text("kind", k => ApiKey.TryKind(k, out kind) ? null : OneOf(["inference", "admin", "compliance"]));
        var expires = body.Time("expires_at");
        if (expires <= time.GetUtcNow())
            body.Wrong("expires_at", "this time has passed. Give one ahead, or leave it out for a key that does not expire.");
        if (body.Problem is null && body.Has("user_id") == body.Has("service_account_id"))
            body.Wrong("user_id", "give either user_id or service_account_id: whom the key acts as.");
        var (type, principal) = body.Has("user_id") ? await UserAsync(body, request) : await ServiceAccountAsync(body, request);
        var workspace = await body.WorkspaceAsync("workspace_id", store, request.OrganizationId);
        var project = await body.ProjectAsync("project_id", store, request.OrganizationId);
        if (workspace is not null && project?.WorkspaceId is { } of && of != workspace.Id)
            body.Wrong("workspace_id", "the project is in another workspace. Leave it out.");
        if (body.Problem is not null)
            return body.Problem;

        // Such a key has a role of its own: who makes it gives that away.
        var given = kind switch { ApiKeyKind.Admin => BuiltInRoles.Admin, ApiKeyKind.Compliance => BuiltInRoles.Reviewer, _ => null };
        if (given is not null && !request.Principal.Access.MayGive(given))
            return new(403, null, "permission_error", $"kind: nobody makes a key that permits more than their own roles, and one of this kind is {given.Name}.");
        // Else one administrator would be two.
        if (given is not null && principal != request.Principal.Id && await second.HoldAsync(request, "roles", $"make a key of the kind {ApiKey.KindName(kind)} for {principal}") is { } held)
            return held;
        var (key, secret) = await store.ApiKeys.CreateAsync(
            new NewApiKey(request.OrganizationId, kind, name, type, principal, workspace?.Id ?? project?.WorkspaceId, expires, ProjectId: project?.Id), request.Actor);
        var answer = JsonSerializer.SerializeToNode(ApiKeyObject.Of(key), AdminAnswer.Wire)!.AsObject();
        answer.Add("key", JsonValue.Create(secret.Reveal()));
        return AdminAnswer.Of(answer);
    }

    private async Task<(string Type, string Id)> UserAsync(BodyFields body, AdminRequest request)
    {
        var id = body.Text("user_id") ?? "";
        var user = Ids.TryParse(Ids.User, id, out _) ? await store.Users.GetAsync(request.OrganizationId, id) : null;
        if (user is not { Status: "active" })
            body.Wrong("user_id", user is null ? "there is no such user. GET /v1/organizations/users lists them." : "this user is inactive: a key would not hold.");
        return ("user", id);
    }

    private async Task<(string Type, string Id)> ServiceAccountAsync(BodyFields body, AdminRequest request)
    {
        var id = body.Text("service_account_id") ?? "";
        var account = Ids.TryParse(Ids.ServiceAccount, id, out _) ? await store.ServiceAccounts.GetAsync(request.OrganizationId, id) : null;
        if (account is not { Status: "active" })
            body.Wrong("service_account_id", account is null ? "there is no such service account." : "this service account is inactive: a key would not hold.");
        return ("service_account", id);
    }

    private static string? Id(AdminRequest request) =>
        request.Path("id") is var id && Ids.TryParse(Ids.ApiKey, id, out _) ? id : null;

    private static string OneOf(string[] values) => $"give one of {string.Join(", ", values)}.";
}
