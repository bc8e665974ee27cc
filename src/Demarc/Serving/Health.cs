using System.Text.Json;
using Demarc.Governance;

namespace Demarc.Serving;

/// <summary><c>/livez</c>: the process answers. <c>/readyz</c>: it can serve, or what keeps it from it.</summary>
internal sealed class Health(ISnapshotSource snapshots)
{
    public static Task LiveAsync(HttpContext http) => WriteAsync(http, [], []);

    public Task ReadyAsync(HttpContext http)
    {
        // Who asks has shown no key: how many, and not which.
        var mismatched = snapshots.Current.Resources.Sum(r => r.Deployments.Count(d => d.Mismatch is not null));
        return WriteAsync(
            http,
            snapshots.Current.Resources.Length == 0 ? ["no resources are configured: nothing can be served"] : [],
            mismatched == 0 ? [] : [$"out of service, as their platform says otherwise than is declared: {mismatched} (demarc where names them)"]);
    }

    private static Task WriteAsync(HttpContext http, string[] problems, string[] warnings)
    {
        http.Response.StatusCode = problems.Length == 0 ? 200 : 503;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(JsonSerializer.Serialize(new { status = problems.Length == 0 ? "ok" : "unavailable", problems, warnings }), http.RequestAborted);
    }
}
