using System.Text.Encodings.Web;
using System.Text.Json;
using Demarc.Control.Resources;
using Demarc.Governance;

namespace Demarc.Serving;

/// <summary><c>/livez</c>: the process answers. <c>/readyz</c>: it can serve, or what keeps it from it; and what to look after soon.</summary>
internal sealed class Health(ISnapshotSource snapshots, Drain drain, TimeProvider time)
{
    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static Task LiveAsync(HttpContext http) => WriteAsync(http, [], []);

    public Task ReadyAsync(HttpContext http)
    {
        // Who asks has shown no key: how many, and not which.
        var snapshot = snapshots.Current;
        var mismatched = snapshot.Resources.Sum(r => r.Deployments.Count(d => d.Mismatch is not null));
        var retiring = ModelReview.Deployed(snapshot, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime)).Length;
        var warnings = new List<string>();
        if (mismatched > 0)
            warnings.Add($"out of service, as their platform says otherwise than is declared: {mismatched} (demarc where names them)");
        if (retiring > 0)
            warnings.Add($"models that are or soon will be retired: {retiring} (demarc models outdated names them)");
        var problems = new List<string>();
        if (snapshot.Resources.Length == 0)
            problems.Add("no resources are configured: nothing can be served");
        if (drain.IsEnding)
            problems.Add("this process is ending: what is under way is served to its end");
        return WriteAsync(http, [.. problems], [.. warnings]);
    }

    private static Task WriteAsync(HttpContext http, string[] problems, string[] warnings)
    {
        http.Response.StatusCode = problems.Length == 0 ? 200 : 503;
        http.Response.ContentType = "application/json";
        return http.Response.WriteAsync(
            JsonSerializer.Serialize(new { status = problems.Length == 0 ? "ok" : "unavailable", problems, warnings }, Readable), http.RequestAborted);
    }
}
