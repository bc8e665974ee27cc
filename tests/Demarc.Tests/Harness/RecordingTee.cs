using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Demarc.Tests.Harness;

/// <summary>One request as a client put it on the wire.</summary>
/// <param name="Headers">In the order and spelling sent.</param>
public sealed record WireRequest(string Method, string Target, KeyValuePair<string, string>[] Headers, byte[] Body)
{
    /// <summary>The first header of that name, whatever its case; null when there is none.</summary>
    public string? Header(string name) => Headers.FirstOrDefault(h => h.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;
}

/// <summary>
/// Stands between a client and a server, passes every byte on as it came, and keeps each request as it was sent.
/// HTTP/1.1; bodies by <c>content-length</c> only, which is how the clients send theirs.
/// </summary>
public sealed class RecordingTee : IAsyncDisposable
{
    private readonly Uri _server;
    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _connections = [];
    private readonly List<WireRequest> _requests = [];
    private readonly Task _accepting;

    public RecordingTee(Uri server)
    {
        _server = server;
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        Url = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndPoint!).Port}");
        _accepting = AcceptAsync();
    }

    /// <summary>Where clients send to, without a path.</summary>
    public Uri Url { get; }

    /// <summary>The POSTs so far, in the order in which their last byte came.</summary>
    public WireRequest[] Posts
    {
        get
        {
            lock (_requests)
                return [.. _requests.Where(r => r.Method == "POST")];
        }
    }

    /// <exception cref="InvalidDataException">A client sent what the tee cannot read; its record would not be whole.</exception>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(RelayAsync(await _listener.AcceptAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            // Disposed.
        }
    }

    private async Task RelayAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        using (client)
        {
            try
            {
                await server.ConnectAsync(_server.Host, _server.Port, _stop.Token);
                var up = PumpAsync(client, server, new Recording(Add));
                var down = PumpAsync(server, client, null);
                await Task.WhenAll(up, down);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // One side is gone; the other learns of it as its socket closes.
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to, Recording? recording)
    {
        var buffer = new byte[64 << 10];
        while (await from.ReceiveAsync(buffer, _stop.Token) is > 0 and var read)
        {
            // Recorded before it is passed on: whoever saw the request's effect finds its record.
            recording?.Feed(buffer.AsSpan(0, read));
            for (var sent = 0; sent < read;)
                sent += await to.SendAsync(buffer.AsMemory(sent, read - sent), _stop.Token);
        }
        to.Shutdown(SocketShutdown.Send);
    }

    private void Add(WireRequest request)
    {
        lock (_requests)
            _requests.Add(request);
    }

    /// <summary>Finds the requests in what one connection carries.</summary>
    private sealed class Recording(Action<WireRequest> add)
    {
        private readonly ArrayBufferWriter<byte> _pending = new();

        public void Feed(ReadOnlySpan<byte> bytes)
        {
            _pending.Write(bytes);
            var rest = _pending.WrittenSpan;
            while (TryTake(ref rest, out var request))
                add(request);
            var kept = rest.ToArray();
            _pending.ResetWrittenCount();
            _pending.Write(kept);
        }

        private static bool TryTake(ref ReadOnlySpan<byte> bytes, out WireRequest request)
        {
            request = null!;
            var end = bytes.IndexOf("\r\n\r\n"u8);
            if (end < 0)
                return false;
            var lines = Encoding.Latin1.GetString(bytes[..end]).Split("\r\n");
            var headers = lines[1..].Select(line => line.Split(':', 2)).Select(part => KeyValuePair.Create(part[0], part[1].Trim())).ToArray();
            var parts = lines[0].Split(' ');
            var head = new WireRequest(parts[0], parts[1], headers, []);
            if (head.Header("transfer-encoding") is not null)
                throw new InvalidDataException($"{lines[0]}: the tee reads bodies by content-length only.");
            var length = int.Parse(head.Header("content-length") ?? "0", CultureInfo.InvariantCulture);
            var start = end + 4;
            if (bytes.Length < start + length)
                return false;
            request = head with { Body = bytes.Slice(start, length).ToArray() };
            bytes = bytes[(start + length)..];
            return true;
        }
    }
}
