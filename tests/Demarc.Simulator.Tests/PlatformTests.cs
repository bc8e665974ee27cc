using System.Net;

namespace Demarc.Simulator.Tests;

public sealed class PlatformTests
{
    [Fact]
    public async Task The_Anthropic_API_names_request_organization_and_limits()
    {
        await using var client = await Client.StartAsync();
        using var response = await client.PostAsync("/v1/messages", Client.Ask("hi"));
        Assert.StartsWith("req_", response.Headers.GetValues("request-id").Single(), StringComparison.Ordinal);
        Assert.True(response.Headers.Contains("anthropic-organization-id"));
        Assert.True(response.Headers.Contains("anthropic-ratelimit-requests-remaining"));
        Assert.True(long.TryParse(response.Headers.GetValues("simulator-service-us").Single(), out _));
    }

    [Fact]
    public async Task Foundry_names_both_requests_and_no_limits_and_has_no_Models_API()
    {
        await using var client = await Client.StartAsync();
        using var response = await client.PostAsync("/anthropic/v1/messages", Client.Ask("hi"));
        Assert.True(response.Headers.Contains("request-id"));
        Assert.True(response.Headers.Contains("apim-request-id"));
        Assert.DoesNotContain(response.Headers, header => header.Key.StartsWith("anthropic-", StringComparison.OrdinalIgnoreCase));

        using var models = await client.GetAsync("/contoso/anthropic/v1/models");
        Assert.Equal(HttpStatusCode.NotFound, models.StatusCode);
        var error = (await Client.JsonAsync(models)).GetProperty("error");
        Assert.Equal("404", error.GetProperty("code").GetString());
        Assert.False(error.TryGetProperty("type", out _));
    }

    [Theory]
    [InlineData("/v1/messages", "x-api-key", true)]
    [InlineData("/v1/messages", "api-key", false)]
    [InlineData("/v1/messages", "Authorization", true)]
    [InlineData("/anthropic/v1/messages", "x-api-key", true)]
    [InlineData("/anthropic/v1/messages", "api-key", true)]
    [InlineData("/anthropic/v1/messages", "Authorization", true)]
    public async Task Configured_keys_pass_in_the_headers_that_the_platform_reads(string path, string header, bool passes)
    {
        await using var client = await Client.StartAsync(new SimulatorOptions { Keys = ["first", "second"] });
        var prefix = header == "Authorization" ? "Bearer " : "";
        using var right = await client.PostAsync(path, Client.Ask("hi"), (header, prefix + "second"));
        Assert.Equal(passes ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, right.StatusCode);
        using var wrong = await client.PostAsync(path, Client.Ask("hi"), (header, prefix + "third"));
        Assert.Equal(HttpStatusCode.Unauthorized, wrong.StatusCode);
        var error = (await Client.JsonAsync(wrong)).GetProperty("error");
        if (path.StartsWith("/v1", StringComparison.Ordinal))
            Assert.Equal("authentication_error", error.GetProperty("type").GetString());
        else
            Assert.Equal("401", error.GetProperty("code").GetString());
    }

    [Fact]
    public async Task Models_are_listed_in_pages_and_one_by_one()
    {
        await using var client = await Client.StartAsync();
        var first = await Client.JsonAsync(await client.GetAsync("/v1/models?limit=2"));
        Assert.Equal(2, first.GetProperty("data").GetArrayLength());
        Assert.True(first.GetProperty("has_more").GetBoolean());
        var last = first.GetProperty("last_id").GetString();
        var rest = await Client.JsonAsync(await client.GetAsync($"/v1/models?limit=1000&after_id={last}"));
        Assert.False(rest.GetProperty("has_more").GetBoolean());
        Assert.DoesNotContain(rest.GetProperty("data").EnumerateArray(), model => model.GetProperty("id").GetString() == last);
        var one = await Client.JsonAsync(await client.GetAsync($"/v1/models/{last}"));
        Assert.Equal(last, one.GetProperty("id").GetString());
        using var none = await client.GetAsync("/v1/models/none");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
        Assert.Equal("not_found_error", (await Client.JsonAsync(none)).GetProperty("error").GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("/")]
    [InlineData("/api/hello")]
    public async Task Probes_are_answered_without_a_credential(string path)
    {
        await using var client = await Client.StartAsync(new SimulatorOptions { Keys = ["key"] });
        using var response = await client.SendAsync(new HttpRequestMessage(HttpMethod.Head, path));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5@20250929:")]
    [InlineData("/projects/p/locations/global/publishers/anthropic/models/claude-sonnet-4-5%4020250929:")]
    public async Task Vertex_answers_whole_and_in_a_stream(string model)
    {
        await using var client = await Client.StartAsync();
        const string Body = """{"anthropic_version":"vertex-2023-10-16","max_tokens":10,"stream":true,"messages":[{"role":"user","content":"hi"}]}""";
        var whole = await client.PostJsonAsync(model + "rawPredict", Body);
        Assert.Equal("claude-sonnet-4-5@20250929", whole.GetProperty("model").GetString());
        using var stream = await client.PostAsync(model + "streamRawPredict", Body);
        Assert.Equal("Echo: hi", Events.Text(await Events.ReadAsync(stream)));
    }

    [Fact]
    public async Task An_unknown_route_is_not_found_in_Anthropics_shape()
    {
        await using var client = await Client.StartAsync();
        using var response = await client.GetAsync("/v1/nothing");
        Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
        Assert.Equal("error", Events.TypeOf(await Client.JsonAsync(response)));
    }
}
