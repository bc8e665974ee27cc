using System.Net;
using System.Net.Sockets;

namespace Demarc.Control.Alerts;

/// <summary>
/// The guard of calls to addresses that are not the operator's network: a name is resolved once, and what is not public is not
/// connected to, so that a webhook cannot be pointed at what only the gateway reaches.
/// </summary>
internal static class PublicAddresses
{
    private static readonly IPNetwork[] Others =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
            "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001:db8::/32", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8",
        }.Select(IPNetwork.Parse),
    ];

    /// <summary>Whether an address belongs to the public internet (IANA special-purpose address registries).</summary>
    public static bool Contain(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return !Array.Exists(Others, network => network.Contains(plain));
    }

    /// <exception cref="HttpRequestException">The name resolves to nothing public.</exception>
    public static async ValueTask<Stream> ConnectAsync(DnsEndPoint place, CancellationToken stop)
    {
        var addresses = Array.FindAll(await Dns.GetHostAddressesAsync(place.Host, stop), Contain);
        if (addresses.Length == 0)
            throw new HttpRequestException(HttpRequestError.ConnectionError, $"{place.Host} is no public address; allow_private: true permits it");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, place.Port, stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
