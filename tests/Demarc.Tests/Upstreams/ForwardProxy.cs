using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Demarc.Tests.Upstreams;

/// <summary>A corporate proxy: tunnels for CONNECT, and forwards requests in absolute form (RFC 9110, 7.1 and 9.3.6).</summary>
public sealed class ForwardProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public ForwardProxy()
    {
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public string Address => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    /// <summary>The first line of what came through.</summary>
    public ConcurrentQueue<string> Requests { get; } = new();

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
                serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var near = client.GetStream();
                var head = await HeadAsync(near);
                var line = head[..head.IndexOf("\r\n", StringComparison.Ordinal)];
                Requests.Enqueue(line);
                var words = line.Split(' ');
                var isTunnel = words[0] == "CONNECT";
                var target = new Uri(isTunnel ? "https://" + words[1] : words[1]);
                using var far = new TcpClient();
                await far.ConnectAsync(target.Host, target.Port, _stop.Token);
                if (isTunnel)
                    await near.WriteAsync("HTTP/1.1 200 Connection Established\r\n\r\n"u8.ToArray(), _stop.Token);
                else
                    await far.GetStream().WriteAsync(Encoding.Latin1.GetBytes($"{words[0]} {target.PathAndQuery} {words[2]}{head[line.Length..]}"), _stop.Token);
                await Task.WhenAny(near.CopyToAsync(far.GetStream(), _stop.Token), far.GetStream().CopyToAsync(near, _stop.Token));
            }
            catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
            {
                // Either side went away.
            }
        }
    }

    private async Task<string> HeadAsync(NetworkStream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
        {
            if (await stream.ReadAsync(one, _stop.Token) == 0)
                throw new IOException("The request ended within its head.");
            head.Append((char)one[0]);
        }
        return head.ToString();
    }
}
