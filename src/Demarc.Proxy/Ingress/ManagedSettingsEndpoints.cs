using Demarc.Governance;
using Demarc.Governance.Policy;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary><c>GET /managed/settings</c>: what the policies of whoever asks want of Claude Code; 404 when they want nothing.</summary>
public sealed class ManagedSettingsEndpoints(ISnapshotSource snapshots)
{
    public async Task GetAsync(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        if (await KeyCheck.PrincipalAsync(http, snapshots) is not { } principal)
            return;
        if (ManagedSettings.For(snapshots.Current, principal) is not { } settings)
        {
            await ErrorEnvelope.WriteAsync(http, 404, "not_found_error", "No policy has settings for this person.");
            return;
        }
        var tag = $"\"{settings.Checksum}\"";
        http.Response.Headers.ETag = tag;
        // "*" asks whether there are any (Claude Desktop).
        if (http.Request.Headers.IfNoneMatch.SelectMany(v => (v ?? "").Split(',')).Any(v => v.Trim() is "*" || v.Trim() == tag))
        {
            http.Response.StatusCode = 304;
            return;
        }
        http.Response.ContentType = "application/json";
        await http.Response.Body.WriteAsync(settings.Document(), http.RequestAborted);
    }
}
