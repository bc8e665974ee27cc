using System.Net;
using System.Net.Sockets;
using System.Text;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>
/// What a gateway keeps of each of many slow streams, with capture, a limit and the log on. DEMARC_PROGRAM is a published one in the place
/// of what these tests were built with, as <c>bench/streams</c> has it.
/// </summary>
[Trait("suite", "faults")]
[Collection("open files")]
public sealed class StreamMemoryTests(ITestOutputHelper output)
{
    private static readonly string? Published = Environment.GetEnvironmentVariable("DEMARC_PROGRAM");

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Five_thousand_streams_of_small_requests_fit_into_400_megabytes()
    {
        var (_, most) = await FollowAsync(5000, "", seconds: 80);
        // A build for tests has objects for what a release keeps in fields, and compiles as it runs.
        Assert.InRange(most, 1, Published is null ? 450_000_000 : 400_000_000);
    }

    /// <summary>As a session's history is sent again with each turn. Held to their end, the bodies alone would be 300 MB; pools keep some of what they were given back.</summary>
    [Fact]
    public async Task Large_bodies_are_let_go_of_at_the_first_byte()
    {
        var (before, most) = await FollowAsync(150, $$"""{"role":"user","content":"{{new string('x', 2_000_000)}}"},{"role":"assistant","content":"so much"},""", seconds: 30);
        Assert.InRange(most - before, long.MinValue, 150_000_000);
    }

    // What is resident before them, and at most with them, bytes.
    private async Task<(long Before, long Most)> FollowAsync(int streams, string history, int seconds)
    {
        var files = await FaultPlace.OpenFilesAsync();
        Component.Require(files >= (2 * streams) + 1000, $"Only {files} files may be open here");
        await using var place = await FaultPlace.StartAsync(
            new FaultSetup { Kind = StoreKind.Sqlite, IsDirect = true, Program = Published is { } program ? [program] : ["dotnet", DemarcCommand.Program], Prefix = ["prlimit", $"--nofile={files}:{files}"] },
            new ScriptRule { Header = "x-slow", Deltas = seconds / 2, BetweenEventsMs = 2000 });
        await using var callers = place.Call(4);
        await callers.MoreAsync(300);
        await callers.StopAsync();
        // Of the history nothing is new, and kept until the end, once it was said.
        await EndAsync(await BeginAsync(place, 0, Body("first", history, stream: false), slow: false));
        var before = place.Memory();

        // 1 all of them are under way
        using var slots = new SemaphoreSlim(history.Length > 0 ? 10 : 100);
        var ends = await Task.WhenAll(Enumerable.Range(0, streams).Select(async n =>
        {
            await slots.WaitAsync(Stop);
            try
            {
                return EndAsync(await BeginAsync(place, history.Length > 0 ? 0 : n, Body($"{n} {new string('x', 850)}", history, stream: true), slow: true));
            }
            finally
            {
                slots.Release();
            }
        }));
        Assert.All(ends, end => Assert.False(end.IsCompleted, "a stream ended before the last one began"));

        // 2 what there is at most while they go on
        var most = 0L;
        for (var look = 0; look < 12; look++)
        {
            most = Math.Max(most, place.Memory());
            // No process tells when it is at its largest.
            await Task.Delay(TimeSpan.FromMilliseconds(500), Stop);
        }
        output.WriteLine($"{streams} streams with a history of {history.Length} bytes: {before / 1e6:0} MB before, {most / 1e6:0} MB with them, {(most - before) / (double)streams / 1000:0.0} KB each");
        Assert.All(ends, end => Assert.False(end.IsCompleted));

        // 3 all come to their ends, once
        Assert.All(await Task.WhenAll(ends), end => Assert.Contains("message_stop", end, StringComparison.Ordinal));
        // The simulator's own log does not keep so much: what each was settled at tells as well that it is on record.
        if (history.Length == 0)
            await place.HoldsAsync($"{streams} slow streams at once", 1, callers);
        else
            await FaultPlace.SettledAsync(place.Store, StoreKind.Sqlite);
        Assert.Equal(streams, await place.Store.SqlAsync<long>("SELECT count(*) FROM ledger WHERE output_tokens >= @least AND incomplete = 0", new { least = seconds / 2 }));
        return (before, most);
    }

    private static string Body(string said, string history, bool stream) =>
        $$"""{"model":"claude-sonnet-4-6","max_tokens":100,"stream":{{(stream ? "true" : "false")}},"messages":[{{history}}{"role":"user","content":"{{said}}"}]}""";

    // A connection of which the answer's first bytes have come.
    private static async Task<Socket> BeginAsync(FaultPlace place, int session, string body, bool slow)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            await socket.ConnectAsync(IPAddress.Loopback, place.Replicas[0].Url.Port, Stop);
            await socket.SendAsync(Encoding.UTF8.GetBytes(
                $"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {place.Key}\r\nanthropic-version: 2023-06-01\r\nx-claude-code-session-id: {session:x8}-0000-4000-8000-000000000000\r\n{(slow ? "x-slow: 1\r\n" : "")}content-type: application/json\r\nconnection: close\r\ncontent-length: {body.Length}\r\n\r\n{body}"), Stop);
            var head = new byte[12];
            for (var at = 0; at < head.Length;)
                at += await socket.ReceiveAsync(head.AsMemory(at), Stop) is > 0 and var read ? read : throw new IOException("The connection ended before the answer.");
            Assert.Equal("HTTP/1.1 200", Encoding.Latin1.GetString(head));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // The end of what came.
    private static async Task<string> EndAsync(Socket socket)
    {
        using var open = socket;
        var (buffer, tail) = (new byte[1 << 10], "");
        while (await socket.ReceiveAsync(buffer, Stop) is > 0 and var read)
            tail = (tail + Encoding.Latin1.GetString(buffer, 0, read))[^Math.Min(tail.Length + read, 300)..];
        return tail;
    }
}
