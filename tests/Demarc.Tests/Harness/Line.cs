using System.Net;
using System.Net.Sockets;

namespace Demarc.Tests.Harness;

/// <summary>
/// A line to a server on this machine that can be cut and mended: connections break, and new ones are refused. It can also be slow, or
/// keep what it is given without a word.
/// </summary>
public sealed class Line : IAsyncDisposable
{
    private readonly IPEndPoint _to;
    private readonly List<(Socket Near, Socket Far)> _sockets = [];
    private readonly Lock _lock = new();
    private volatile TaskCompletionSource _held = new();
    private volatile TaskCompletionSource _stranded = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private TcpListener _listener;
    private Task _accepting;

    private Line(IPEndPoint to)
    {
        _to = to;
        _listener = new TcpListener(to.Address, 0);
        _listener.Start();
        _held.SetResult();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync(_listener);
    }

    public int Port { get; }

    /// <summary>How much later everything arrives, each way.</summary>
    public TimeSpan Delay { get; set; }

    public static Line To(int port) => new(new IPEndPoint(IPAddress.Loopback, port));

    /// <summary>From another port of the server's own address.</summary>
    public static Line To(string host, int port) => new(new IPEndPoint(IPAddress.Parse(host), port));

    /// <summary>From now on nothing arrives any more, and nobody is told.</summary>
    public void Hold() => _held = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>What was kept back arrives, and all goes on.</summary>
    public void Release() => _held.TrySetResult();

    /// <summary>The server loses the connections of now, and whoever has them on this side is never told; new ones work.</summary>
    public void Strand()
    {
        Interlocked.Exchange(ref _stranded, new(TaskCreationOptions.RunContinuationsAsynchronously)).SetResult();
        lock (_lock)
            _sockets.ForEach(pair => pair.Far.Dispose());
    }

    public void Cut()
    {
        _listener.Stop();
        lock (_lock)
        {
            foreach (var (near, far) in _sockets)
            {
                near.Dispose();
                far.Dispose();
            }
            _sockets.Clear();
        }
    }

    public void Mend()
    {
        _listener = new TcpListener(_to.Address, Port);
        _listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Start();
        _accepting = AcceptAsync(_listener);
    }

    public async ValueTask DisposeAsync()
    {
        Release();
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
                    _sockets.Add((near, far));
                _ = JoinAsync(near, far);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut.
        }
    }

    private async Task JoinAsync(Socket near, Socket far)
    {
        try
        {
            await far.ConnectAsync(_to);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The server is away, and whoever came for it learns it by a reset.
            near.Close(0);
            far.Dispose();
            return;
        }
        var stranded = _stranded.Task;
        await Task.WhenAll(CopyAsync(near, far, stranded), CopyAsync(far, near, stranded));
    }

    private async Task CopyAsync(Socket from, Socket to, Task stranded)
    {
        var buffer = new byte[64 << 10];
        try
        {
            int read;
            while ((read = await from.ReceiveAsync(buffer)) > 0)
            {
                await _held.Task;
                if (Delay > TimeSpan.Zero)
                    // The delay itself.
                    await Task.Delay(Delay);
                for (var at = 0; at < read;)
                    at += await to.SendAsync(buffer.AsMemory(at, read - at));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Cut, or one end went away.
        }
        if (stranded.IsCompleted)
            return;
        from.Dispose();
        to.Dispose();
    }
}
