using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Identity;

namespace Demarc.Control.Exports;

/// <summary>
/// Splunk's HTTP Event Collector (Splunk documentation, "Format events for HTTP Event Collector", "About HTTP Event Collector
/// Indexer Acknowledgment"): events to <c>/services/collector/event</c>, and their acknowledgement from <c>/services/collector/ack</c>.
/// </summary>
internal sealed class SplunkSender : WebSender
{
    // Splunk's documentation has clients ask every 10 seconds and give up after 5 minutes; an index that is not behind is quicker.
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan GiveUpAfter = TimeSpan.FromMinutes(5);

    private readonly SplunkDestination _destination;
    private readonly Guid _channel;

    public SplunkSender(SplunkDestination destination, ExportWays ways, TimeProvider time)
        : base(destination, ways, time)
    {
        _destination = destination;
        _channel = Ids.NewGuid(time.GetUtcNow());
    }

    public override async Task SendAsync(ExportedActivity[] activities, CancellationToken stop)
    {
        var answer = await AskAsync(Ask("event", Lines(activities.Select(Event))), stop);
        if (!_destination.Acknowledged)
            return;
        if (Read(answer) is not { } id)
            throw new ExportException("the collector's answer has no ackId: switch indexer acknowledgement on for its token, or leave acknowledge out");
        var sent = Time.GetTimestamp();
        while (!IsIndexed(await AskAsync(Ask("ack", JsonSerializer.SerializeToUtf8Bytes(new { acks = new[] { id } })), stop), id))
        {
            if (Time.GetElapsedTime(sent) > GiveUpAfter)
                throw new ExportException($"not indexed within {GiveUpAfter.TotalMinutes} minutes");
            // The collector is asked for acknowledgements; it sends none by itself.
            await Task.Delay(AskEvery, Time, stop);
        }
    }

    private HttpRequestMessage Ask(string what, byte[] body)
    {
        var address = $"{_destination.Url.AbsoluteUri.TrimEnd('/')}/services/collector/{what}";
        var request = Post(new Uri(_destination.Acknowledged ? $"{address}?channel={_channel:D}" : address), body, "application/json");
        request.Headers.TryAddWithoutValidation("authorization", "Splunk " + _destination.Token.Reveal());
        request.Headers.TryAddWithoutValidation("x-splunk-request-channel", _channel.ToString("D"));
        return request;
    }

    private byte[] Event(ExportedActivity activity)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output))
        {
            json.WriteStartObject();
            // Seconds since 1970, with their fraction.
            json.WriteString("time", (activity.At / 1000m).ToString("0.000", CultureInfo.InvariantCulture));
            json.WriteString("host", "demarc");
            json.WriteString("source", "demarc");
            json.WriteString("sourcetype", "demarc:ocsf");
            if (_destination.Index is { } index)
                json.WriteString("index", index);
            json.WritePropertyName("event");
            json.WriteRawValue(activity.Json, skipInputValidation: true);
            json.WriteEndObject();
        }
        return output.ToArray();
    }

    private static long? Read(byte[] answer) =>
        Parse(answer) is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("ackId", out var id) && id.TryGetInt64(out var number) ? number : null;

    private static bool IsIndexed(byte[] answer, long id) =>
        Parse(answer) is { ValueKind: JsonValueKind.Object } json && json.TryGetProperty("acks", out var acks)
        && acks.TryGetProperty(id.ToString(CultureInfo.InvariantCulture), out var indexed) && indexed.ValueKind == JsonValueKind.True;

    private static JsonElement? Parse(byte[] answer)
    {
        try
        {
            return JsonElement.Parse(answer);
        }
        catch (JsonException e)
        {
            throw new ExportException("the collector's answer is no JSON: is this a Splunk HTTP Event Collector?", inner: e);
        }
    }
}
