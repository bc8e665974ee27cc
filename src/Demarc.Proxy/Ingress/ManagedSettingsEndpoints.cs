using Demarc.Governance;
using Demarc.Governance.Policy;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary>What the policies of whoever asks want of Claude Code and Claude Desktop; 404 when they want nothing.</summary>
/// <param name="url">Where clients find the gateway.</param>
public sealed class ManagedSettingsEndpoints(ISnapshotSource snapshots, Func<Uri> url)
{
    /// <summary><c>GET /user/bootstrap</c>: what Claude Desktop runs with; 404 where no policy lets it in.</summary>
    public async Task BootstrapAsync(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        if (await KeyCheck.PrincipalAsync(http, snapshots) is not { } principal)
            return;
        if (DesktopSettings.For(snapshots.Current, principal, url().AbsoluteUri.TrimEnd('/')) is not { } settings)
        {
            await ErrorEnvelope.WriteAsync(http, 404, "not_found_error", "No policy lets this person use Claude Desktop: one with the key desktop does.");
            return;
        }
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(settings, http.RequestAborted);
    }

    /// <summary><c>GET /managed/settings</c>.</summary>
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
