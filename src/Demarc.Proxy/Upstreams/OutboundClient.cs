using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using Demarc.Governance.Boundaries;
using Demarc.Proxy.Upstreams.Aws;
using Demarc.Proxy.Upstreams.Tokens;
using Microsoft.Extensions.Logging;

namespace Demarc.Proxy.Upstreams;

/// <summary>Reaches the operator's own places that serve no models, over their way out and with their credential.</summary>
public sealed class OutboundClient(TimeProvider time, ILogger<OutboundClient> log) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly UpstreamHandlers _handlers = new();
    private readonly ConcurrentDictionary<OutboundPlace, CachedToken<string>> _bearers = new();
    private readonly ConcurrentDictionary<OutboundPlace, CachedToken<AwsKeys>> _keys = new();
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Sends a request, whose body is in memory. A token that is refused is not used again.</summary>
    /// <exception cref="OutboundException">The credential cannot be had; nothing was sent.</exception>
    /// <exception cref="HttpRequestException">The place cannot be reached.</exception>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, OutboundPlace place, CancellationToken stop)
    {
        try
        {
            var forget = await CredentialAsync(request, place, stop);
            var response = await _handlers.For(place).SendAsync(request, stop);
            if (response.StatusCode is HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden)
                forget();
            return response;
        }
        catch (CredentialException e)
        {
            throw new OutboundException(e.Message, e);
        }
    }

    /// <summary>A handler for a library that sends by itself; whoever makes it disposes it.</summary>
    public static HttpMessageHandler Handler(Uri? proxy, string? authorities) => UpstreamHandlers.TokenHandler(proxy, authorities);

    /// <summary>A connection to a host, that TLS protects where it is asked for.</summary>
    /// <param name="authorities">PEM certificates trusted beside the system's; null for the system's alone.</param>
    public static async Task<Stream> ConnectAsync(string host, int port, bool isTls, string? authorities, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(new DnsEndPoint(host, port), patience.Token);
            var plain = new NetworkStream(socket, ownsSocket: true);
            if (!isTls)
                return plain;
            var secure = new SslStream(plain, leaveInnerStreamOpen: false);
            await secure.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions
                {
                    TargetHost = host,
                    RemoteCertificateValidationCallback = authorities is null ? null : UpstreamHandlers.Trust(authorities),
                },
                patience.Token);
            return secure;
        }
        catch (OperationCanceledException e) when (!stop.IsCancellationRequested)
        {
            var isSilent = socket.Connected;
            socket.Dispose();
            throw new IOException(isSilent ? $"connected, and no TLS handshake within {Patience.TotalSeconds} s: the port may be one without TLS" : $"no connection within {Patience.TotalSeconds} s", e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        _stop.Cancel();
        _handlers.Dispose();
        _stop.Dispose();
    }

    private async ValueTask<Action> CredentialAsync(HttpRequestMessage request, OutboundPlace place, CancellationToken stop)
    {
        switch (place.Credential)
        {
            case AzureCredential azure:
                var cached = _bearers.GetOrAdd(place, p => new CachedToken<string>(
                    p.Name, s => AzureTokens.FetchAsync(azure, p.Proxy, p.CertificateAuthorities, p.Service!, s), time, log, _stop.Token));
                var token = await cached.GetAsync(stop);
                request.Headers.TryAddWithoutValidation("authorization", "Bearer " + token);
                return () => cached.Forget(token);
            case AwsCredential aws:
                var kept = _keys.GetOrAdd(place, p => new CachedToken<AwsKeys>(
                    p.Name, s => AwsTokens.FetchAsync(aws, p.Region!, _handlers.ForTokens(p), time, s), time, log, _stop.Token));
                var keys = await kept.GetAsync(stop);
                await SignAsync(request, place, keys, stop);
                return () => kept.Forget(keys);
            case AwsKeyCredential key:
                await SignAsync(request, place, new AwsKeys(key.AccessKey, key.SecretKey, null), stop);
                return static () => { };
            default:
                return static () => { };
        }
    }

    private async Task SignAsync(HttpRequestMessage request, OutboundPlace place, AwsKeys keys, CancellationToken stop)
    {
        var body = request.Content is null ? [] : await request.Content.ReadAsByteArrayAsync(stop);
        SigV4.Sign(request, Convert.ToHexStringLower(SHA256.HashData(body)), keys, place.Region!, place.Service!, time.GetUtcNow());
    }
}

/// <summary>A place's credential cannot be had; the message says why and holds no secret.</summary>
public sealed class OutboundException(string message, Exception inner) : Exception(message, inner);
