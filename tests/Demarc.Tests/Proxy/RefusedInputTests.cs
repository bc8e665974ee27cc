using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Text;
using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>
/// Bad input, on every dialect that can bring it: the Anthropic envelope with what to do, one refusal on record where it is known
/// who asked, and nothing of it in the gateway's log, in its store or at the provider.
/// </summary>
public sealed class RefusedInputTests(BadInputPlace place) : IClassFixture<BadInputPlace>
{
    private const string Said = "\"messages\":[{\"role\":\"user\",\"content\":\"" + BadInputPlace.Canary + "\"}]";

    /// <param name="Reason">On record; null where nothing is, as nobody is known to have asked.</param>
    private sealed record Bad(int Status, string Type, string Message, string? Reason, Action<HttpRequestMessage> Make)
    {
        /// <summary>False where the path names the model, so that the body need not.</summary>
        public bool OnClouds { get; init; } = true;
    }

    private static readonly Dictionary<string, string> s_dialects = new()
    {
        ["anthropic"] = "/v1/messages",
        ["count_tokens"] = "/v1/messages/count_tokens",
        ["foundry"] = "/east/anthropic/v1/messages",
        ["bedrock"] = "/bedrock/model/sonnet/invoke",
        ["vertex"] = "/vertex/v1/projects/p/locations/global/publishers/anthropic/models/sonnet:streamRawPredict",
    };

    private static readonly Dictionary<string, Bad> s_bad = new()
    {
        ["no body"] = Body("", "no body"),
        ["one brace"] = Body("{", "ends too early"),
        ["malformed JSON"] = Body($"{{{Said},\"x\":[}}", "not valid JSON"),
        ["a body cut off within its JSON"] = Body($"{{\"model\":\"sonnet\",{Said[..^4]}", "ends too early"),
        ["bytes that are no UTF-8"] = new(400, "invalid_request_error", "not valid JSON", "malformed", r => r.Content = Json([.. Encoding.UTF8.GetBytes($"{{\"model\":\"sonnet\",{Said},\"x\":\""), 0xff, .. "\"}"u8])),
        ["two bodies"] = Body($"{{\"model\":\"sonnet\",{Said}}}{{}}", "not valid JSON"),
        ["a list"] = Body($"[{{{Said}}}]", "not an object"),
        ["no model"] = Body($"{{{Said}}}", "model: Field required") with { OnClouds = false },
        ["a number as model"] = Body($"{{\"model\":5,{Said}}}", "should be a string") with { OnClouds = false },
        ["null as model"] = Body($"{{\"model\":null,{Said}}}", "should be a string") with { OnClouds = false },
        ["an empty model"] = Body($"{{\"model\":\"\",{Said}}}", "model: ") with { OnClouds = false },
        ["control characters in the model's name"] = Body($"{{\"model\":\"a\\u0007\\u001b[31mb\",{Said}}}", "control characters") with { OnClouds = false },
        ["a long model's name"] = Body($"{{\"model\":\"{new string('m', 300)}\",{Said}}}", "model: ") with { OnClouds = false },
        ["the model twice"] = Body($"{{\"model\":\"sonnet\",{Said},\"model\":\"my-opus\"}}", "appears twice") with { OnClouds = false },
        ["the messages twice"] = Body($"{{\"model\":\"sonnet\",{Said},{Said}}}", "appears twice"),
        ["the length twice"] = Body($"{{\"model\":\"sonnet\",\"max_tokens\":1,{Said},\"max_tokens\":100000}}", "appears twice"),
        ["an unknown model"] = new(400, "policy_blocked", "Available: ", "model_unknown", r => r.Content = Json(Encoding.UTF8.GetBytes($"{{\"model\":\"nosuch\",\"max_tokens\":9,{Said}}}"))) { OnClouds = false },
        ["deep nesting"] = Body($"{{\"model\":\"sonnet\",{Said},\"x\":{new string('[', 100_000)}{new string(']', 100_000)}}}", "deeper than"),
        ["an oversized body"] = new(413, "request_too_large", "larger than 1048576 bytes", "body_too_large", r => Large(r, chunked: false)),
        ["an oversized body in chunks"] = new(413, "request_too_large", "larger than 1048576 bytes", "body_too_large", r => Large(r, chunked: true)),
        ["oversized headers"] = new(431, "invalid_request_error", "Send fewer or shorter ones", "headers_too_large", r => r.Headers.Add("x-large", new string('x', 70_000))),
        ["text"] = Type("text/plain"),
        ["a form"] = Type("multipart/form-data; boundary=x"),
        ["nearly JSON"] = Type("application/jsonl"),
        ["a compressed body"] = new(415, "invalid_request_error", "Send it without content-encoding", "content_type", r => r.Content!.Headers.ContentEncoding.Add("gzip")),
        ["no key"] = Key(null, 401, "authentication_error", "Send it in x-api-key"),
        ["an empty key"] = Key("", 401, "authentication_error", "Send it in x-api-key"),
        ["somebody else's key"] = Key("sk-ant-api03-something", 401, "authentication_error", "Check that it is whole"),
        ["a forged key"] = Key("demarc_key_" + new string('0', 72), 401, "authentication_error", "Check that it is whole"),
    };

