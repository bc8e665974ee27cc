using System.Net;
using System.Net.Sockets;
using System.Text;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>Clients that read slowly, and clients that do nothing.</summary>
[Trait("suite", "faults")]
[Collection("open files")]
public sealed class ClientFaultTests(ITestOutputHelper output)
{
    private const int Idle = 20_000;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Slow_readers_get_their_streams_whole_and_hold_up_nobody()
    {
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Kind = StoreKind.Sqlite }, new ScriptRule { Header = "x-slow", Deltas = 2000 });
        await using var callers = place.Call(4);
        await callers.MoreAsync(50);
        var before = place.Memory();
        var readers = Enumerable.Range(0, 100).Select(n => ReadSlowlyAsync(place, n)).ToArray();
        await callers.MoreAsync(200, within: 20);
        Assert.Contains(readers, r => !r.IsCompleted);
        var grown = (place.Memory() - before) >> 20;
        var ends = await Task.WhenAll(readers);
        output.WriteLine($"{readers.Length} slow readers: {grown} MiB more");
        Assert.All(ends, end => Assert.Contains("message_stop", end, StringComparison.Ordinal));
        Assert.InRange(grown, -1000, 300);
        await place.HoldsAsync($"slow-reading clients, {readers.Length} at once", readers.Length, callers);
        Assert.Equal(readers.Length, await place.Store.SqlAsync<long>("SELECT count(*) FROM ledger WHERE output_tokens >= 2000 AND incomplete = 0"));
    }

    [Fact]
    public async Task Twenty_thousand_idle_connections_leave_room_for_those_who_ask()
    {
        // Where root itself may not raise the number of open files, as many as there may be.
        var files = await FaultPlace.OpenFilesAsync();
        var idle = Math.Min(Idle, files - 1000);
        Component.Require(idle > Idle / 2, $"Only {files} files may be open here");
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Kind = StoreKind.Sqlite, Prefix = ["prlimit", $"--nofile={files}:{files}"] });
        var gateway = new IPEndPoint(IPAddress.Loopback, place.Replicas[0].Url.Port);
        var before = place.Memory();
        var connections = new List<Socket>();
        try
        {
            for (var n = 0; n < idle; n++)
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                connections.Add(socket);
                // From several addresses, as one has not so many ports.
                socket.Bind(new IPEndPoint(IPAddress.Parse($"127.0.0.{2 + (n % 20)}"), 0));
                await socket.ConnectAsync(gateway, Stop);
            }
            await using var callers = place.Call(8);
            await callers.MoreAsync(500);
            output.WriteLine($"{idle} idle connections: {(place.Memory() - before) >> 20} MiB more");
            Assert.All(connections, c => Assert.False(c.Poll(0, SelectMode.SelectRead)));
            await place.HoldsAsync($"{idle} idle connections", 1, callers);
            Assert.Equal((0, 0), (callers.Refused, callers.Broken));
        }
        finally
        {
            connections.ForEach(c => c.Dispose());
        }
    }

    // The end of what came.
    private static async Task<string> ReadSlowlyAsync(FaultPlace place, int n)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4 << 10 };
        await socket.ConnectAsync(IPAddress.Loopback, place.Replicas[0].Url.Port, Stop);
        var body = ProxyPlace.Body("claude-sonnet-4-6", stream: true, $"slow {n}", 4000);
        await socket.SendAsync(Encoding.UTF8.GetBytes(
            $"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {place.Key}\r\nanthropic-version: 2023-06-01\r\nx-slow: 1\r\ncontent-type: application/json\r\nconnection: close\r\ncontent-length: {body.Length}\r\n\r\n{body}"), Stop);
        var (buffer, tail) = (new byte[4 << 10], "");
        while (await socket.ReceiveAsync(buffer, Stop) is > 0 and var read)
        {
            tail = (tail + Encoding.Latin1.GetString(buffer, 0, read))[^Math.Min(tail.Length + read, 500)..];
            // Its slowness.
            await Task.Delay(100, Stop);
        }
        return tail;
    }
}
