using System.Globalization;
using System.Net;
using System.Security.Cryptography;

namespace Demarc.Control.Configuration;

/// <summary>How Demarc is reached: <c>listen</c>, <c>admin_listen</c>, <c>public_url</c>, <c>tls</c>, <c>trusted_proxies</c>, <c>max_body_bytes</c>.</summary>
internal static class ServerSection
{
    public const long DefaultMaxBodyBytes = 32 << 20;

    private const long LeastMaxBodyBytes = 1 << 10;
    private const long MostMaxBodyBytes = 1 << 30;

    private static readonly ListenConfig DefaultListen = new("127.0.0.1", 8443);

    /// <summary>One address, or a list of them; the default where the key is left out.</summary>
    public static ListenConfig[] Listen(ConfigNode? node, bool tls, ConfigReading reading) =>
        node is null ? [DefaultListen] : Addresses(node, tls, reading);

    /// <summary>The addresses of the control plane, or of a directory's; none where it answers on those of <c>listen</c>.</summary>
    /// <param name="taken">Those of <c>listen</c>, and of what else listens apart.</param>
    public static ListenConfig[] ApartListen(ConfigNode? node, ListenConfig[] taken, bool tls, ConfigReading reading)
    {
        var addresses = node is null ? [] : Addresses(node, tls, reading);
        if (addresses.FirstOrDefault(a => a.Port != 0 && taken.Contains(a)) is { } both)
            reading.Error(node!, $"{both} is in listen too; accepted: another address or port, as one listener is either for clients or for administration");
        return addresses;
    }

    private static ListenConfig[] Addresses(ConfigNode node, bool tls, ConfigReading reading)
    {
        var addresses = new List<ListenConfig>();
        foreach (var text in node is ListNode ? reading.Texts(node) : reading.Text(node) is { } one ? [one] : [])
        {
            if (Endpoint(text.Value) is not { } listen)
                reading.Error(text, $"{ConfigText.Quote(text.Value)} is no address to listen on; accepted: an IP address (IPv6 in brackets) or localhost, ':' and a port, 0 for any free one");
            else if (listen.Port != 0 && addresses.Contains(listen))
                reading.Error(text, $"{listen} stands twice; each address is accepted once");
            else
            {
                addresses.Add(listen);
                if (!tls && !UrlRules.IsLoopback(listen.Host))
                    reading.Warn(text, "without tls, keys and content cross the network in the clear; set tls, or listen on 127.0.0.1 behind a proxy that ends TLS");
            }
        }
        if (node is ListNode { Items.Count: 0 })
            reading.Error(node, "no address; accepted: an address and a port, or a list of these");
        return [.. addresses];
    }

    public static TlsConfig? Tls(ConfigNode? node, ConfigReading reading)
    {
        var map = MapReader.Open(node, reading, ["certificate", "key", "client_ca", "client_certificate", "client_crl"]);
        var certificate = reading.Text(map?.Required("certificate", "the path of a PEM file"));
        var key = reading.Text(map?.Required("key", "the path of a PEM file"));
        var authorities = map?.Text("client_ca");
        var required = ClientCertificate(map?.Text("client_certificate"), authorities is not null, reading);
        var revocations = map?.Text("client_crl");
        if (revocations is not null && authorities is null)
            reading.Error(revocations, "revoked certificates of clients cannot be told without client_ca; accepted: beside client_ca");
        if (certificate is null || key is null)
            return null;
        var revokedPem = revocations is null ? null : reading.File(revocations, revocations.Value);
        var clientPem = authorities is null ? null : reading.File(authorities, authorities.Value);
        if (reading.File(certificate, certificate.Value) is not { } certificatePem || reading.File(key, key.Value) is not { } keyPem
            || (authorities is not null && clientPem is null) || (revocations is not null && revokedPem is null))
            return null;
        try
        {
            TlsMaterial.Read(certificatePem, keyPem, clientPem, revokedPem).Dispose();
            return new TlsConfig(
                reading.Absolute(certificate.Value), reading.Absolute(key.Value), authorities is null ? null : reading.Absolute(authorities.Value), required,
                revocations is null ? null : reading.Absolute(revocations.Value));
        }
        catch (CryptographicException e)
        {
            reading.Error(node!, $"{e.Message} Accepted: PEM files, the leaf certificate first and its unencrypted private key; client_ca with certificates of authorities; client_crl with lists that these have signed.");
            return null;
        }
    }

    private static bool ClientCertificate(TextNode? node, bool hasAuthorities, ConfigReading reading)
    {
        if (node is null)
            return hasAuthorities;
        if (node.Value is not ("required" or "optional"))
            reading.Error(node, $"{ConfigText.Quote(node.Value)} is neither; accepted: required, optional");
        else if (!hasAuthorities)
            reading.Error(node, "clients' certificates cannot be checked without client_ca; accepted: beside client_ca, a PEM file of the authorities that issue them");
        return node.Value == "required";
    }

    public static IPNetwork[] TrustedProxies(ConfigNode? node, ConfigReading reading)
    {
        var networks = new List<IPNetwork>();
        foreach (var text in reading.Texts(node))
        {
            if (NetworkSection.Network(text.Value) is not { } network)
                reading.Error(text, NetworkSection.NoNetwork(text.Value));
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
        if (Size(node.Value) is { } size and >= LeastMaxBodyBytes and <= MostMaxBodyBytes)
            return size;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no size; accepted: 1KiB to 1GiB, in bytes or with KiB, MiB or GiB, for example 32MiB");
        return DefaultMaxBodyBytes;
    }

    /// <summary>Bytes, written so or with KiB, MiB or GiB; null for anything else.</summary>
    public static long? Size(string text)
    {
        var (number, unit) = text switch
        {
            [.. var n, 'K', 'i', 'B'] => (n, 1L << 10),
            [.. var n, 'M', 'i', 'B'] => (n, 1L << 20),
            [.. var n, 'G', 'i', 'B'] => (n, 1L << 30),
            var n => (n, 1L),
        };
        return long.TryParse(number.TrimEnd(' '), NumberStyles.None, CultureInfo.InvariantCulture, out var count) && count <= 1L << 32 ? count * unit : null;
    }

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
