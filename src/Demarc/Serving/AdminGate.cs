using System.Globalization;
using Demarc.Control.AdminApi;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Refusals;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Lets a request whose roles permit what its route needs through to an endpoint of the Admin API, and writes what that answers.</summary>
internal sealed class AdminGate(ISnapshotSource snapshots, Store store, RouteTable routes, TimeProvider time)
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
            await ComplianceGate.WriteAsync(http, id, await AnswerAsync(http, endpoint));
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
        if (http.Features.Get<ApprovedChange>() is { } approved)
            return await endpoint(new AdminRequest(http.Request, approved.By) { Approved = approved });
        if (Credential.Of(http.Request) is not { } key)
            return new(401, null, "authentication_error", Credential.ExplainMissing(http.Request));
        var (status, principal) = await snapshots.AuthenticateAsync(key, http.Connection.RemoteIpAddress);
        if (status != KeyStatus.Active || principal is null)
            return AdminAnswer.Refused(Credential.Answer(status), Credential.Explain(status, key));
        var request = new AdminRequest(http.Request, principal);
        if (snapshots.Current.Network.Refuse(http.Connection.RemoteIpAddress, "this gateway") is { } denied)
        {
            await RecordAsync(denied.Code, denied.Rule);
            return new(403, null, "permission_error", denied.Message);
        }
        var needed = routes.NeededBy(http);
        if (principal.Access.Allows(needed, RouteTable.WorkspaceOf(http)))
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
        var isOtherKey = principal is { IsKey: true, KeyKind: not ApiKeyKind.Admin };
        await RecordAsync(isOtherKey ? "wrong_key_kind" : "role_denied", null);
        return new(403, null, "permission_error", isOtherKey
            ? "This address takes an admin key (demarc_admin_…), or the token of somebody whose roles permit it. An administrator makes a key with: demarc key create --kind admin."
            : $"None of your roles has the permission {string.Join(", ", Permissions.NamesOf(needed))}, which this address needs. Ask your administrator for a role, or for one for a time: demarc role request.");

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
