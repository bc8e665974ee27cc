using System.Collections.Concurrent;
using System.Collections.Frozen;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Proxy.Refusals;

namespace Demarc;

/// <summary>
/// Which permission each route needs: one line for every route there is. A route that has none is refused, whoever asks.
/// </summary>
internal sealed class RouteTable
{
    /// <summary>Mapped where it is configured.</summary>
    public const string Metrics = "GET /metrics";

    /// <summary>Answers 404 whoever asks, for every method.</summary>
    public const string Fallback = "* {**path}";

    private const string Organizations = "/v1/organizations/";

    // Gates that serve a person's own data, and clouds' paths, are written out: what a line covers is what it says.
    private static readonly (Permission Needs, string[] Routes)[] Lines =
    [
        (Permission.ModelsAsk,
        [
            "POST /v1/messages", "POST /v1/messages/count_tokens", "POST /anthropic/v1/messages", "POST /anthropic/v1/messages/count_tokens",
            "POST /{resource}/anthropic/v1/messages", "POST /{resource}/anthropic/v1/messages/count_tokens",
            "POST /model/{**rest}", "POST /{resource}/model/{**rest}",
            "GET /inference-profiles", "GET /{resource}/inference-profiles", "GET /inference-profiles/{**id}", "GET /{resource}/inference-profiles/{**id}",
            "POST /projects/{project}/locations/{location}/publishers/anthropic/models/{**rest}",
            "POST /v1/projects/{project}/locations/{location}/publishers/anthropic/models/{**rest}",
            "POST /{resource}/projects/{project}/locations/{location}/publishers/anthropic/models/{**rest}",
            "POST /{resource}/v1/projects/{project}/locations/{location}/publishers/anthropic/models/{**rest}",
            "GET /v1/models", "GET /v1/models/{**id}", "GET /api/oauth/usage", "GET /managed/settings", "GET /user/bootstrap",
        ]),
        (Permission.MeRead,
        [
            "GET /v1/me", "GET /v1/me/sessions", "GET /v1/me/sessions/{session_id}", "GET /v1/me/sessions/{session_id}/messages",
            "GET /v1/me/sessions/{session_id}/attachments", "GET /v1/me/sessions/{session_id}/attachments/{attachment_id}", "GET /v1/me/sessions/{session_id}/attachments/{attachment_id}/content",
            "GET /v1/me/role_requests", "POST /v1/me/role_requests",
        ]),
        (Permission.OrganizationRead, ["GET " + Organizations + "me"]),
        (Permission.KeysRead, ["GET " + Organizations + "api_keys", "GET " + Organizations + "api_keys/{id}"]),
        (Permission.KeysManage, ["POST " + Organizations + "api_keys", "POST " + Organizations + "api_keys/{id}"]),
        (Permission.UsersRead, ["GET " + Organizations + "users", "GET " + Organizations + "users/{id}"]),
        (Permission.UsersManage, ["POST " + Organizations + "users", "POST " + Organizations + "users/{id}"]),
        (Permission.WorkspacesRead,
        [
            "GET " + Organizations + "workspaces", "GET " + Organizations + "workspaces/{id}", "GET " + Organizations + "workspaces/{id}/members",
            "GET " + Organizations + "workspaces/{id}/members/{user_id}",
        ]),
        (Permission.WorkspacesManage,
        [
            "POST " + Organizations + "workspaces", "POST " + Organizations + "workspaces/{id}", "POST " + Organizations + "workspaces/{id}/archive",
            "POST " + Organizations + "workspaces/{id}/members", "POST " + Organizations + "workspaces/{id}/members/{user_id}",
            "DELETE " + Organizations + "workspaces/{id}/members/{user_id}",
        ]),
        (Permission.ProjectsRead, ["GET " + Organizations + "projects", "GET " + Organizations + "projects/{id}"]),
        (Permission.ProjectsManage,
        [
            "POST " + Organizations + "projects", "POST " + Organizations + "projects/{id}", "POST " + Organizations + "projects/{id}/archive",
            "PUT " + Organizations + "projects/{id}/members/{member_id}", "DELETE " + Organizations + "projects/{id}/members/{member_id}",
        ]),
        (Permission.AliasesRead, ["GET " + Organizations + "aliases"]),
        (Permission.AliasesManage,
        [
            "PUT " + Organizations + "aliases/{name}", "POST " + Organizations + "aliases/{name}/promote", "POST " + Organizations + "aliases/{name}/rollback",
            "DELETE " + Organizations + "aliases/{name}",
        ]),
        (Permission.UsageRead, ["GET " + Organizations + "usage_report/messages", "GET " + Organizations + "usage_report/claude_code", "GET " + Organizations + "cost_report"]),
        (Permission.LimitsRead,
        [
            "GET " + Organizations + "spend_limits", "GET " + Organizations + "spend_limits/effective", "GET " + Organizations + "spend_limits/audit", "GET " + Organizations + "spend_limits/{id}",
            "GET " + Organizations + "spend_limit_increase_requests", "GET " + Organizations + "spend_limit_increase_requests/{id}",
        ]),
        (Permission.LimitsManage,
        [
            "POST " + Organizations + "spend_limits", "POST " + Organizations + "spend_limits/{id}", "DELETE " + Organizations + "spend_limits/{id}",
            "POST " + Organizations + "spend_limit_increase_requests/{id}/approve", "POST " + Organizations + "spend_limit_increase_requests/{id}/deny",
        ]),
        (Permission.RolesRead,
        [
            "GET " + Organizations + "roles", "GET " + Organizations + "role_assignments", "GET " + Organizations + "role_assignments/{id}",
            "GET " + Organizations + "role_requests", "GET " + Organizations + "access_review",
        ]),
        (Permission.RolesManage,
        [
            "POST " + Organizations + "role_assignments", "DELETE " + Organizations + "role_assignments/{id}",
            "POST " + Organizations + "role_requests/{id}/approve", "POST " + Organizations + "role_requests/{id}/deny",
            "POST " + Organizations + "rbac_groups/{group_id}/members", "DELETE " + Organizations + "rbac_groups/{group_id}/members/{user_id}",
        ]),
        (Permission.ChangesApprove, ["GET " + Organizations + "changes", "POST " + Organizations + "changes/{id}/approve", "POST " + Organizations + "changes/{id}/deny"]),
        (Permission.ActivitiesRead, ["GET /v1/compliance/activities"]),
        (Permission.TranscriptsRead,
        [
            "GET /v1/compliance/apps/sessions/local", "GET /v1/compliance/apps/sessions/local/{session_id}", "GET /v1/compliance/apps/sessions/local/{session_id}/messages",
            "GET /v1/compliance/apps/sessions/local/{session_id}/attachments", "GET /v1/compliance/apps/sessions/local/{session_id}/attachments/{attachment_id}",
            "GET /v1/compliance/apps/sessions/local/{session_id}/attachments/{attachment_id}/content",
        ]),
        (Permission.OrganizationData,
        [
            "GET /v1/compliance/organizations", "GET /v1/compliance/organizations/{organization}/users", "GET /v1/compliance/organizations/{organization}/roles",
            "GET /v1/compliance/organizations/{organization}/roles/{role_id}", "GET /v1/compliance/organizations/{organization}/roles/{role_id}/permissions",
            "GET /v1/compliance/organizations/{organization}/settings", "GET /v1/compliance/groups", "GET /v1/compliance/groups/{group_id}", "GET /v1/compliance/groups/{group_id}/members",
        ]),
        (Permission.ReviewsRead, ["GET " + Organizations + "reviews", "GET " + Organizations + "reviews/{id}"]),
        (Permission.ReviewsRequest, ["POST " + Organizations + "reviews"]),
        (Permission.ReviewsApprove, ["POST " + Organizations + "reviews/{id}/approve", "POST " + Organizations + "reviews/{id}/deny", "POST " + Organizations + "reviews/{id}/revoke"]),
        (Permission.HoldsRead, ["GET " + Organizations + "legal_holds", "GET " + Organizations + "legal_holds/{id}"]),
        (Permission.HoldsManage, ["POST " + Organizations + "legal_holds", "POST " + Organizations + "legal_holds/{id}/release"]),
        (Permission.PersonsManage, ["POST " + Organizations + "users/{id}/data_export", "POST " + Organizations + "users/{id}/erasure"]),
        (Permission.MetricsRead, [Metrics]),
        (Permission.LogRead, ["GET /log/checkpoint", "GET /log/tile/{**path}"]),
    ];