    // These keys are made by the place.
    private static readonly Dictionary<string, Bad> s_keys = new()
    {
        ["expired"] = new(401, "authentication_error", "has expired. Ask your administrator", null, _ => { }),
        ["revoked"] = new(401, "authentication_error", "has been revoked. Ask your administrator", null, _ => { }),
        ["admin"] = new(403, "permission_error", "models are asked with an inference key", "wrong_key_kind", _ => { }),
        ["compliance"] = new(403, "permission_error", "models are asked with an inference key", "wrong_key_kind", _ => { }),
    };

    public static TheoryData<string, string> Inputs =>
        [.. from bad in s_bad from dialect in s_dialects.Keys where bad.Value.OnClouds || dialect is not ("bedrock" or "vertex") select (bad.Key, dialect)];

    public static TheoryData<string, string> KeyInputs => [.. from key in s_keys.Keys from dialect in s_dialects.Keys select (key, dialect)];

    [Theory]
    [MemberData(nameof(Inputs))]
    public Task Bad_input_is_refused_with_what_to_do(string input, string dialect) => RefusedAsync(s_bad[input], dialect, "developer");

    [Theory]
    [MemberData(nameof(KeyInputs))]
    public Task A_key_that_does_not_hold_is_refused_with_what_to_do(string key, string dialect) => RefusedAsync(s_keys[key], dialect, key);

