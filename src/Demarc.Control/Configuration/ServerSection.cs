using System.Globalization;
using System.Net;
using System.Security.Cryptography;

namespace Demarc.Control.Configuration;

/// <summary>How Demarc is reached: <c>listen</c>, <c>public_url</c>, <c>tls</c>, <c>trusted_proxies</c>, <c>max_body_bytes</c>.</summary>
internal static class ServerSection
{
    public const long DefaultMaxBodyBytes = 32 << 20;

    private const long LeastMaxBodyBytes = 1 << 10;
    private const long MostMaxBodyBytes = 1 << 30;

    private static readonly ListenConfig DefaultListen = new("127.0.0.1", 8443);

    public static ListenConfig Listen(TextNode? node, bool tls, ConfigReading reading)
    {
        if (node is null)
            return DefaultListen;
        if (Endpoint(node.Value) is not { } listen)
        {
            reading.Error(node, $"{ConfigText.Quote(node.Value)} is no address to listen on; accepted: an IP address (IPv6 in brackets) or localhost, ':' and a port, 0 for any free one");
            return DefaultListen;
        }
        if (!tls && !UrlRules.IsLoopback(listen.Host))
            reading.Warn(node, "without tls, keys and content cross the network in the clear; set tls, or listen on 127.0.0.1 behind a proxy that ends TLS");
        return listen;
    }

    public static TlsConfig? Tls(ConfigNode? node, ConfigReading reading)
    {
        var map = MapReader.Open(node, reading, ["certificate", "key"]);
        var certificate = reading.Text(map?.Required("certificate", "the path of a PEM file"));
        var key = reading.Text(map?.Required("key", "the path of a PEM file"));
        if (certificate is null || key is null)
            return null;
        if (reading.File(certificate, certificate.Value) is not { } certificatePem || reading.File(key, key.Value) is not { } keyPem)
            return null;
        try
        {
            TlsMaterial.Read(certificatePem, keyPem).Dispose();
            return new TlsConfig(reading.Absolute(certificate.Value), reading.Absolute(key.Value));
        }
        catch (CryptographicException e)
        {
            reading.Error(node!, $"{e.Message} Accepted: PEM files, the leaf certificate first and its unencrypted private key.");
            return null;
        }
    }

    public static IPNetwork[] TrustedProxies(ConfigNode? node, ConfigReading reading)
    {
        var networks = new List<IPNetwork>();
        foreach (var text in reading.Texts(node))
        {
            if (Network(text.Value) is not { } network)
                reading.Error(text, $"{ConfigText.Quote(text.Value)} is no network; accepted: CIDR with no bits set beyond the prefix, for example 10.0.0.0/8 or 192.0.2.7/32");
            else
            {
                networks.Add(network);
                if (network.PrefixLength == 0)
                    reading.Warn(text, "everyone may claim any client address; name the proxies' own networks");
            }
        }
        return [.. networks];
    }

    public static long MaxBodyBytes(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return DefaultMaxBodyBytes;
        var (number, unit) = node.Value switch
        {
            [.. var n, 'K', 'i', 'B'] => (n, 1L << 10),
            [.. var n, 'M', 'i', 'B'] => (n, 1L << 20),
            [.. var n, 'G', 'i', 'B'] => (n, 1L << 30),
            var n => (n, 1L),
        };
        if (long.TryParse(number.TrimEnd(' '), NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count <= MostMaxBodyBytes && count * unit is >= LeastMaxBodyBytes and <= MostMaxBodyBytes)
            return count * unit;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no size; accepted: 1KiB to 1GiB, in bytes or with KiB, MiB or GiB, for example 32MiB");
        return DefaultMaxBodyBytes;
    }

    /// <summary>The framework masks what stands beyond the prefix; here it is an error, as more is meant or less.</summary>
    private static IPNetwork? Network(string text) =>
        text.Split('/') is [var address, _]
        && IPAddress.TryParse(address, out var written)
        && IPNetwork.TryParse(text, out var network) && network.BaseAddress.Equals(written) ? network : null;

    private static ListenConfig? Endpoint(string text)
    {
        var colon = text.LastIndexOf(':');
        if (colon < 0 || !ushort.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port))
            return null;
        var host = text[..colon];
        if (host is "localhost")
            return new ListenConfig("127.0.0.1", port);
        // TryParse alone would take "1" for 0.0.0.1, and IPv6 without brackets swallows the port.
        var written = host.StartsWith('[') ? host.EndsWith(']') : host.Count(c => c == '.') == 3 && !host.Contains(':');
        return written && IPAddress.TryParse(host.Trim('[', ']'), out var address) ? new ListenConfig(address.ToString(), port) : null;
    }
}
