using System.Net;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Google Cloud's rawPredict as a client speaks it.</summary>
public sealed class VertexIngressTests
{
    private const string Models = "/projects/p/locations/eu/publishers/anthropic/models/";

    [Theory]
    [InlineData(Models + "sonnet:rawPredict", false)]
    [InlineData("/v1" + Models + "sonnet:streamRawPredict", true)]
    [InlineData("/vertex" + Models + "sonnet:streamRawPredict", true)]
    [InlineData("/vertex/v1" + Models + "sonnet:rawPredict", false)]
    [InlineData("/east" + Models + "claude-sonnet-4-6:rawPredict", false)]
    [InlineData("/east/v1" + Models + "claude-sonnet-4-6%3ArawPredict", false)]
    public async Task The_path_names_the_model_and_the_provider_gets_its_own_form(string path, bool stream)
    {
        await using var place = await ProxyPlace.StartAsync();
        var body = $$"""{"anthropic_version":"vertex-2023-10-16",{{(stream ? "\"stream\":true," : "")}}"max_tokens":64,"messages":[{"role":"user","content":"hello"}]}""";

        var (response, answer) = await place.SendAsync(place.Ask(body, path));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(stream ? "text/event-stream" : "application/json", response.Content.Headers.ContentType!.MediaType);
        Assert.Contains("Echo: ", answer, StringComparison.Ordinal);
        Assert.Equal(
            $$"""{"model":"claude-sonnet-4-6",{{(stream ? "\"stream\":true," : "")}}"max_tokens":64,"messages":[{"role":"user","content":"hello"}]}""",
            Encoding.UTF8.GetString(place.Simulator.Log.Read().Single().Body));
        var begun = await place.RecordAsync<BegunRecord>(RecordKind.Begun, _ => true);
        Assert.Equal(("vertex", stream), (begun.Dialect, begun.Stream));
    }

    [Fact]
    public async Task Tokens_are_counted_of_the_model_that_the_body_names()
    {
        await using var place = await ProxyPlace.StartAsync();

        var (response, answer) = await place.SendAsync(place.Ask("""{"anthropic_version":"vertex-2023-10-16","model":"sonnet","messages":[]}""", Models + "count-tokens:rawPredict"));

        Assert.True(response.IsSuccessStatusCode, answer);
        Assert.True(JsonDocument.Parse(answer).RootElement.GetProperty("input_tokens").GetInt64() > 0);
        Assert.Equal("""{"model":"claude-sonnet-4-6","messages":[]}""", Encoding.UTF8.GetString(place.Simulator.Log.Read().Single().Body));
    }

    [Theory]
    [InlineData("nosuch:rawPredict", 400, "INVALID_ARGUMENT", "policy_blocked")]
    [InlineData("sonnet:predict", 404, "NOT_FOUND", "not_found_error")]
    public async Task A_refusal_reads_as_one_of_google_and_as_one_of_anthropic(string model, int status, string google, string type)
    {
        await using var place = await ProxyPlace.StartAsync();

        var (response, body) = await place.SendAsync(place.Ask("""{"anthropic_version":"vertex-2023-10-16","max_tokens":1,"messages":[]}""", Models + model));

        Assert.Equal(status, (int)response.StatusCode);
        var error = JsonDocument.Parse(body).RootElement.GetProperty("error");
        Assert.Equal((status, google), (error.GetProperty("code").GetInt32(), error.GetProperty("status").GetString()));
        Assert.Equal(type, Answers.Error(body).Type);
    }

    [Fact]
    public async Task A_body_that_names_another_model_than_its_path_is_refused()
    {
        await using var place = await ProxyPlace.StartAsync();

        var (response, body) = await place.SendAsync(place.Ask("""{"model":"direct/claude-sonnet-4-6","max_tokens":1,"messages":[]}""", Models + "sonnet:rawPredict"));

        Assert.Equal(400, (int)response.StatusCode);
        Assert.Contains("another model than the path", Answers.Error(body).Message, StringComparison.Ordinal);
        Assert.Empty(place.Simulator.Log.Read());
    }
}
