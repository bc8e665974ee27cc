using System.Globalization;
using Demarc.Control.AdminApi;
using Demarc.Control.Compliance;
using Demarc.Governance;
using Demarc.Governance.Identity;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Refusals;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>
/// Lets a request with the scope it needs through to an endpoint of the Compliance API. Whoever reads is on record,
/// with what came of it, before the first byte of the answer leaves.
/// </summary>
internal sealed class ComplianceGate(ISnapshotSource snapshots, Store store, RouteTable routes, TimeProvider time)
{
    // Documented for every key that does not hold, and for none ("Invalid API key").
    private static readonly AdminAnswer InvalidKey = new(401, null, "authentication_error", "The API key provided is invalid or has been revoked.");

    private static readonly AdminAnswer OwnOnly = new(403, null, "permission_error", "This address shows people what is recorded about them: ask with the key or the token that models are asked with.");

    /// <summary>Lets a request with an inference key or a person's token through to what is recorded of its own principal.</summary>
    public Task HandleOwnAsync(HttpContext http, Func<ComplianceRequest, Task<AdminAnswer>> endpoint) => HandleAsync(http, null, endpoint);

    /// <param name="scope">The scope that the key needs; null for an inference key, which reads what is its principal's own.</param>
    public async Task HandleAsync(HttpContext http, string? scope, Func<ComplianceRequest, Task<AdminAnswer>> endpoint)
    {
        var id = Ids.New(Ids.Request, time);
        http.Response.Headers["demarc-request-id"] = id;
        http.Response.Headers["request-id"] = id;
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            await WriteAsync(http, id, await AnswerAsync(http, id, scope, endpoint));
        }
        catch (Exception e) when (http.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException)
        {
            // Nobody is left to read the answer; that it was asked for is on record.
        }
    }

    private async Task<AdminAnswer> AnswerAsync(HttpContext http, string id, string? scope, Func<ComplianceRequest, Task<AdminAnswer>> endpoint)
    {
        if (Credential.Of(http.Request) is not { } key)
            return InvalidKey;
        var (status, principal) = await snapshots.AuthenticateAsync(key, http.Connection.RemoteIpAddress);
        if (status == KeyStatus.Unavailable)
            return new(503, null, "overloaded_error", Credential.Explain(status));
        if (status == KeyStatus.Guessing)
            return AdminAnswer.Refused(Credential.Answer(status), Credential.Explain(status));
        if (status != KeyStatus.Active || principal is null)
            return InvalidKey;
        var request = new ComplianceRequest(http.Request, principal) { Owner = scope is null ? principal.Id : null };
        var scopes = ComplianceScope.Of(principal.Access);
        var allowed = principal.Access.Allows(routes.NeededBy(http));
        var answer = snapshots.Current.Network.Refuse(http.Connection.RemoteIpAddress, "this gateway") is { } denied ? new(403, null, "permission_error", denied.Message)
            : scope is null ? allowed && principal.KeyKind == ApiKeyKind.Inference ? await endpoint(request) : OwnOnly
            : allowed ? await endpoint(request)
            : scopes.Length == 0 && principal.IsKey ? InvalidKey
            : new(403, null, "permission_error", $"Missing required scopes. Got: [{string.Join(", ", scopes.Select(s => $"'{s}'"))}] Needed: ['{scope}']");
        await store.RecordAsync(principal.OrganizationId, request.Actor, "compliance_api_accessed", new()
        {
            ["request_id"] = id,
            ["request_method"] = http.Request.Method,
            ["url"] = request.Url,
            ["status_code"] = answer.Status.ToString(CultureInfo.InvariantCulture),
            ["session_id"] = request.RecordedSessionId,
        });
        return answer;
    }

    public static async Task WriteAsync(HttpContext http, string? id, AdminAnswer answer)
    {
        if (answer.Json is null && answer.WriteAsync is null)
        {
            await ErrorEnvelope.WriteAsync(http, answer.Status, answer.ErrorType!, answer.Message!, id, retry: answer.Status == 503);
            return;
        }
        http.Response.StatusCode = answer.Status;
        http.Response.ContentType = answer.ContentType;
        foreach (var (name, value) in answer.Headers)
            http.Response.Headers[name] = value;
        if (answer.Json is null)
        {
            await answer.WriteAsync!(http.Response.Body, http.RequestAborted);
            return;
        }
        http.Response.ContentLength = answer.Json.Length;
        await http.Response.Body.WriteAsync(answer.Json, http.RequestAborted);
    }
}
