using System.Diagnostics;
using System.Text;
using Demarc.Governance.Boundaries;
using Demarc.Proxy.Upstreams;

namespace Demarc.Serving;

/// <summary>
/// Whether something before Demarc keeps answers or requests until they are whole. Asks without a key: <c>/livez</c> for two
/// events a second apart, and for an answer to a request of which half is sent.
/// </summary>
internal sealed class IngressCheck(OutboundClient client, TimeProvider time)
{
    private const int Announced = 1 << 20;
    private const int Sent = 64 << 10;

    // Of the second between the events; and as long as a refusal for want of a key may take.
    private static readonly TimeSpan LeastApart = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>True where the first event came with the last; null where none came.</summary>
    public async Task<bool?> KeepsAnswersAsync(Uri url, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(url.AbsoluteUri.TrimEnd('/') + "/livez"));
        request.Headers.TryAddWithoutValidation("accept", "text/event-stream");
        using var response = await client.SendAsync(request, new OutboundPlace("ingress"), stop);
        if (response.Content.Headers.ContentType?.MediaType != "text/event-stream")
            return null;
        using var body = await response.Content.ReadAsStreamAsync(stop);
        var buffer = new byte[1 << 10];
        var first = 0L;
        while (await body.ReadAsync(buffer, stop) > 0)
            first = first == 0 ? Stopwatch.GetTimestamp() : first;
        return first == 0 ? null : Stopwatch.GetElapsedTime(first) < LeastApart;
    }

    /// <summary>True where nothing was answered before all was sent; null where the connection ended.</summary>
    public async Task<bool?> KeepsRequestsAsync(Uri url, CancellationToken stop)
    {
        await using var connection = await OutboundClient.ConnectAsync(url.Host, url.Port, url.Scheme == "https", null, stop);
        await connection.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST {url.AbsolutePath.TrimEnd('/')}/v1/messages HTTP/1.1\r\nhost: {url.Authority}\r\ncontent-type: application/json\r\ncontent-length: {Announced}\r\nconnection: close\r\n\r\n"), stop);
        await connection.WriteAsync(new byte[Sent], stop);
        try
        {
            return await connection.ReadAsync(new byte[1], stop).AsTask().WaitAsync(Patience, time, stop) == 0 ? null : false;
        }
        catch (TimeoutException)
        {
            return true;
        }
    }
}
