using Demarc.Simulator.Scripts;
using Demarc.Tests.Configuration;
using Demarc.Tests.Proxy;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary>What clouds say and do in ways of their own; <see cref="PlatformFaultTests"/> has what each of them can get wrong.</summary>
[Collection("cloud environment")]
public sealed class CloudFaultTests
{
    private const string Resources = """
          - { name: b, platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { bearer_token: sk-known }, deployments: [{ name: b, model: claude-sonnet-4-6 }] }
          - { name: g, platform: vertex, endpoint: SIMULATOR, region: europe-west1, project: p, credential: { google: { file: google.json } }, deployments: [{ name: g, model: claude-sonnet-4-6 }] }
        """;

    [Theory]
    [InlineData("b", 400, """{"message":"Input is too long for requested model."}""")]
    [InlineData("b", 400, """{"message":"The model returned the following errors: Prompt is too long: 210000 tokens > 200000 maximum"}""")]
    [InlineData("g", 413, """{"error":{"code":413,"message":"Request payload size exceeds the limit: 31457280 bytes.","status":"INVALID_ARGUMENT"}}""")]
    public async Task A_prompt_that_does_not_fit_is_said_in_the_words_that_clients_act_on(string model, int status, string said)
    {
        await using var place = await StartAsync();
        place.Simulator.Script.Set(new ScriptRule { Model = model, Status = status, Body = said });

        var (response, body) = await place.AskAsync(UpstreamPlace.Body(model));

        Assert.Equal((status, "invalid_request_error", "Input is too long."), ((int)response.StatusCode, Answers.Error(body).Type, Answers.Error(body).Message));
    }

    [Fact]
    public async Task An_error_in_the_messages_envelope_passes_byte_for_byte_on_a_cloud_too()
    {
        const string said = """{"type":"error","error":{"type":"invalid_request_error","message":"tools.0.custom.strict: Extra inputs are not permitted"}}""";
        await using var place = await StartAsync();
        place.Simulator.Script.Set(new ScriptRule { Model = "?", Status = 400, Body = said });

        Assert.Equal(said, (await place.AskAsync(UpstreamPlace.Body("b"))).Body);
        Assert.Equal(said, (await place.AskAsync(UpstreamPlace.Body("g"))).Body);
    }

    [Theory]
    [InlineData("rate_limit_error", "rate_limit_error")]
    [InlineData("overloaded_error", "overloaded_error")]
    [InlineData("api_error", "api_error")]
    [InlineData("stream", "api_error")]
    public async Task An_exception_within_Bedrocks_stream_ends_it_with_an_error_event(string raised, string type)
    {
        await using var place = await StartAsync(new ScriptFault { Kind = FaultKind.ErrorEvent, AfterEvents = 3, ErrorType = raised, Message = "for account 000000000000" });

        var (_, body) = await place.AskAsync(UpstreamPlace.Body("b", stream: true));

        Assert.StartsWith("event: message_start\n", body, StringComparison.Ordinal);
        var error = body[body.IndexOf("event: error\ndata: ", StringComparison.Ordinal)..]["event: error\ndata: ".Length..];
        Assert.Equal(type, Answers.Error(error).Type);
        Assert.DoesNotContain("000000000000", body, StringComparison.Ordinal);
        Assert.Contains(place.Journal, j => j.Line.Contains("for account 000000000000", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Where_Bedrock_is_silent_the_gateway_pings_and_the_stream_goes_on()
    {
        // Half a second of this clock's timers is fifteen of the relay's.
        await using var place = await StartAsync(new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 2, DurationMs = 2500 }, HastyTime.Instance);

        var (_, body) = await place.AskAsync(UpstreamPlace.Body("b", stream: true));

        var pings = body.Split("event: ping\n").Length - 1;
        Assert.InRange(pings, 2, 5);
        Assert.Contains("event: message_stop\n", body, StringComparison.Ordinal);
        Assert.All(body.Split("\n\n", StringSplitOptions.RemoveEmptyEntries), e => Assert.Matches("^event: [a-z_]+\ndata: \\{.*\\}$", e));
    }

    [Fact]
    public async Task Bedrocks_stream_is_read_byte_by_byte_as_well()
    {
        await using var place = await StartAsync();
        var (_, whole) = await place.AskAsync(UpstreamPlace.Body("b", stream: true));
        place.Simulator.Script.Set(new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.Trickle } });

        var (_, trickled) = await place.AskAsync(UpstreamPlace.Body("b", stream: true));

        Assert.Equal(whole.Split('\n').Length, trickled.Split('\n').Length);
        Assert.Contains("event: message_stop\n", trickled, StringComparison.Ordinal);
    }

    private static async Task<UpstreamPlace> StartAsync(ScriptFault? fault = null, TimeProvider? time = null)
    {
        var place = await PlatformTests.StartAsync();
        await place.ServeAsync(Resources, time);
        if (fault is not null)
            place.Simulator.Script.Set(new ScriptRule { Model = "?", Fault = fault });
        return place;
    }
}
