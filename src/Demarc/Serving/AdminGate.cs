using System.Globalization;
using Demarc.Control.AdminApi;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Refusals;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Lets a request with an admin key that holds through to an endpoint of the Admin API, and writes what that answers.</summary>
internal sealed class AdminGate(ISnapshotSource snapshots, Store store, TimeProvider time)
{
    public async Task HandleAsync(HttpContext http, Func<AdminRequest, Task<AdminAnswer>> endpoint)
    {
        var id = Ids.New(Ids.Request, time);
        http.Response.Headers["demarc-request-id"] = id;
        http.Response.Headers["request-id"] = id;
        // A key that was just made is in an answer: no cache keeps one.
        http.Response.Headers.CacheControl = "no-store";
        try
        {
            var answer = await AnswerAsync(http, endpoint);
            if (answer.Json is null)
            {
                await ErrorEnvelope.WriteAsync(http, answer.Status, answer.ErrorType!, answer.Message!, id, retry: answer.Status == 503);
                return;
            }
            http.Response.StatusCode = answer.Status;
            http.Response.ContentType = "application/json";
            http.Response.ContentLength = answer.Json.Length;
            await http.Response.Body.WriteAsync(answer.Json, http.RequestAborted);
        }
        catch (BadHttpRequestException) when (!http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            await ErrorEnvelope.WriteAsync(http, 400, "invalid_request_error", "The request body could not be read. Send it whole.", id);
        }
        catch (Exception e) when (e is BadHttpRequestException || (http.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException))
        {
            // A body that ends too early has nobody left to read an answer.
        }
    }

    private async Task<AdminAnswer> AnswerAsync(HttpContext http, Func<AdminRequest, Task<AdminAnswer>> endpoint)
    {
        if (Credential.Of(http.Request) is not { } key)
            return new(401, null, "authentication_error", Credential.ExplainMissing(http.Request));
        var (status, principal) = await snapshots.AuthenticateAsync(key);
        if (status != KeyStatus.Active || principal is null)
            return status == KeyStatus.Unavailable
                ? new(503, null, "api_error", Credential.Explain(status))
                : new(401, null, "authentication_error", Credential.Explain(status));
        var request = new AdminRequest(http.Request, principal);
        if (snapshots.Current.Network.Refuse(http.Connection.RemoteIpAddress, "this gateway") is { } denied)
        {
            await RecordAsync(denied.Code, denied.Rule);
            return new(403, null, "permission_error", denied.Message);
        }
        if (principal.KeyKind == ApiKeyKind.Admin)
        {
            var answer = await endpoint(request);
            if (answer.Status >= 400)
                await store.RecordAsync(principal.OrganizationId, request.Actor, "demarc_admin_request_failed", new()
                {
                    ["method"] = http.Request.Method,
                    ["route"] = Route(http),
                    ["status_code"] = answer.Status.ToString(CultureInfo.InvariantCulture),
                    ["error_type"] = answer.ErrorType,
                });
            return answer;
        }
        await RecordAsync("wrong_key_kind", null);
        return new(403, null, "permission_error", "This address takes an admin key (demarc_admin_…). An administrator makes one with: demarc key create --kind admin.");

        Task RecordAsync(string reason, string? rule) => store.RecordAsync(principal.OrganizationId, request.Actor, "demarc_admin_refused", new()
        {
            ["reason"] = reason,
            ["rule"] = rule,
            ["method"] = http.Request.Method,
            ["route"] = Route(http),
        });
    }

    // The pattern: a path may hold what was put there by mistake.
    private static string? Route(HttpContext http) => (http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText;
}
