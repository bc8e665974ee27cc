using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Demarc.Control.Resources;
using Demarc.Governance;
using Demarc.Proxy;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary><c>/livez</c>: the process answers. <c>/readyz</c>: it can serve, or what keeps it from it; and what to look after soon.</summary>
internal sealed class Health(ISnapshotSource snapshots, Store store, Clocks clocks, Drain drain, MessagesPipeline messages, TimeProvider time)
{
    // Asked each second: more than a few without an answer are worth a word.
    private static readonly TimeSpan MostSilence = TimeSpan.FromSeconds(4);

    // Who is told that nothing can be served sends nothing: then it has to be tried again some time.
    private static readonly TimeSpan Unrecorded = TimeSpan.FromSeconds(10);

    private static readonly JsonSerializerOptions Readable = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>
    /// Where <c>text/event-stream</c> is accepted it answers with two events, a second apart, by which <c>demarc doctor</c> tells
    /// whether something on the way keeps the first.
    /// </summary>
    public async Task LiveAsync(HttpContext http)
    {
        if (http.Request.Headers.Accept != "text/event-stream")
        {
            await WriteAsync(http, [], []);
            return;
        }
        http.Response.ContentType = "text/event-stream";
        http.Response.Headers.CacheControl = "no-store";
        await http.Response.WriteAsync("data: 1\n\n", http.RequestAborted);
        await http.Response.Body.FlushAsync(http.RequestAborted);
        // Time between the two is all that this answer is for.
        await Task.Delay(TimeSpan.FromSeconds(1), time, http.RequestAborted);
        await http.Response.WriteAsync("data: 2\n\n", http.RequestAborted);
    }

    public Task ReadyAsync(HttpContext http)
    {
        // Who asks has shown no key: how many, and not which.
        var snapshot = snapshots.Current;
        var problems = new List<string>();
        if (snapshot.Resources.Length == 0)
            problems.Add("no resources are configured: nothing can be served");
        if (store.Changes.IsAway)
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"the store has not been heard for {store.Changes.SinceConfirmed.TotalSeconds:0} s: nobody is let in"));
        if (!store.TakesRecords)
            problems.Add("the journal is full, as the store takes no records: requests are refused");
        else if (messages.SinceRecordFailed < Unrecorded)
            problems.Add("requests could not be put on record within the last 10 s (a full disk?), and were not answered: the log says why");
        if (drain.IsEnding)
            problems.Add("this process is ending: what is under way is served to its end");

        var warnings = new List<string>(clocks.Warnings());
        if (!store.Changes.IsAway && store.Changes.SinceConfirmed > MostSilence)
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"the store has not been heard for {store.Changes.SinceConfirmed.TotalSeconds:0} s: changes of people, keys and policies do not arrive"));
        var mismatched = snapshot.Resources.Sum(r => r.Deployments.Count(d => d.Mismatch is not null));
        var retiring = ModelReview.Deployed(snapshot, DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime)).Length;
        if (mismatched > 0)
            warnings.Add($"out of service, as their platform says otherwise than is declared: {mismatched} (demarc where names them)");
        if (retiring > 0)
            warnings.Add($"models that are or soon will be retired: {retiring} (demarc models outdated names them)");
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
