using Demarc.Governance;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Admission;

/// <summary>Authentication of the lists that clients ask for beside inference; nothing of them is recorded.</summary>
internal static class KeyCheck
{
    /// <summary>The principal of an inference key that holds; null when the request has been refused.</summary>
    public static async ValueTask<Principal?> PrincipalAsync(HttpContext http, ISnapshotSource snapshots, Dialect dialect = Dialect.Anthropic)
    {
        var key = Credential.Of(http.Request);
        var (status, principal) = key is null ? (KeyStatus.Unknown, null) : await snapshots.AuthenticateAsync(key, http.Connection.RemoteIpAddress);
        if (status == KeyStatus.Active && principal is { KeyKind: ApiKeyKind.Inference })
        {
            var denied = snapshots.Current.Network.Refuse(http.Connection.RemoteIpAddress, "this gateway") ?? RoleRefusal.Of(principal) ?? ProjectAdmission.Enter(ref principal, http.Request);
            if (denied is null)
                return principal;
            await ErrorEnvelope.WriteAsync(http, Refused.Policy.Status, Refused.Policy.Type, denied.Message, dialect: dialect);
            return null;
        }
        var (code, type) = Credential.Answer(status);
        await ErrorEnvelope.WriteAsync(
            http, code, type, key is null ? Credential.ExplainMissing(http.Request) : Credential.Explain(status, key), retry: status == KeyStatus.Unavailable, dialect: dialect);
        return null;
    }
}
