using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Demarc.Simulator.Logging;

namespace Demarc.Simulator.Tests;

public sealed class LogTests
{
    [Fact]
    public async Task Head_and_body_are_kept_as_they_came_over_several_requests_of_one_connection()
    {
        await using var client = await Client.StartAsync();
        var body = Events.Utf8(Client.Ask("odd   spacing \0").Replace("\\u0000", "\\u0000 \u00e9", StringComparison.Ordinal));
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, client.Host.Url.Port, Client.Cancellation);

        // 1. A body of known length, its head in odd case and order.
        await socket.SendAsync(Events.Utf8($"POST /v1/messages?b=%41&a HTTP/1.1\r\nx-Zeta: 1\r\ncONTENT-type:  application/json \r\nHOST: s\r\nanthropic-version: 1\r\nX-zeta: 2\r\nContent-Length: {body.Length}\r\n\r\n"), Client.Cancellation);
        await socket.SendAsync(body, Client.Cancellation);
        await ReceiveAnswerAsync(socket);

        // 2. A chunked body, cut into odd pieces, with a trailer.
        await socket.SendAsync("POST /v1/messages HTTP/1.1\r\nHost: s\r\nanthropic-version: 1\r\nTransfer-Encoding: chunked\r\nZ: last\r\n\r\n"u8.ToArray(), Client.Cancellation);
        foreach (var chunk in body.Chunk(7))
            await socket.SendAsync((byte[])[.. Events.Utf8($"{chunk.Length:x}\r\n"), .. chunk, .. "\r\n"u8], Client.Cancellation);
        await socket.SendAsync("0\r\nx-trailer: t\r\n\r\n"u8.ToArray(), Client.Cancellation);
        await ReceiveAnswerAsync(socket);

        // 3. No body.
        await socket.SendAsync("GET /v1/models HTTP/1.1\r\nHost: third\r\n\r\n"u8.ToArray(), Client.Cancellation);
        await ReceiveAnswerAsync(socket);