    [Theory]
    [InlineData("/v1/messages", "developer")]
    [InlineData("/bedrock/model/sonnet/invoke", "developer")]
    [InlineData("/v1/organizations/workspaces", "admin")]
    public async Task A_body_whose_chunks_are_malformed_is_refused(string path, string key)
    {
        var said = $"POST {path} HTTP/1.1\r\nhost: x\r\nx-api-key: {place.Keys[key]}\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n40\r\n{{{Said}\r\n";
        using var socket = new TcpClient();
        await socket.ConnectAsync("127.0.0.1", place.Place.Gateway.Addresses[0].Port, TestContext.Current.CancellationToken);
        await socket.GetStream().WriteAsync(Encoding.ASCII.GetBytes(said), TestContext.Current.CancellationToken);
        var answer = await new StreamReader(socket.GetStream()).ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.StartsWith("HTTP/1.1 400 ", answer, StringComparison.Ordinal);
        var (type, message) = Answers.Error(answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
        Assert.Equal("invalid_request_error", type);
        Assert.Contains("Send it whole", message, StringComparison.Ordinal);
        place.IsKeptFromAll();
    }

    [Theory]
    [InlineData("GET", "/nope")]
    [InlineData("POST", "/v1/complete")]
    [InlineData("DELETE", "/v1/messages")]
    [InlineData("GET", "/admin")]
    [InlineData("POST", "/east/v1/messages")]
    [InlineData("POST", "/bedrock/model/sonnet/destroy")]
    [InlineData("POST", "/bedrock/model/sonnet/converse")]
    [InlineData("POST", "/vertex/v1/projects/p/locations/global/publishers/anthropic/models/sonnet:predict")]
    [InlineData("POST", "/%1b%5B31m/x")]
    public async Task An_unknown_route_is_refused_with_those_there_are(string method, string path)
    {
        using var request = Ask(path, "developer");
        request.Method = new HttpMethod(method);
        var (response, answer) = await place.Place.SendAsync(request);

        Assert.Contains((int)response.StatusCode, new[] { 400, 404, 405 });
        Assert.Contains(Answers.Error(answer).Type, new[] { "not_found_error", "invalid_request_error" });
        Assert.Matches("here|served", Answers.Error(answer).Message);
        Assert.DoesNotContain('\u001b', Answers.Error(answer).Message);
        place.IsKeptFromAll();
    }

    [Theory]
    [InlineData("/ea%07st/anthropic/v1/messages")]
    [InlineData("/%1b%5B31m/anthropic/v1/messages")]
    [InlineData("/e%00/anthropic/v1/messages")]
    public async Task Control_characters_in_a_resources_name_lead_nowhere(string path)
    {
        var (response, answer) = await place.Place.SendAsync(Ask(path, "developer"));

        Assert.Contains((int)response.StatusCode, new[] { 400, 404 });
        // Where the server itself cannot read the address there is no envelope to be had.
        if (answer.Length > 0)
            Assert.DoesNotContain('\u001b', Answers.Error(answer).Message);
        place.IsKeptFromAll();
    }

    [Theory]
    [InlineData("POST", "/v1/organizations/api_keys", "{\"name\":\"a\\u0007b\",\"user_id\":\"USER\"}", "name: ")]
    [InlineData("POST", "/v1/organizations/users", "{\"email\":\"a\\u001bb@contoso.example\",\"role\":\"developer\"}", "email: ")]
    [InlineData("POST", "/v1/organizations/workspaces", "{\"name\":\"a\\u0000b\"}", "name: ")]
    [InlineData("POST", "/v1/organizations/projects", "{\"name\":\"a\\u0007b\"}", "name: ")]
    [InlineData("PUT", "/v1/organizations/aliases/a%07b", "{\"targets\":[\"east/my-opus\"]}", "alias name")]
    public async Task Control_characters_in_a_name_are_refused_by_field(string method, string path, string body, string message)
    {
        var developer = await place.Place.Store.SqlAsync<string>("SELECT id FROM users WHERE role = 'developer'");
        var error = await place.Place.AdminAsync(new HttpMethod(method), path, body.Replace("USER", developer, StringComparison.Ordinal), 400);

        Assert.Equal("invalid_request_error", error.GetProperty("error").GetProperty("type").GetString());
        Assert.Contains(message, error.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        place.IsKeptFromAll();
    }

    [Fact]
    public async Task After_all_that_the_same_connection_serves()
    {
        foreach (var bad in s_bad.Values)
            await place.Place.SendAsync(Make(bad, "/v1/messages", "developer"));
        place.IsKeptFromAll();

        var (response, _) = await place.Place.SendAsync(place.Place.Ask(ProxyPlace.Body()));

        Assert.Equal(200, (int)response.StatusCode);
        Assert.Single(place.Place.Simulator.Log.Read());
        place.Place.Simulator.Log.Clear();
        Assert.Equal("answered", (await place.Place.FinishedAsync(response.RequestId())).Result);
    }

    private async Task RefusedAsync(Bad bad, string dialect, string key)
    {
        var before = await CountAsync();

        var (response, answer) = await place.Place.SendAsync(Make(bad, s_dialects[dialect], key));

        var (type, message) = Answers.Error(answer);
        Assert.Equal((bad.Status, bad.Type), ((int)response.StatusCode, type));
        Assert.Contains(bad.Message, message, StringComparison.Ordinal);
        Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
        Assert.Equal(before + (bad.Reason is null ? 0 : 1), await CountAsync());
        if (bad.Reason is not null)
        {
            var refused = await place.Place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Fields.GetValueOrDefault("request_id") == response.RequestId());
            Assert.Equal(("demarc_inference_refused", bad.Reason), (refused.Type, refused.Fields["reason"]));
        }
        place.IsKeptFromAll();
    }

    private async Task<long> CountAsync()
    {
        await place.Place.Gateway.Store.SettledAsync();
        return await place.Place.Store.SqlAsync<long>("SELECT count(*) FROM records");
    }

    private HttpRequestMessage Make(Bad bad, string path, string key)
    {
        var request = Ask(path, key);
        bad.Make(request);
        return request;
    }

    private HttpRequestMessage Ask(string path, string key)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = Json(Encoding.UTF8.GetBytes($"{{\"model\":\"sonnet\",\"max_tokens\":9,{Said}}}")) };
        request.Headers.Add("x-api-key", place.Keys[key]);
        return request;
    }

    private static Bad Body(string body, string message) => new(400, "invalid_request_error", message, "malformed", r => r.Content = Json(Encoding.UTF8.GetBytes(body)));

    private static Bad Type(string type) => new(415, "invalid_request_error", "has to be application/json", "content_type", r =>
    {
        r.Content!.Headers.Remove("content-type");
        r.Content.Headers.TryAddWithoutValidation("content-type", type);
    });

    private static Bad Key(string? key, int status, string type, string message) => new(status, type, message, null, r =>
    {
        r.Headers.Remove("x-api-key");
        if (key is not null)
            r.Headers.TryAddWithoutValidation("x-api-key", key);
    });

    private static void Large(HttpRequestMessage request, bool chunked)
    {
        request.Content = Json(Encoding.UTF8.GetBytes($"{{\"model\":\"sonnet\",{Said},\"x\":\"{new string('x', 1 << 20)}\"}}"));
        request.Headers.TransferEncodingChunked = chunked;
        // The answer comes before the body is sent, and would be lost with the connection otherwise.
        request.Headers.ExpectContinue = true;
    }

    private static ByteArrayContent Json(byte[] bytes)
    {
        var content = new ByteArrayContent(bytes);
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }
}
