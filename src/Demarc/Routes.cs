using Demarc.Control.AdminApi;
using Demarc.Control.Compliance;
using Demarc.Control.Identity.Roles;
using Demarc.Control.Increases;
using Demarc.Control.Retention;
using Demarc.Control.Reviews;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Governance.Wire;
using Demarc.Proxy;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Refusals;
using Demarc.Serving;

namespace Demarc;

/// <summary>Every route there is. What is not here is refused; all but <see cref="Open"/> and <see cref="SignIn"/> need a credential, and what <see cref="RouteTable"/> names.</summary>
internal static class Routes
{
    /// <summary>The routes that answer without a key: they say that the gateway is there, and nothing else; a link of a refusal is a credential itself.</summary>
    public static readonly string[] Open = ["HEAD /", "GET /", "HEAD /api/hello", "GET /api/hello", "GET /livez", "GET /readyz", "GET /limits/ask", "POST /limits/ask"];

    /// <summary>The routes by which people sign in, where the configuration lets them: they answer without a key, as they are how one is had.</summary>
    public static readonly string[] SignIn =
    [
        "GET /.well-known/oauth-authorization-server", "GET /.well-known/jwks.json", "POST /oauth/device_authorization", "POST /oauth/token", "POST /oauth/revoke",
        "GET /device", "POST /device", "GET /oauth/callback", "GET /protocol", "GET /saml/metadata", "POST /saml/acs", "GET /saml/finish",
        "POST /v1/oauth/token",
    ];

    /// <summary>The routes by which a directory provisions people, where the configuration lets it: they take a token of their own.</summary>
    public static readonly string[] Directory =
    [
        .. new[] { "/scim/v2/Users", "/scim/v2/Groups" }.SelectMany(kind => (string[])
        [
            $"GET {kind}", $"POST {kind}", $"POST {kind}/.search", $"GET {kind}/{{id}}", $"PUT {kind}/{{id}}", $"PATCH {kind}/{{id}}", $"DELETE {kind}/{{id}}",
        ]),
        "POST /scim/v2/Bulk", "GET /scim/v2/ServiceProviderConfig", "GET /scim/v2/Schemas", "GET /scim/v2/Schemas/{id}", "GET /scim/v2/ResourceTypes", "GET /scim/v2/ResourceTypes/{id}",
        "* /scim/{**rest}",
    ];

    // The control plane: what admin_listen takes apart from inference.
    private static readonly string[] Control = ["/v1/organizations", "/v1/compliance", "/log", "/metrics"];

    /// <summary>Whether a path belongs to a directory's provisioning, which has tokens of its own.</summary>
    public static bool IsDirectory(PathString path) => path.StartsWithSegments("/scim");

    /// <summary>Whether a path belongs to administration and audit rather than to inference.</summary>
    public static bool IsControl(PathString path) => Array.Exists(Control, prefix => path.StartsWithSegments(prefix));

    /// <summary>Whether a request is for one of the <see cref="Open"/> routes.</summary>
    public static bool IsOpen(HttpRequest request) => Open.Contains($"{request.Method} {request.Path}");

