using System.Net;
using System.Net.Sockets;

namespace Demarc.Tests.Harness;

/// <summary>A line to a server on this machine that can be cut and mended: connections break, and new ones are refused.</summary>
public sealed class Line : IAsyncDisposable
{
    private readonly int _to;
    private readonly List<Socket> _sockets = [];
    private readonly Lock _lock = new();
    private TcpListener _listener;
    private Task _accepting;

    private Line(int to)
    {
        _to = to;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(_listener);
    }

    public int Port { get; }

    public static Line To(int port) => new(port);

    public void Cut()
    {
        _listener.Stop();
        lock (_lock)
        {
            _sockets.ForEach(socket => socket.Dispose());
            _sockets.Clear();
        }
    }

    public void Mend()
    {
        _listener = new TcpListener(IPAddress.Loopback, Port);
        _listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Start();
        _accepting = AcceptAsync(_listener);
    }

    public async ValueTask DisposeAsync()
    {
        Cut();
        await _accepting;
    }

    private async Task AcceptAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                var near = await listener.AcceptSocketAsync();
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                lock (_lock)
                    _sockets.AddRange([near, far]);
                await far.ConnectAsync(IPAddress.Loopback, _to);
                _ = CopyAsync(near, far);
                _ = CopyAsync(far, near);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }

    private static async Task CopyAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 << 10];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer)) > 0)
                for (var at = 0; at < read;)
                    at += await to.SendAsync(buffer.AsMemory(at, read - at));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut, or one end went away.
        }
        from.Dispose();
        to.Dispose();
    }
}
