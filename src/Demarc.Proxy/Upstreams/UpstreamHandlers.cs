using System.Collections.Concurrent;
using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Demarc.Governance.Boundaries;

namespace Demarc.Proxy.Upstreams;

/// <summary>One connection pool for each way out: directly, or through a proxy, with certificate authorities of its own.</summary>
internal sealed class UpstreamHandlers : IDisposable
{
    private readonly HttpMessageInvoker _direct = new(Handler(null, null));
    private readonly ConcurrentDictionary<(Uri? Proxy, string? Authorities, Way Way), HttpMessageInvoker> _others = new();

    private enum Way
    {
        Models,
        PrivateModels,
        Tokens,
    }

    /// <summary>The way to a resource's models.</summary>
    /// <param name="isPrivate">
    /// Over connections to private addresses only, which have a pool of their own. Behind a proxy it makes no difference: what
    /// that connects to is not seen.
    /// </param>
    public HttpMessageInvoker For(ResourceSnapshot resource, bool isPrivate) =>
        isPrivate && resource.Proxy is null
            ? _others.GetOrAdd((null, resource.CertificateAuthorities, Way.PrivateModels), key =>
            {
                var handler = Handler(null, key.Authorities);
                handler.ConnectCallback = PrivateConnections.ConnectAsync;
                return new HttpMessageInvoker(handler);
            })
            : resource.Proxy is null && resource.CertificateAuthorities is null
            ? _direct
            : _others.GetOrAdd((resource.Proxy, resource.CertificateAuthorities, Way.Models), key => new HttpMessageInvoker(Handler(
                key.Proxy is null ? null : new WebProxy(key.Proxy), key.Authorities)));

    /// <summary>The way to where its tokens come from: the same, but that metadata services are beside this machine, not behind a proxy.</summary>
    public HttpMessageInvoker ForTokens(ResourceSnapshot resource) =>
        _others.GetOrAdd((resource.Proxy, resource.CertificateAuthorities, Way.Tokens), key => new HttpMessageInvoker(TokenHandler(key.Proxy, key.Authorities)));

    /// <summary>The way to a place that serves no models.</summary>
    public HttpMessageInvoker For(OutboundPlace place) => place.Proxy is null && place.CertificateAuthorities is null
        ? _direct
        : _others.GetOrAdd((place.Proxy, place.CertificateAuthorities, Way.Models), key => new HttpMessageInvoker(Handler(
            key.Proxy is null ? null : new WebProxy(key.Proxy), key.Authorities)));

    /// <summary>The way to where such a place's tokens come from.</summary>
    public HttpMessageInvoker ForTokens(OutboundPlace place) =>
        _others.GetOrAdd((place.Proxy, place.CertificateAuthorities, Way.Tokens), key => new HttpMessageInvoker(TokenHandler(key.Proxy, key.Authorities)));

    /// <summary>A handler that the caller disposes, for libraries that want one of their own.</summary>
    public static SocketsHttpHandler TokenHandler(Uri? proxy, string? authorities) => Handler(proxy is null ? null : new BesideMetadata(proxy), authorities);

    public void Dispose()
    {
        _direct.Dispose();
        foreach (var invoker in _others.Values)
            invoker.Dispose();
    }

    private static SocketsHttpHandler Handler(IWebProxy? proxy, string? authorities)
    {
        var handler = new SocketsHttpHandler
        {
            // A provider's answer is relayed as it is: nothing is followed, unpacked, remembered or looked up on the way.
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            UseCookies = false,
            UseProxy = proxy is not null,
            Proxy = proxy,
            ActivityHeadersPropagator = null,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            // Names of cloud endpoints move; a pooled connection follows within this time.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            PooledConnectionIdleTimeout = TimeSpan.FromMinutes(1),
            ResponseDrainTimeout = TimeSpan.FromSeconds(2),
        };
        if (authorities is not null)
            handler.SslOptions.RemoteCertificateValidationCallback = Trust(authorities);
        return handler;
    }

    /// <summary>Trusts certificates of these authorities, PEM, beside the system's.</summary>
    public static RemoteCertificateValidationCallback Trust(string authorities)
    {
        var trusted = new X509Certificate2Collection();
        trusted.ImportFromPem(authorities);
        return (_, certificate, chain, errors) => IsTrusted(certificate, chain, errors, trusted);
    }

    // Beside the system's authorities, not in their place: names and dates count all the same.
    private static bool IsTrusted(X509Certificate? certificate, X509Chain? seen, SslPolicyErrors errors, X509Certificate2Collection trusted)
    {
        if (errors == SslPolicyErrors.None)
            return true;
        if (errors != SslPolicyErrors.RemoteCertificateChainErrors || certificate is not X509Certificate2 leaf)
            return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(trusted);
        // A private authority seldom publishes revocations.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        foreach (var element in seen?.ChainElements ?? Enumerable.Empty<X509ChainElement>())
            chain.ChainPolicy.ExtraStore.Add(element.Certificate);
        return chain.Build(leaf);
    }

    private sealed class BesideMetadata(Uri proxy) : IWebProxy
    {
        public ICredentials? Credentials { get; set; }

        public Uri GetProxy(Uri destination) => proxy;

        public bool IsBypassed(Uri host) =>
            host.Host is "metadata.google.internal"
            || (IPAddress.TryParse(host.Host.Trim('[', ']'), out var address)
                && (IPAddress.IsLoopback(address) || address.IsIPv6LinkLocal || (address.GetAddressBytes() is [169, 254, ..])));
    }
}