    /// <summary>What each route needs, as <c>METHOD /pattern</c>; nothing where no credential is asked for.</summary>
    public static readonly FrozenDictionary<string, Permission> Needs = Lines.SelectMany(l => l.Routes, (l, route) => (route, l.Needs))
        .Concat(Routes.Open.Concat(Routes.SignIn).Concat(Routes.Directory).Append(Fallback).Select(route => (route, Permission.None)))
        .ToFrozenDictionary(n => n.Item1, n => n.Item2, StringComparer.Ordinal);

    // By endpoint, of which there are as many as routes.
    private readonly ConcurrentDictionary<Endpoint, Permission?> _known = new(ReferenceEqualityComparer.Instance);

    /// <summary>Refuses what the table does not name.</summary>
    public Task HandleAsync(HttpContext http, RequestDelegate next) =>
        http.GetEndpoint() is not { } endpoint || Of(endpoint) is not null
            ? next(http)
            : ErrorEnvelope.WriteAsync(http, 403, "permission_error", "No permission is named for this route, so that nobody has it. This is a fault of the gateway: report it.");

    /// <summary>What the request's route needs.</summary>
    public Permission NeededBy(HttpContext http) =>
        http.GetEndpoint() is { } endpoint && Of(endpoint) is { } needed ? needed : throw new InvalidOperationException($"{http.Request.Method} is asked of no route of the table.");

    /// <summary>The workspace that the request is about, where its route is about one.</summary>
    public static WorkspaceSnapshot? WorkspaceOf(HttpContext http) =>
        http.Request.Path.StartsWithSegments(Organizations + "workspaces") && http.Request.RouteValues["id"] is string id ? new WorkspaceSnapshot(id, id) : null;

    private Permission? Of(Endpoint endpoint) => _known.TryGetValue(endpoint, out var needed) ? needed : _known[endpoint] = Find(endpoint);

    // A route for every method is written with * in the place of one.
    private static Permission? Find(Endpoint endpoint)
    {
        var pattern = (endpoint as RouteEndpoint)?.RoutePattern.RawText;
        var methods = endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods is { Count: > 0 } named ? named : ["*"];
        var needs = methods.Select(m => Needs.TryGetValue($"{m} {pattern}", out var needed) ? needed : (Permission?)null).Distinct().ToArray();
        return needs is [{ } one] ? one : null;
    }
}