        var log = client.Host.Log.Read();
        Assert.Equal(["/v1/messages?b=%41&a", "/v1/messages", "/v1/models"], log.Select(request => request.Target));
        Assert.Equal(["x-Zeta", "cONTENT-type", "HOST", "anthropic-version", "X-zeta", "Content-Length"], log[0].Headers.Select(header => header.Key));
        Assert.Equal("application/json", log[0].Header("content-type"));
        Assert.Equal(body, log[0].Body);
        Assert.Equal(body, log[1].Body);
        Assert.Equal("last", log[1].Headers[^1].Value);
        Assert.Equal([new("Host", "third")], log[2].Headers);
        Assert.Empty(log[2].Body);
    }

    [Fact]
    public async Task Moments_status_and_outcome_are_kept()
    {
        await using var client = await Client.StartAsync(new SimulatorOptions { LatencyMs = 60 });
        await client.PostJsonAsync("/v1/messages", Client.Ask("hi"));
        var request = Assert.Single(client.Host.Log.Read());
        await request.Completion.WaitAsync(Client.Cancellation);
        Assert.Equal(RequestOutcome.Completed, request.Outcome);
        Assert.Equal(200, request.Status);
        // Timers run on a coarser clock than the stamps and may fire some milliseconds early.
        Assert.True(TimeProvider.System.GetElapsedTime(request.Arrived.Ticks, request.FirstByte!.Value.Ticks) >= TimeSpan.FromMilliseconds(50));
        Assert.True(request.FirstByte.Value.UnixMicros > request.Arrived.UnixMicros);
        Assert.True(request.Ended!.Value.Ticks >= request.FirstByte.Value.Ticks);
    }

    [Fact]
    public async Task A_body_that_breaks_off_is_on_record_as_far_as_it_was_read()
    {
        await using var client = await Client.StartAsync();
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, client.Host.Url.Port, Client.Cancellation);
        await socket.SendAsync("POST /v1/messages HTTP/1.1\r\nHost: s\r\nContent-Length: 100\r\n\r\nbegun"u8.ToArray(), Client.Cancellation);
        socket.Shutdown(SocketShutdown.Send);
        var request = Assert.Single(await client.Host.Log.WaitAsync(1, cancellation: Client.Cancellation));
        await request.Completion.WaitAsync(Client.Cancellation);
        Assert.Equal(RequestOutcome.ClientGone, request.Outcome);
        Assert.StartsWith(Encoding.UTF8.GetString(request.Body), "begun", StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_log_is_read_and_cleared_over_HTTP()
    {
        await using var client = await Client.StartAsync();
        var bodies = new[] { Client.Ask("one"), Client.Ask("two") };
        foreach (var body in bodies)
            await client.PostJsonAsync("/v1/messages", body);
        foreach (var request in client.Host.Log.Read())
            await request.Completion.WaitAsync(Client.Cancellation);
        var all = await RequestsAsync(client, "/simulator/log");
        Assert.Equal(bodies, all.Select(request => Encoding.UTF8.GetString(request.GetProperty("body").GetBytesFromBase64())));
        Assert.Equal(["completed", "completed"], all.Select(request => request.GetProperty("outcome").GetString()));
        Assert.Equal("2", Assert.Single(await RequestsAsync(client, "/simulator/log?since=1")).GetProperty("number").ToString());
        using var cleared = await client.SendAsync(new HttpRequestMessage(HttpMethod.Delete, "/simulator/log"));
        Assert.Empty(await RequestsAsync(client, "/simulator/log"));
    }

    [Fact]
    public async Task The_log_is_bounded_in_requests_and_in_bytes()
    {
        await using var few = await Client.StartAsync(new SimulatorOptions { LogRequests = 2 });
        await using var small = await Client.StartAsync(new SimulatorOptions { LogBytes = 2500 });
        for (var i = 0; i < 5; i++)
        {
            await few.PostJsonAsync("/v1/messages", Client.Ask("hi"));
            await small.PostJsonAsync("/v1/messages", Client.Ask(new string('x', 1000)));
        }

        Assert.Equal([4L, 5L], few.Host.Log.Read().Select(request => request.Number));
        Assert.Equal([4L, 5L], small.Host.Log.Read().Select(request => request.Number));
    }

    [Fact]
    public async Task Many_requests_at_once_are_answered_without_a_log()
    {
        await using var client = await Client.StartAsync(new SimulatorOptions { KeepLog = false });
        await Parallel.ForEachAsync(Enumerable.Range(0, 2000), Client.Cancellation, async (number, _) =>
        {
            var message = await client.PostJsonAsync("/v1/messages", Client.Ask($"number {number}"));
            Assert.Equal($"Echo: number {number}", Client.TextOf(message));
        });
        Assert.Empty(client.Host.Log.Read());
    }

    private static async Task<JsonElement[]> RequestsAsync(Client client, string path) =>
        [.. (await Client.JsonAsync(await client.GetAsync(path))).GetProperty("requests").EnumerateArray()];

    /// <summary>Reads one answer with a Content-Length.</summary>
    private static async Task ReceiveAnswerAsync(Socket socket)
    {
        var text = "";
        var buffer = new byte[4096];
        while (true)
        {
            var read = await socket.ReceiveAsync(buffer, Client.Cancellation);
            Assert.NotEqual(0, read);
            text += Encoding.Latin1.GetString(buffer, 0, read);
            var end = text.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end < 0)
                continue;
            Assert.StartsWith("HTTP/1.1 200", text, StringComparison.Ordinal);
            var length = text.Split("Content-Length: ", 2)[1].Split("\r\n", 2)[0];
            if (text.Length >= end + 4 + int.Parse(length, System.Globalization.CultureInfo.InvariantCulture))
                return;
        }
    }
}
