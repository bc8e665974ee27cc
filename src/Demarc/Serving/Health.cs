using System.Text.Json;
using Demarc.Governance;

namespace Demarc.Serving;

/// <summary><c>/livez</c>: the process answers. <c>/readyz</c>: it can serve, or what keeps it from it.</summary>
internal sealed class Health(ISnapshotSource snapshots)
{
    public static Task LiveAsync(HttpContext http) => WriteAsync(http, []);

    public Task ReadyAsync(HttpContext http) =>
        WriteAsync(http, snapshots.Current.Resources.Length == 0 ? ["no resources are configured: nothing can be served"] : []);

    private static Task WriteAsync(HttpContext http, string[] problems)
    {
        http.Response.StatusCode = problems.Length == 0 ? 200 : 503;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(JsonSerializer.Serialize(new { status = problems.Length == 0 ? "ok" : "unavailable", problems }), http.RequestAborted);
    }
}