    public static void MapDemarc(this WebApplication app)
    {
        var messages = app.Services.GetRequiredService<MessagesPipeline>();
        var models = app.Services.GetRequiredService<ModelsEndpoints>();
        var clouds = app.Services.GetRequiredService<CloudEndpoints>();
        var profiles = app.Services.GetRequiredService<ProfilesEndpoints>();
        var admin = app.Services.GetRequiredService<AdminGate>();
        var organization = app.Services.GetRequiredService<OrganizationEndpoints>();
        var keys = app.Services.GetRequiredService<ApiKeyEndpoints>();
        var users = app.Services.GetRequiredService<UserEndpoints>();
        var workspaces = app.Services.GetRequiredService<WorkspaceEndpoints>();
        var projects = app.Services.GetRequiredService<ProjectEndpoints>();
        var aliases = app.Services.GetRequiredService<AliasEndpoints>();
        var limits = app.Services.GetRequiredService<SpendLimitEndpoints>();
        var limitViews = app.Services.GetRequiredService<SpendLimitViews>();
        var increases = app.Services.GetRequiredService<IncreaseRequestEndpoints>();
        var asking = app.Services.GetRequiredService<IncreasePage>();
        var usage = app.Services.GetRequiredService<UsageEndpoints>();
        var settings = app.Services.GetRequiredService<ManagedSettingsEndpoints>();
        var usageReport = app.Services.GetRequiredService<UsageReportEndpoints>();
        var cost = app.Services.GetRequiredService<CostReportEndpoints>();
        var claudeCode = app.Services.GetRequiredService<ClaudeCodeReportEndpoints>();
        var compliance = app.Services.GetRequiredService<ComplianceGate>();
        var activities = app.Services.GetRequiredService<ActivityEndpoints>();
        var customRoles = app.Services.GetRequiredService<RoleEndpoints>();
        var sessions = app.Services.GetRequiredService<SessionEndpoints>();
        var attachments = app.Services.GetRequiredService<AttachmentEndpoints>();
        var directory = app.Services.GetRequiredService<DirectoryEndpoints>();
        var effective = app.Services.GetRequiredService<SettingsEndpoints>();
        var log = app.Services.GetRequiredService<LogGate>();
        var health = app.Services.GetRequiredService<Health>();

        // Inference: Anthropic Messages; Foundry, Amazon Bedrock and Google Cloud with and without a resource in the path.
        app.MapPost("/v1/messages", http => messages.HandleAsync(http, Dialect.Anthropic, Operation.Messages, null));
        app.MapPost("/v1/messages/count_tokens", http => messages.HandleAsync(http, Dialect.Anthropic, Operation.CountTokens, null));
        app.MapPost("/anthropic/v1/messages", http => messages.HandleAsync(http, Dialect.Foundry, Operation.Messages, null));
        app.MapPost("/anthropic/v1/messages/count_tokens", http => messages.HandleAsync(http, Dialect.Foundry, Operation.CountTokens, null));
        app.MapPost("/{resource}/anthropic/v1/messages", http => messages.HandleAsync(http, Dialect.Foundry, Operation.Messages, Value(http, "resource")));
        app.MapPost("/{resource}/anthropic/v1/messages/count_tokens", http => messages.HandleAsync(http, Dialect.Foundry, Operation.CountTokens, Value(http, "resource")));
        foreach (var prefix in (string[])["", "/{resource}"])
        {
            app.MapPost(prefix + "/model/{**rest}", clouds.BedrockAsync);
            app.MapGet(prefix + "/inference-profiles", profiles.ListAsync);
            app.MapGet(prefix + "/inference-profiles/{**id}", http => profiles.GetAsync(http, Value(http, "id")));
            foreach (var version in (string[])["", "/v1"])
                app.MapPost(prefix + version + "/projects/{project}/locations/{location}/publishers/anthropic/models/{**rest}", clouds.VertexAsync);
        }
        app.MapGet("/v1/models", models.ListAsync);
        app.MapGet("/v1/models/{**id}", http => models.GetAsync(http, Value(http, "id")));

        app.MapGet("/api/oauth/usage", usage.GetAsync);
        app.MapGet("/managed/settings", settings.GetAsync);
        app.MapGet("/user/bootstrap", settings.BootstrapAsync);

        // People sign in (open).
        app.MapSignIn();
        app.MapFederation();

        // A directory provisions people and groups (its own token).
        app.MapScim();

        // Administration: the vendor's Admin API, and what it leaves to its Console. Admin keys, and people whose roles permit it (RouteTable).
        app.MapGet("/v1/organizations/me", http => admin.HandleAsync(http, organization.GetAsync));
        app.MapGet("/v1/organizations/api_keys", http => admin.HandleAsync(http, keys.ListAsync));
        app.MapPost("/v1/organizations/api_keys", http => admin.HandleAsync(http, keys.CreateAsync));
        app.MapGet("/v1/organizations/api_keys/{id}", http => admin.HandleAsync(http, keys.GetAsync));
        app.MapPost("/v1/organizations/api_keys/{id}", http => admin.HandleAsync(http, keys.UpdateAsync));
        app.MapGet("/v1/organizations/users", http => admin.HandleAsync(http, users.ListAsync));
        app.MapPost("/v1/organizations/users", http => admin.HandleAsync(http, users.CreateAsync));
        app.MapPost("/v1/organizations/users/{id}", http => admin.HandleAsync(http, users.UpdateAsync));
        app.MapGet("/v1/organizations/users/{id}", http => admin.HandleAsync(http, users.GetAsync));
        app.MapGet("/v1/organizations/workspaces", http => admin.HandleAsync(http, workspaces.ListAsync));
        app.MapPost("/v1/organizations/workspaces", http => admin.HandleAsync(http, workspaces.CreateAsync));
        app.MapGet("/v1/organizations/workspaces/{id}", http => admin.HandleAsync(http, workspaces.GetAsync));
        app.MapPost("/v1/organizations/workspaces/{id}", http => admin.HandleAsync(http, workspaces.UpdateAsync));
        app.MapPost("/v1/organizations/workspaces/{id}/archive", http => admin.HandleAsync(http, workspaces.ArchiveAsync));
        app.MapGet("/v1/organizations/workspaces/{id}/members", http => admin.HandleAsync(http, workspaces.ListMembersAsync));
        app.MapPost("/v1/organizations/workspaces/{id}/members", http => admin.HandleAsync(http, workspaces.AddMemberAsync));
        app.MapGet("/v1/organizations/workspaces/{id}/members/{user_id}", http => admin.HandleAsync(http, workspaces.GetMemberAsync));
        app.MapPost("/v1/organizations/workspaces/{id}/members/{user_id}", http => admin.HandleAsync(http, workspaces.UpdateMemberAsync));
        app.MapDelete("/v1/organizations/workspaces/{id}/members/{user_id}", http => admin.HandleAsync(http, workspaces.RemoveMemberAsync));
        app.MapGet("/v1/organizations/projects", http => admin.HandleAsync(http, projects.ListAsync));
        app.MapPost("/v1/organizations/projects", http => admin.HandleAsync(http, projects.CreateAsync));
        app.MapGet("/v1/organizations/projects/{id}", http => admin.HandleAsync(http, projects.GetAsync));
        app.MapPost("/v1/organizations/projects/{id}", http => admin.HandleAsync(http, projects.UpdateAsync));
        app.MapPost("/v1/organizations/projects/{id}/archive", http => admin.HandleAsync(http, projects.ArchiveAsync));
        app.MapPut("/v1/organizations/projects/{id}/members/{member_id}", http => admin.HandleAsync(http, projects.PutMemberAsync));
        app.MapDelete("/v1/organizations/projects/{id}/members/{member_id}", http => admin.HandleAsync(http, projects.RemoveMemberAsync));
        app.MapGet("/v1/organizations/aliases", http => admin.HandleAsync(http, aliases.ListAsync));
        app.MapPut("/v1/organizations/aliases/{name}", http => admin.HandleAsync(http, aliases.PutAsync));
        app.MapPost("/v1/organizations/aliases/{name}/promote", http => admin.HandleAsync(http, aliases.PromoteAsync));
        app.MapPost("/v1/organizations/aliases/{name}/rollback", http => admin.HandleAsync(http, aliases.RollbackAsync));
        app.MapDelete("/v1/organizations/aliases/{name}", http => admin.HandleAsync(http, aliases.DeleteAsync));
        app.MapGet("/v1/organizations/usage_report/messages", http => admin.HandleAsync(http, usageReport.GetAsync));
        app.MapGet("/v1/organizations/usage_report/claude_code", http => admin.HandleAsync(http, claudeCode.GetAsync));
        app.MapGet("/v1/organizations/cost_report", http => admin.HandleAsync(http, cost.GetAsync));

        app.MapGet("/v1/organizations/spend_limits", http => admin.HandleAsync(http, limits.ListAsync));
        app.MapPost("/v1/organizations/spend_limits", http => admin.HandleAsync(http, limits.CreateAsync));
        app.MapGet("/v1/organizations/spend_limits/effective", http => admin.HandleAsync(http, limitViews.EffectiveAsync));
        app.MapGet("/v1/organizations/spend_limits/audit", http => admin.HandleAsync(http, limitViews.AuditAsync));
        app.MapGet("/v1/organizations/spend_limits/{id}", http => admin.HandleAsync(http, limits.GetAsync));
        app.MapPost("/v1/organizations/spend_limits/{id}", http => admin.HandleAsync(http, limits.UpdateAsync));
        app.MapDelete("/v1/organizations/spend_limits/{id}", http => admin.HandleAsync(http, limits.DeleteAsync));
        app.MapGet("/v1/organizations/spend_limit_increase_requests", http => admin.HandleAsync(http, increases.ListAsync));
        app.MapGet("/v1/organizations/spend_limit_increase_requests/{id}", http => admin.HandleAsync(http, increases.GetAsync));
        app.MapPost("/v1/organizations/spend_limit_increase_requests/{id}/approve", http => admin.HandleAsync(http, increases.ApproveAsync));
        app.MapPost("/v1/organizations/spend_limit_increase_requests/{id}/deny", http => admin.HandleAsync(http, increases.DenyAsync));

        var holds = app.Services.GetRequiredService<HoldEndpoints>();
        app.MapGet("/v1/organizations/legal_holds", http => admin.HandleAsync(http, holds.ListAsync));
        app.MapPost("/v1/organizations/legal_holds", http => admin.HandleAsync(http, holds.CreateAsync));
        app.MapGet("/v1/organizations/legal_holds/{id}", http => admin.HandleAsync(http, holds.GetAsync));
        app.MapPost("/v1/organizations/legal_holds/{id}/release", http => admin.HandleAsync(http, holds.ReleaseAsync));

        var persons = app.Services.GetRequiredService<PersonEndpoints>();
        app.MapPost("/v1/organizations/users/{id}/data_export", http => admin.HandleAsync(http, persons.ExportAsync));
        app.MapPost("/v1/organizations/users/{id}/erasure", http => admin.HandleAsync(http, persons.EraseAsync));

        var reviews = app.Services.GetRequiredService<ReviewEndpoints>();
        app.MapGet("/v1/organizations/reviews", http => admin.HandleAsync(http, reviews.ListAsync));
        app.MapPost("/v1/organizations/reviews", http => admin.HandleAsync(http, reviews.CreateAsync));
        app.MapGet("/v1/organizations/reviews/{id}", http => admin.HandleAsync(http, reviews.GetAsync));
        app.MapPost("/v1/organizations/reviews/{id}/approve", http => admin.HandleAsync(http, reviews.ApproveAsync));
        app.MapPost("/v1/organizations/reviews/{id}/deny", http => admin.HandleAsync(http, reviews.DenyAsync));
        app.MapPost("/v1/organizations/reviews/{id}/revoke", http => admin.HandleAsync(http, reviews.RevokeAsync));

        // Roles, and what waits for a second administrator.
        var assigned = app.Services.GetRequiredService<RoleAssignmentEndpoints>();
        var roleRequests = app.Services.GetRequiredService<RoleRequestEndpoints>();
        var review = app.Services.GetRequiredService<AccessReviewEndpoints>();
        var changes = app.Services.GetRequiredService<ChangeEndpoints>();
        app.MapGet("/v1/organizations/roles", http => admin.HandleAsync(http, assigned.RolesAsync));
        app.MapGet("/v1/organizations/role_assignments", http => admin.HandleAsync(http, assigned.ListAsync));
        app.MapPost("/v1/organizations/role_assignments", http => admin.HandleAsync(http, assigned.CreateAsync));
        app.MapGet("/v1/organizations/role_assignments/{id}", http => admin.HandleAsync(http, assigned.GetAsync));
        app.MapDelete("/v1/organizations/role_assignments/{id}", http => admin.HandleAsync(http, assigned.DeleteAsync));
        app.MapGet("/v1/organizations/role_requests", http => admin.HandleAsync(http, roleRequests.ListAsync));
        app.MapPost("/v1/organizations/role_requests/{id}/approve", http => admin.HandleAsync(http, roleRequests.ApproveAsync));
        app.MapPost("/v1/organizations/role_requests/{id}/deny", http => admin.HandleAsync(http, roleRequests.DenyAsync));
        app.MapGet("/v1/me/role_requests", http => admin.HandleAsync(http, roleRequests.OwnAsync));
        app.MapPost("/v1/me/role_requests", http => admin.HandleAsync(http, roleRequests.AskAsync));
        var groupMembers = app.Services.GetRequiredService<GroupMemberEndpoints>();
        app.MapPost("/v1/organizations/rbac_groups/{group_id}/members", http => admin.HandleAsync(http, groupMembers.AddAsync));
        app.MapDelete("/v1/organizations/rbac_groups/{group_id}/members/{user_id}", http => admin.HandleAsync(http, groupMembers.RemoveAsync));
        app.MapGet("/v1/organizations/access_review", http => admin.HandleAsync(http, review.GetAsync));
        app.MapGet("/v1/organizations/changes", http => admin.HandleAsync(http, changes.ListAsync));
        app.MapPost("/v1/organizations/changes/{id}/approve", http => admin.HandleAsync(http, changes.ApproveAsync));
        app.MapPost("/v1/organizations/changes/{id}/deny", http => admin.HandleAsync(http, changes.DenyAsync));

        // Compliance: the vendor's Compliance API. Compliance keys, and people whose roles permit it; activities for admin keys too. Each read is an activity.
        app.MapGet("/v1/compliance/activities", http => compliance.HandleAsync(http, ComplianceScope.Activities, activities.ListAsync));
        app.MapGet("/v1/compliance/apps/sessions/local", http => compliance.HandleAsync(http, ComplianceScope.UserData, sessions.ListAsync));
        app.MapGet("/v1/compliance/apps/sessions/local/{session_id}", http => compliance.HandleAsync(http, ComplianceScope.UserData, sessions.GetAsync));
        app.MapGet("/v1/compliance/apps/sessions/local/{session_id}/messages", http => compliance.HandleAsync(http, ComplianceScope.UserData, sessions.MessagesAsync));
        app.MapGet("/v1/compliance/apps/sessions/local/{session_id}/attachments", http => compliance.HandleAsync(http, ComplianceScope.UserData, attachments.ListAsync));
        app.MapGet("/v1/compliance/apps/sessions/local/{session_id}/attachments/{attachment_id}", http => compliance.HandleAsync(http, ComplianceScope.UserData, attachments.GetAsync));
        app.MapGet("/v1/compliance/apps/sessions/local/{session_id}/attachments/{attachment_id}/content", http => compliance.HandleAsync(http, ComplianceScope.UserData, attachments.ContentAsync));
        app.MapGet("/v1/compliance/organizations", http => compliance.HandleAsync(http, ComplianceScope.OrganizationData, directory.OrganizationsAsync));
        app.MapGet("/v1/compliance/organizations/{organization}/users", http => compliance.HandleAsync(http, ComplianceScope.UserData, directory.UsersAsync));
        app.MapGet("/v1/compliance/organizations/{organization}/roles", http => compliance.HandleAsync(http, ComplianceScope.OrganizationData, customRoles.ListAsync));
        app.MapGet("/v1/compliance/organizations/{organization}/roles/{role_id}", http => compliance.HandleAsync(http, ComplianceScope.OrganizationData, customRoles.GetAsync));
        app.MapGet("/v1/compliance/organizations/{organization}/roles/{role_id}/permissions", http => compliance.HandleAsync(http, ComplianceScope.OrganizationData, customRoles.PermissionsAsync));
        app.MapGet("/v1/compliance/organizations/{organization}/settings", http => compliance.HandleAsync(http, ComplianceScope.OrganizationData, effective.GetAsync));
        app.MapGet("/v1/compliance/groups", http => compliance.HandleAsync(http, ComplianceScope.OrganizationData, directory.GroupsAsync));
        app.MapGet("/v1/compliance/groups/{group_id}", http => compliance.HandleAsync(http, ComplianceScope.OrganizationData, directory.GroupAsync));
        app.MapGet("/v1/compliance/groups/{group_id}/members", http => compliance.HandleAsync(http, ComplianceScope.UserData, directory.MembersAsync));

        // What is recorded about whoever asks, for their own key.
        var me = app.Services.GetRequiredService<MeEndpoints>();
        app.MapGet("/v1/me", http => compliance.HandleOwnAsync(http, me.Get));
        app.MapGet("/v1/me/sessions", http => compliance.HandleOwnAsync(http, sessions.ListAsync));
        app.MapGet("/v1/me/sessions/{session_id}", http => compliance.HandleOwnAsync(http, sessions.GetAsync));
        app.MapGet("/v1/me/sessions/{session_id}/messages", http => compliance.HandleOwnAsync(http, sessions.MessagesAsync));
        app.MapGet("/v1/me/sessions/{session_id}/attachments", http => compliance.HandleOwnAsync(http, attachments.ListAsync));
        app.MapGet("/v1/me/sessions/{session_id}/attachments/{attachment_id}", http => compliance.HandleOwnAsync(http, attachments.GetAsync));
        app.MapGet("/v1/me/sessions/{session_id}/attachments/{attachment_id}/content", http => compliance.HandleOwnAsync(http, attachments.ContentAsync));

        // The log as a tree (C2SP tlog-tiles): for whoever may read activities, or for everyone where it is configured so.
        app.MapGet("/log/checkpoint", log.CheckpointAsync);
        app.MapGet("/log/tile/{**path}", http => log.TileAsync(http, Value(http, "path")));

        // Where the configuration has metrics: for whoever has metrics.read, or for everyone where it is configured so.
        if (app.Services.GetService<MetricsGate>() is { } metrics)
            app.MapGet("/metrics", metrics.HandleAsync);

        // Open: probes of clients and orchestrators.
        app.MapMethods("/", ["HEAD", "GET"], Hello);
        app.MapMethods("/api/hello", ["HEAD", "GET"], Hello);
        // The link of a refusal is its own credential.
        app.MapGet(IncreaseLinks.Path, asking.ShowAsync);
        app.MapPost(IncreaseLinks.Path, asking.AskAsync);
        app.MapGet("/livez", health.LiveAsync);
        app.MapGet("/readyz", health.ReadyAsync);

        app.MapFallback("{**path}", http => ErrorEnvelope.WriteAsync(
            http, 404, "not_found_error",
            $"There is no {http.Request.Method} {PlainText.Cut(http.Request.Path.Value ?? "")} here. Models are asked at /v1/messages, /anthropic/v1/messages or /RESOURCE/anthropic/v1/messages, or as Bedrock and Google Cloud have it under /bedrock and /vertex."));
    }

    private static Task Hello(HttpContext http)
    {
        http.Response.ContentLength = 0;
        return Task.CompletedTask;
    }

    private static string Value(HttpContext http, string name) => (string)http.Request.RouteValues[name]!;
}
