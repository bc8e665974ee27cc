using System.Net;
using System.Net.Sockets;
using Demarc.Governance.Policy;

namespace Demarc.Proxy.Upstreams;

/// <summary>A name led to a public address where policy requires a private network: nothing was connected to or sent.</summary>
internal sealed class PublicAddressException(string host) : Exception($"{host} leads to a public address.");

/// <summary>Connects to private addresses only: looks a name up once, checks what it leads to, and connects to that very address.</summary>
internal static class PrivateConnections
{
    /// <exception cref="PublicAddressException">One of its addresses is public, or it has none.</exception>
    public static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken stop)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var addresses = await Dns.GetHostAddressesAsync(host, stop);
        if (AddressWatch.ReachOf(addresses) != NetworkReach.Private)
            throw new PublicAddressException(host);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(addresses, port, stop);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
