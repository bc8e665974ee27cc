using System.Text.Json;
using Demarc.Control.AdminApi;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Serving;

/// <summary>
/// <c>/v1/organizations/changes</c>: what waits for a second administrator. An approval sends the very request that waits once
/// more, as the one who approves, to the same route.
/// </summary>
internal sealed class ChangeEndpoints(Store store, EndpointDataSource routes, IServiceProvider services)
{
    private static readonly AdminAnswer Unknown = AdminAnswer.NotFound("There is no change with this id. GET /v1/organizations/changes lists them.");

    /// <summary>Newest first; <c>status</c> leaves the others out.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request) => AdminAnswer.Of(new
    {
        Data = (await store.PendingChanges.ListAsync(request.OrganizationId)).Where(c => request.Query("status") is not { } status || c.Status == status).Select(PendingChangeObject.Of),
    });

    public Task<AdminAnswer> DenyAsync(AdminRequest request) => DecideAsync(request, approve: false);

    public Task<AdminAnswer> ApproveAsync(AdminRequest request) => DecideAsync(request, approve: true);

    private async Task<AdminAnswer> DecideAsync(AdminRequest request, bool approve)
    {
        if (await store.PendingChanges.GetAsync(request.OrganizationId, request.Path("id")) is not { } change)
            return Unknown;
        if (approve && SecondAdministrator.ApproverProblem(request.Principal, change.AskedBy) is { } problem)
            return problem;
        // What another version of the gateway kept may be of a route that there is no more.
        var route = $"{change.Method} {change.Route}";
        var endpoint = routes.Endpoints.OfType<RouteEndpoint>().FirstOrDefault(
            e => e.RoutePattern.RawText == change.Route && e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains(change.Method) == true);
        if (endpoint is null || !RouteTable.Needs.TryGetValue(route, out var needed))
            return AdminAnswer.Conflict($"There is no {route} any more. Deny the change, and ask for it anew.");
        if (!request.Principal.Access.Allows(needed))
            return new(403, null, "permission_error", $"None of your roles has the permission {string.Join(", ", Permissions.NamesOf(needed))}, which the change needs.");
        if (!await store.PendingChanges.DecideAsync(change, approve, request.Actor))
            return AdminAnswer.Conflict($"The change is {change.Status}: it can no longer be decided.");
        var decided = (await store.PendingChanges.GetAsync(request.OrganizationId, change.Id))!;
        return approve ? await MakeAsync(request, decided, endpoint) : AdminAnswer.Of(PendingChangeObject.Of(decided));
    }

    private async Task<AdminAnswer> MakeAsync(AdminRequest request, PendingChange change, RouteEndpoint endpoint)
    {
        await using var scope = services.CreateAsyncScope();
        var http = new DefaultHttpContext { RequestServices = scope.ServiceProvider };
        using var answer = new MemoryStream();
        http.Features.Set(new ApprovedChange(change.Id, request.Principal, change.AskedType, change.AskedBy));
        http.SetEndpoint(endpoint);
        (http.Request.Method, http.Request.Path, http.Request.QueryString) = (change.Method, PathString.FromUriComponent(change.Path), new QueryString(change.Query));
        (http.Request.ContentType, http.Request.Body, http.Response.Body) = ("application/json", new MemoryStream(change.Body), answer);
        http.Connection.RemoteIpAddress = request.Http.HttpContext.Connection.RemoteIpAddress;
        http.Request.Headers.UserAgent = request.Http.Headers.UserAgent;
        foreach (var (name, value) in JsonSerializer.Deserialize<Dictionary<string, string>>(change.RouteValues)!)
            http.Request.RouteValues[name] = value;
        await endpoint.RequestDelegate!(http);
        return AdminAnswer.Of(new
        {
            Change = PendingChangeObject.Of(change),
            Status = http.Response.StatusCode,
            Answer = JsonSerializer.Deserialize<JsonElement>(answer.ToArray()),
        }) with
        { Status = http.Response.StatusCode >= 400 ? 409 : 200 };
    }
}
