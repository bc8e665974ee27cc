using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Demarc.Tests.AdminApi;
using Xunit;

namespace Demarc.Tests.Harness;

/// <summary>Ports of servers that a test starts as programs.</summary>
internal static class Ports
{
    /// <summary>One that nobody listens on now.</summary>
    public static int Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    /// <summary>Waits until a program takes connections; fails when it ends before.</summary>
    public static Task AnswersAsync(int port, Process process) => GatewayPlace.UntilAsync(TimeSpan.FromSeconds(60), async () =>
    {
        Assert.False(process.HasExited, $"{process.StartInfo.FileName} ended at its start.");
        try
        {
            using var socket = new TcpClient();
            await socket.ConnectAsync(IPAddress.Loopback, port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    });
}
