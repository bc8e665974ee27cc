using System.Globalization;

namespace Demarc.Control.Exports;

/// <summary>OCSF JSON in POST requests: an array, or a line for each event.</summary>
internal sealed class HttpSender(HttpDestination destination, ExportWays ways, TimeProvider time) : WebSender(destination, ways, time)
{
    public override async Task SendAsync(ExportedActivity[] activities, CancellationToken stop)
    {
        var texts = activities.Select(a => a.Json);
        var request = destination.IsArray
            ? Post(destination.Url, Array(texts), "application/json")
            : Post(destination.Url, Lines(texts), "application/x-ndjson");
        // The same for a repeat of the same events, for collectors that look.
        request.Headers.TryAddWithoutValidation("idempotency-key", string.Create(CultureInfo.InvariantCulture, $"{destination.Name}-{activities[0].Position}-{activities[^1].Position}"));
        foreach (var (name, value) in destination.Headers)
            request.Headers.TryAddWithoutValidation(name, value.Reveal());
        await AskAsync(request, stop);
    }
}
