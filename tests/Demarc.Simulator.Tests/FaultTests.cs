using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Demarc.Simulator.Logging;
using Demarc.Simulator.Scripts;

namespace Demarc.Simulator.Tests;

public sealed class FaultTests
{
    [Theory]
    [InlineData(FaultKind.RateLimited, "/v1/messages", 429, "rate_limit_error")]
    [InlineData(FaultKind.Overloaded, "/v1/messages", 529, "overloaded_error")]
    [InlineData(FaultKind.ServerError, "/v1/messages", 500, "api_error")]
    [InlineData(FaultKind.Unauthorized, "/v1/messages", 401, "authentication_error")]
    [InlineData(FaultKind.Forbidden, "/v1/messages", 403, "permission_error")]
    [InlineData(FaultKind.NotFound, "/v1/messages", 404, "not_found_error")]
    [InlineData(FaultKind.Overloaded, "/anthropic/v1/messages", 529, "overloaded_error")]
    [InlineData(FaultKind.Unauthorized, "/anthropic/v1/messages", 401, null)]
    public async Task An_error_status_has_the_platforms_shape(FaultKind kind, string path, int status, string? type)
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Times = 1, Fault = new ScriptFault { Kind = kind, RetryAfter = "7" } });
        using var response = await client.PostAsync(path, Client.Ask("hi"));
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal("7", response.Headers.GetValues("retry-after").Single());
        var json = await Client.JsonAsync(response);
        if (type is not null)
            Assert.Equal(response.Headers.GetValues("request-id").Single(), json.GetProperty("request_id").GetString());
        Assert.Equal(type, json.GetProperty("error").TryGetProperty("type", out var answered) ? answered.GetString() : null);

        using var recovered = await client.PostAsync(path, Client.Ask("hi"));
        Assert.Equal(HttpStatusCode.OK, recovered.StatusCode);
    }

    [Fact]
    public async Task A_reset_before_headers_reaches_the_client_as_one()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.ResetBeforeHeaders } });
        var (bytes, reset) = await RawAsync(client, Client.Ask("hi"));
        Assert.Empty(bytes);
        Assert.True(reset);
        await Assert.ThrowsAsync<HttpRequestException>(() => client.PostAsync("/v1/messages", Client.Ask("hi")));
        Assert.All(client.Host.Log.Read(), request => Assert.Equal(RequestOutcome.Cut, request.Outcome));
    }

    [Fact]
    public async Task A_reset_in_mid_stream_comes_after_the_events_asked_for()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.ResetMidStream, AfterEvents = 4 } });
        var (bytes, reset) = await RawAsync(client, Client.Ask("hi", stream: true));
        Assert.True(reset);
        Assert.Equal(4, Encoding.UTF8.GetString(bytes).Split("event: ").Length - 1);
    }

    [Fact]
    public async Task A_reset_cuts_a_whole_answer_in_half()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Body = new string('x', 1000), Fault = new ScriptFault { Kind = FaultKind.ResetMidStream } });
        var (bytes, reset) = await RawAsync(client, Client.Ask("hi"));
        Assert.True(reset);
        Assert.EndsWith("\r\n\r\n" + new string('x', 500), Encoding.UTF8.GetString(bytes), StringComparison.Ordinal);
        Assert.Contains("Content-Length: 1000\r\n", Encoding.UTF8.GetString(bytes), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task A_truncated_stream_ends_cleanly_without_message_stop()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.Truncate, AfterEvents = 4 } });
        using var response = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true));
        Assert.Equal(["message_start", "content_block_start", "ping", "content_block_delta"], Events.Types(await Events.ReadAsync(response)));
    }

    [Fact]
    public async Task An_error_event_ends_a_stream()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.ErrorEvent, AfterEvents = 4 } });
        using var response = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true));
        var events = await Events.ReadAsync(response);
        Assert.Equal(5, events.Count);
        Assert.Equal("overloaded_error", Events.TypeOf(events[4].GetProperty("error")));
        // A whole answer has no event to carry an error.
        Assert.Equal("Echo: hi", Client.TextOf(await client.PostJsonAsync("/v1/messages", Client.Ask("hi"))));
    }

    [Theory]
    [InlineData(FaultKind.Silence)]
    [InlineData(FaultKind.SilenceBeforeHeaders)]
    public async Task An_endless_silence_lasts_until_the_client_leaves(FaultKind kind)
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = kind, AfterEvents = 2 } });
        using var socket = await SendRawAsync(client, Client.Ask("hi", stream: true));
        if (kind == FaultKind.Silence)
        {
            var seen = "";
            var buffer = new byte[4096];
            while (!seen.Contains("content_block_start\",", StringComparison.Ordinal))
                seen += Encoding.UTF8.GetString(buffer, 0, await socket.ReceiveAsync(buffer, Client.Cancellation));
        }

        var logged = Assert.Single(await client.Host.Log.WaitAsync(1, cancellation: Client.Cancellation));
        Assert.Equal(RequestOutcome.Pending, logged.Outcome);
        socket.Close();
        await logged.Completion.WaitAsync(Client.Cancellation);
        Assert.Equal(RequestOutcome.ClientGone, logged.Outcome);
        Assert.Equal(kind == FaultKind.Silence, logged.FirstByte is not null);
        Assert.True(logged.Ended!.Value.Ticks >= logged.Arrived.Ticks);
    }

    [Fact]
    public async Task A_stop_does_not_wait_for_an_answer_that_hangs()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.SilenceBeforeHeaders } });
        using var socket = await SendRawAsync(client, Client.Ask("hi"));
        var logged = Assert.Single(await client.Host.Log.WaitAsync(1, cancellation: Client.Cancellation));
        await client.Host.DisposeAsync();
        await logged.Completion.WaitAsync(TimeSpan.FromSeconds(10), Client.Cancellation);
    }

    [Fact]
    public async Task A_silence_with_an_end_delays_and_then_goes_on()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 2, DurationMs = 150 } });
        var started = TimeProvider.System.GetTimestamp();
        using var response = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true));
        Assert.Equal("Echo: hi", Events.Text(await Events.ReadAsync(response)));
        Assert.True(TimeProvider.System.GetElapsedTime(started) >= TimeSpan.FromMilliseconds(120));
    }

    [Fact]
    public async Task A_trickle_sends_each_byte_in_a_chunk_of_its_own()
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.Trickle } });
        var (bytes, reset) = await RawAsync(client, Client.Ask("hi", stream: true));
        Assert.False(reset);
        var body = Encoding.UTF8.GetString(bytes).Split("\r\n\r\n", 2)[1];
        Assert.StartsWith("1\r\ne\r\n1\r\nv\r\n1\r\ne\r\n", body, StringComparison.Ordinal);
        using var response = await client.PostAsync("/v1/messages", Client.Ask("hi", stream: true));
        Assert.Equal("Echo: hi", Events.Text(await Events.ReadAsync(response)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Gzip_comes_although_identity_was_asked_for(bool stream)
    {
        await using var client = await Client.StartAsync();
        client.Host.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.Gzip } });
        using var response = await client.PostAsync("/v1/messages", Client.Ask("hi", stream), ("Accept-Encoding", "identity"));
        Assert.Equal(["gzip"], response.Content.Headers.ContentEncoding);
        using var plain = new MemoryStream();
        await using (var gzip = new GZipStream(await response.Content.ReadAsStreamAsync(Client.Cancellation), CompressionMode.Decompress))
            await gzip.CopyToAsync(plain, Client.Cancellation);
        if (stream)
            Assert.Equal("Echo: hi", Events.Text(Events.Parse(plain.ToArray())));
        else
            Assert.Contains("Echo: hi", Encoding.UTF8.GetString(plain.ToArray()), StringComparison.Ordinal);
    }

    /// <summary>Everything the connection brings, and whether a reset ended it.</summary>
    private static async Task<(byte[] Bytes, bool Reset)> RawAsync(Client client, string body)
    {
        using var socket = await SendRawAsync(client, body, "Connection: close\r\n");
        using var bytes = new MemoryStream();
        var buffer = new byte[8192];
        try
        {
            int read;
            while ((read = await socket.ReceiveAsync(buffer, Client.Cancellation)) > 0)
                bytes.Write(buffer, 0, read);
            return (bytes.ToArray(), false);
        }
        catch (SocketException reset) when (reset.SocketErrorCode == SocketError.ConnectionReset)
        {
            return (bytes.ToArray(), true);
        }
    }

    private static async Task<Socket> SendRawAsync(Client client, string body, string headers = "")
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, client.Host.Url.Port, Client.Cancellation);
        var request = $"POST /v1/messages HTTP/1.1\r\nHost: simulator\r\nanthropic-version: 2023-06-01\r\n{headers}Content-Length: {Encoding.UTF8.GetByteCount(body)}\r\n\r\n{body}";
        await socket.SendAsync(Encoding.UTF8.GetBytes(request), Client.Cancellation);
        return socket;
    }
}
