using System.Globalization;
using System.Net;
using System.Text;
using Demarc.Governance.Boundaries;

namespace Demarc.Control.Exports;

/// <summary>Brings activities to one destination. What was sent and not confirmed is sent again.</summary>
internal abstract class ExportSender : IAsyncDisposable
{
    /// <summary>Completes when the destination has them all.</summary>
    /// <exception cref="ExportException">It has not; some of them may have arrived.</exception>
    public abstract Task SendAsync(ExportedActivity[] activities, CancellationToken stop);

    /// <summary>Bytes of one request at most: what collectors accept without being told to accept more.</summary>
    public const int MaxRequest = 900_000;

    public ValueTask DisposeAsync() => CloseAsync();

    /// <summary>Lets go of what is open; what is sent after that opens it again.</summary>
    protected virtual ValueTask CloseAsync() => ValueTask.CompletedTask;

    /// <param name="send">Sends requests over a destination's way out.</param>
    public static ExportSender For(ExportDestination destination, ExportWays ways, TimeProvider time) => destination switch
    {
        HttpDestination http => new HttpSender(http, ways, time),
        SplunkDestination splunk => new SplunkSender(splunk, ways, time),
        MonitorDestination monitor => new MonitorSender(monitor, ways, time),
        BlobDestination blob => new BlobArchive(blob, ways, time),
        S3Destination s3 => new S3Archive(s3, ways, time),
        SyslogDestination syslog => new SyslogSender(syslog, ways, time),
        FileDestination file => new FileSender(file),
        _ => throw new ArgumentOutOfRangeException(nameof(destination), destination.Kind, "No sender is known for it."),
    };
}

/// <summary>How destinations are reached: with their proxies, authorities and credentials.</summary>
/// <param name="SendAsync">A request.</param>
/// <param name="ConnectAsync">A connection by host, port, whether TLS protects it, and PEM authorities beside the system's.</param>
public sealed record ExportWays(
    Func<HttpRequestMessage, OutboundPlace, CancellationToken, Task<HttpResponseMessage>> SendAsync,
    Func<string, int, bool, string?, CancellationToken, Task<Stream>> ConnectAsync);

/// <summary>A destination did not take what it was sent.</summary>
/// <param name="retryAfter">How long it asked to be left alone; null for as long as the sender sees fit.</param>
internal sealed class ExportException(string message, TimeSpan? retryAfter = null, Exception? inner = null) : Exception(message, inner)
{
    public TimeSpan? RetryAfter => retryAfter;
}

/// <summary>A sender over HTTP.</summary>
internal abstract class WebSender(WebDestination destination, ExportWays ways, TimeProvider time) : ExportSender
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan LongestAsked = TimeSpan.FromHours(1);

    protected TimeProvider Time => time;

    /// <summary>Sends a request and reads what came, at most 64 KiB.</summary>
    /// <exception cref="ExportException">It failed, or anything but success came. The destination's words are not repeated: they may hold what was sent.</exception>
    protected async Task<byte[]> AskAsync(HttpRequestMessage request, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        try
        {
            using (request)
            using (var response = await ways.SendAsync(request, destination.Place, patience.Token))
            {
                if (!response.IsSuccessStatusCode)
                    throw new ExportException(Words(response), RetryAfter(response));
                await response.Content.LoadIntoBufferAsync(64 << 10, patience.Token);
                return await response.Content.ReadAsByteArrayAsync(patience.Token);
            }
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            throw new ExportException($"no answer within {Patience.TotalSeconds} s");
        }
        catch (Exception e) when (e is not ExportException and not OperationCanceledException)
        {
            throw new ExportException(e.Message, inner: e);
        }
    }

    protected static HttpRequestMessage Post(Uri address, byte[] body, string mediaType) => Request(HttpMethod.Post, address, body, mediaType);

    protected static HttpRequestMessage Request(HttpMethod method, Uri address, byte[] body, string mediaType)
    {
        var request = new HttpRequestMessage(method, address)
        {
            Content = new ByteArrayContent(body),
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        request.Content.Headers.TryAddWithoutValidation("content-type", mediaType);
        return request;
    }

    /// <summary>Texts between brackets, parted by commas.</summary>
    protected static byte[] Array(IEnumerable<byte[]> texts) => Join(texts, "[", ",", "]");

    protected static byte[] Lines(IEnumerable<byte[]> texts) => Join(texts, "", "\n", "\n");

    private static byte[] Join(IEnumerable<byte[]> texts, string before, string between, string after)
    {
        using var output = new MemoryStream();
        output.Write(Encoding.UTF8.GetBytes(before));
        var isFirst = true;
        foreach (var text in texts)
        {
            if (!isFirst)
                output.Write(Encoding.UTF8.GetBytes(between));
            output.Write(text);
            isFirst = false;
        }
        output.Write(Encoding.UTF8.GetBytes(after));
        return output.ToArray();
    }

    private static string Words(HttpResponseMessage response)
    {
        var words = string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)response.StatusCode}");
        // Azure's code for the reason, a word.
        return response.Headers.TryGetValues("x-ms-error-code", out var codes) && codes.First() is { Length: < 80 } code && code.All(char.IsAsciiLetterOrDigit) ? $"{words} {code}" : words;
    }

    private TimeSpan? RetryAfter(HttpResponseMessage response)
    {
        var asked = response.Headers.RetryAfter switch
        {
            { Delta: { } delta } => delta,
            { Date: { } date } => date - time.GetUtcNow(),
            _ => (TimeSpan?)null,
        };
        return asked is null ? null : TimeSpan.FromTicks(Math.Clamp(asked.Value.Ticks, 0, LongestAsked.Ticks));
    }
}
