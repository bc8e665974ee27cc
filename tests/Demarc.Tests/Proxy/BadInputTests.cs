using System.Net.Sockets;
using System.Text;
using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Tests.Proxy;

public sealed class BadInputTests
{
    [Theory]
    [InlineData("", 400, "invalid_request_error", "no body")]
    [InlineData("{", 400, "invalid_request_error", "ends too early")]
    [InlineData("{\"model\":\"sonnet\",\"messages\":[}", 400, "invalid_request_error", "not valid JSON")]
    [InlineData("[1]", 400, "invalid_request_error", "not an object")]
    [InlineData("{\"messages\":[]}", 400, "invalid_request_error", "model: Field required")]
    [InlineData("{\"model\":5}", 400, "invalid_request_error", "should be a string")]
    [InlineData("{\"model\":\"a\\u0000b\"}", 400, "invalid_request_error", "control characters")]
    [InlineData("{\"model\":\"sonnet\",\"model\":\"opus\"}", 400, "invalid_request_error", "appears twice")]
    [InlineData("{\"model\":\"nosuch\"}", 400, "policy_blocked", "Available: sonnet")]
    public async Task A_bad_request_is_refused_with_what_to_do_and_nothing_leaves(string body, int status, string type, string message)
    {
        await using var place = await ProxyPlace.StartAsync();
        var (response, answer) = await place.SendAsync(place.Ask(body));
        Assert.Equal((status, type), ((int)response.StatusCode, Answers.Error(answer).Type));
        Assert.Contains(message, Answers.Error(answer).Message, StringComparison.Ordinal);
        Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
        Assert.Empty(place.Simulator.Log.Read(0));
        var refused = await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Fields.GetValueOrDefault("request_id") == response.RequestId());
        Assert.Equal("demarc_inference_refused", refused.Type);
    }

    [Fact]
    public async Task Deep_nesting_is_refused()
    {
        await using var place = await ProxyPlace.StartAsync();
        var (response, answer) = await place.SendAsync(place.Ask($"{{\"model\":\"sonnet\",\"x\":{new string('[', 100_000)}{new string(']', 100_000)}}}"));
        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains("deeper than", Answers.Error(answer).Message, StringComparison.Ordinal);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task A_body_past_the_limit_is_refused_by_size(bool chunked)
    {
        await using var place = await ProxyPlace.StartAsync();
        var request = place.Ask(ProxyPlace.Body(text: new string('x', 1 << 20)));
        request.Headers.TransferEncodingChunked = chunked;
        request.Headers.ExpectContinue = true;
        var (response, answer) = await place.SendAsync(request);
        Assert.Equal((413, "request_too_large"), ((int)response.StatusCode, Answers.Error(answer).Type));
        Assert.Empty(place.Simulator.Log.Read(0));
    }

    [Theory]
    [InlineData("content-type", "text/plain", 415)]
    [InlineData("content-type", "multipart/form-data; boundary=x", 415)]
    [InlineData("content-encoding", "gzip", 415)]
    [InlineData("x-large", "", 431)]
    public async Task Wrong_headers_are_refused(string name, string value, int status)
    {
        await using var place = await ProxyPlace.StartAsync();
        var request = place.Ask(ProxyPlace.Body());
        if (name.StartsWith("content-", StringComparison.Ordinal))
        {
            request.Content!.Headers.Remove(name);
            request.Content.Headers.TryAddWithoutValidation(name, value);
        }
        else
        {
            request.Headers.TryAddWithoutValidation(name, new string('x', 70_000));
        }
        var (response, answer) = await place.SendAsync(request);
        Assert.Equal((status, "invalid_request_error"), ((int)response.StatusCode, Answers.Error(answer).Type));
    }

    [Theory]
    [InlineData(null, "No API key")]
    [InlineData("", "No API key")]
    [InlineData("sk-ant-api03-something", "not valid here")]
    [InlineData("demarc_key_000000000000000000000000000000000000000000000000000000000000000000000000", "not valid here")]
    public async Task Without_a_key_of_ours_nothing_is_read_recorded_or_sent(string? key, string message)
    {
        await using var place = await ProxyPlace.StartAsync();
        var before = await place.Store.SqlAsync<long>("SELECT count(*) FROM records");
        var request = place.Ask(ProxyPlace.Body());
        request.Headers.Remove("x-api-key");
        if (key is not null)
            request.Headers.TryAddWithoutValidation("x-api-key", key);
        var (response, answer) = await place.SendAsync(request);
        Assert.Equal((401, "authentication_error"), ((int)response.StatusCode, Answers.Error(answer).Type));
        Assert.Contains(message, answer, StringComparison.Ordinal);
        Assert.Equal(before, await place.Store.SqlAsync<long>("SELECT count(*) FROM records"));
        Assert.Empty(place.Simulator.Log.Read(0));
    }

    [Theory, InlineData("admin_key"), InlineData("compliance_key")]
    public async Task A_key_of_another_kind_asks_no_models(string name)
    {
        await using var place = await ProxyPlace.StartAsync();
        var request = place.Ask(ProxyPlace.Body());
        request.Headers.Remove("x-api-key");
        request.Headers.Add("x-api-key", place.Keys[name]);
        var (response, answer) = await place.SendAsync(request);
        Assert.Equal((403, "permission_error"), ((int)response.StatusCode, Answers.Error(answer).Type));
        Assert.Empty(place.Simulator.Log.Read(0));
    }

    [Theory, InlineData("api-key"), InlineData("authorization")]
    public async Task The_key_may_come_in_any_of_its_headers(string header)
    {
        await using var place = await ProxyPlace.StartAsync();
        var request = place.Ask(ProxyPlace.Body("my-opus"), "/anthropic/v1/messages");
        request.Headers.Remove("x-api-key");
        request.Headers.Add(header, (header == "authorization" ? "Bearer " : "") + place.Keys["developer_key"]);
        var (response, _) = await place.SendAsync(request);
        Assert.Equal(200, (int)response.StatusCode);
    }

    [Theory]
    [InlineData("GET", "/nope")]
    [InlineData("POST", "/v1/complete")]
    [InlineData("DELETE", "/v1/messages")]
    [InlineData("GET", "/admin")]
    public async Task An_unknown_route_gets_the_envelope(string method, string path)
    {
        await using var place = await ProxyPlace.StartAsync();
        var (response, answer) = await place.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Contains((int)response.StatusCode, new[] { 404, 405 });
        Assert.Equal("not_found_error", Answers.Error(answer).Type);
    }

    [Theory, InlineData("HEAD", "/"), InlineData("HEAD", "/api/hello"), InlineData("GET", "/livez"), InlineData("GET", "/readyz")]
    public async Task Probes_need_no_key(string method, string path)
    {
        await using var place = await ProxyPlace.StartAsync();
        var (response, _) = await place.SendAsync(new HttpRequestMessage(new HttpMethod(method), path));
        Assert.Equal(200, (int)response.StatusCode);
    }

    [Fact]
    public async Task A_body_that_is_cut_off_is_not_sent_on()
    {
        await using var place = await ProxyPlace.StartAsync();
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", place.Gateway.Url.Port, TestContext.Current.CancellationToken);
        var stream = socket.GetStream();
        await stream.WriteAsync(Encoding.ASCII.GetBytes(
            $"POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {place.Keys["developer_key"]}\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{{\"model\":\"sonnet\""),
            TestContext.Current.CancellationToken);
        socket.Client.Shutdown(SocketShutdown.Send);
        try
        {
            await stream.CopyToAsync(Stream.Null, TestContext.Current.CancellationToken);
        }
        catch (IOException)
        {
            // Kestrel may reset what it cannot answer.
        }
        var (_, _) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        Assert.Single(place.Simulator.Log.Read(0));
    }
}
