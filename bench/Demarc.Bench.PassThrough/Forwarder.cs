using System.Buffers;
using System.Net;

namespace Demarc.Bench.PassThrough;

/// <summary>
/// The least that a proxy on this framework can do: headers copied, bodies streamed both ways, nothing read.
/// What a gateway costs beyond this is its own.
/// </summary>
internal sealed class Forwarder(Uri upstream) : IDisposable
{
    private const int CopyBytes = 16 << 10;

    private static readonly HashSet<string> s_own = new(StringComparer.OrdinalIgnoreCase)
    {
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "host", "date",
    };

    private readonly HttpMessageInvoker _invoker = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
    });

    public async Task ForwardAsync(HttpContext http)
    {
        using var request = new HttpRequestMessage(new HttpMethod(http.Request.Method), new Uri(upstream, http.Request.Path.Value + http.Request.QueryString.Value))
        {
            Version = HttpVersion.Version11,
            Content = http.Request.ContentLength is > 0 ? new StreamContent(http.Request.Body, CopyBytes) : null,
        };
        foreach (var (name, values) in http.Request.Headers)
        {
            if (!s_own.Contains(name) && !request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                request.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }

        using var response = await _invoker.SendAsync(request, http.RequestAborted);
        http.Response.StatusCode = (int)response.StatusCode;
        foreach (var (name, values) in response.Headers.NonValidated)
        {
            if (!s_own.Contains(name))
                http.Response.Headers[name] = values.ToString();
        }
        foreach (var (name, values) in response.Content.Headers.NonValidated)
            http.Response.Headers[name] = values.ToString();
        await CopyAsync(await response.Content.ReadAsStreamAsync(http.RequestAborted), http);
    }

    public void Dispose() => _invoker.Dispose();

    private static async Task CopyAsync(Stream from, HttpContext http)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(CopyBytes);
        try
        {
            while (await from.ReadAsync(buffer, http.RequestAborted) is > 0 and var read)
            {
                await http.Response.Body.WriteAsync(buffer.AsMemory(0, read), http.RequestAborted);
                // A stream's events are passed on as they come.
                if (http.Response.ContentLength is null)
                    await http.Response.Body.FlushAsync(http.RequestAborted);
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
