using System.Net;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Proxy;

public sealed class UpstreamFaultTests
{
    [Theory]
    [InlineData(FaultKind.RateLimited, 429, "rate_limit_error")]
    [InlineData(FaultKind.Overloaded, 529, "overloaded_error")]
    [InlineData(FaultKind.ServerError, 500, "api_error")]
    [InlineData(FaultKind.NotFound, 404, "not_found_error")]
    public async Task A_providers_error_keeps_its_status_bytes_and_patience(FaultKind fault, int status, string type)
    {
        var rule = new ScriptRule { Fault = new ScriptFault { Kind = fault, RetryAfter = "17" } };
        await using var place = await ProxyPlace.StartAsync(rules: rule);

        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body("claude-haiku-4-5-20251001")));

        using var direct = new HttpClient(new SocketsHttpHandler());
        using var same = place.Ask(ProxyPlace.Body("claude-haiku-4-5-20251001"), place.Simulator.Url + "direct/v1/messages");
        using var expected = await direct.SendAsync(same, TestContext.Current.CancellationToken);
        Assert.Equal((status, type), ((int)response.StatusCode, Answers.Error(body).Type));
        Assert.Equal(Answers.Error(await expected.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)), Answers.Error(body));
        Assert.Equal(expected.Headers.RetryAfter?.ToString(), response.Headers.RetryAfter?.ToString());
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("upstream_error", status, type, 0L), (finished.Result, finished.Status, finished.ErrorType, finished.CostNanoUsd));
    }

    [Theory]
    [InlineData(FaultKind.Unauthorized, "sonnet")]
    [InlineData(FaultKind.Forbidden, "sonnet")]
    [InlineData(FaultKind.Unauthorized, "claude-haiku-4-5-20251001")]
    public async Task Our_own_credentials_failure_is_never_the_developers(FaultKind fault, string model)
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Fault = new ScriptFault { Kind = fault } });
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(model)));
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Equal("api_error", Answers.Error(body).Type);
        Assert.Contains("Nothing is wrong with yours", body, StringComparison.Ordinal);
        Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
    }

    [Fact]
    public async Task A_clouds_own_error_format_stays_with_the_operator()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule
        {
            Status = 404,
            Body = """{"error":{"code":"DeploymentNotFound","message":"subscription 1234-account"}}""",
            Headers = new Dictionary<string, string> { ["content-type"] = "application/json", ["retry-after"] = "3" },
        });
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        Assert.Equal((HttpStatusCode.NotFound, "not_found_error"), (response.StatusCode, Answers.Error(body).Type));
        Assert.DoesNotContain("1234-account", body, StringComparison.Ordinal);
        Assert.Equal("3", response.Headers.RetryAfter?.ToString());
    }

    [Theory]
    [InlineData(FaultKind.ResetBeforeHeaders, false, HttpStatusCode.BadGateway)]
    [InlineData(FaultKind.ResetBeforeHeaders, true, HttpStatusCode.BadGateway)]
    [InlineData(FaultKind.ResetMidStream, false, HttpStatusCode.BadGateway)]
    [InlineData(FaultKind.Truncate, false, HttpStatusCode.BadGateway)]
    [InlineData(FaultKind.Gzip, false, HttpStatusCode.BadGateway)]
    [InlineData(FaultKind.Gzip, true, HttpStatusCode.BadGateway)]
    public async Task What_breaks_before_the_first_byte_is_an_error_that_says_so(FaultKind fault, bool stream, HttpStatusCode status)
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Fault = new ScriptFault { Kind = fault } });
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(stream: stream)));
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("api_error", Answers.Error(body).Type);
        var finished = await place.FinishedAsync(response.RequestId());
        // The provider had all of it and may bill it, whatever came back.
        var begun = await place.RecordAsync<BegunRecord>(RecordKind.Begun, b => b.Id == response.RequestId());
        Assert.Equal(("upstream_lost", true, begun.Attempt.ReservedNanoUsd), (finished.Result, finished.Incomplete, finished.CostNanoUsd));
        Assert.True(finished.CostNanoUsd > 0);
    }

    [Theory]
    [InlineData(FaultKind.ResetMidStream, StoreKind.Sqlite)]
    [InlineData(FaultKind.Truncate, StoreKind.Sqlite)]
    [InlineData(FaultKind.Truncate, StoreKind.Postgres)]
    public async Task A_stream_lost_in_the_middle_ends_in_an_error_event_and_is_settled_from_what_came(FaultKind fault, StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind, rules: new ScriptRule { Text = "one two three four five six", Deltas = 6, Fault = new ScriptFault { Kind = fault, AfterEvents = 6 } });

        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(stream: true)));

        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.DoesNotContain("message_stop", body, StringComparison.Ordinal);
        Assert.DoesNotContain("stop_reason\":\"end_turn", body, StringComparison.Ordinal);
        var last = body.TrimEnd('\n').Split("\n\n")[^1];
        Assert.StartsWith("event: error\ndata: ", last, StringComparison.Ordinal);
        Assert.Equal("api_error", Answers.Error(last["event: error\ndata: ".Length..]).Type);
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("upstream_lost", true), (finished.Result, finished.Incomplete));
        Assert.True(finished.Usage!.InputTokens > 0 && finished.Usage.OutputTokens > 0 && finished.CostNanoUsd > 0);
    }

    [Fact]
    public async Task An_error_event_of_the_provider_passes_and_is_on_record()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Deltas = 5, Fault = new ScriptFault { Kind = FaultKind.ErrorEvent, AfterEvents = 4 } });
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(stream: true)));
        Assert.Single(body.Split("event: error").Skip(1));
        Assert.Contains("overloaded_error", body, StringComparison.Ordinal);
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("upstream_error", "overloaded_error"), (finished.Result, finished.ErrorType));
    }

    [Fact]
    public async Task A_trickled_stream_is_the_same_stream()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Text = "slow but whole", Fault = new ScriptFault { Kind = FaultKind.Trickle } });
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(stream: true)));
        Assert.Contains("event: message_stop", body, StringComparison.Ordinal);
        Assert.Equal("answered", (await place.FinishedAsync(response.RequestId())).Result);
    }

    [Fact]
    public async Task An_unreachable_provider_is_named_without_its_address()
    {
        await using var place = await ProxyPlace.StartAsync();
        var port = place.Simulator.Url.Port;
        await place.Simulator.DisposeAsync();
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains("east/claude-sonnet-4-6", body, StringComparison.Ordinal);
        Assert.DoesNotContain($"{port}", JsonDocument.Parse(body).RootElement.GetProperty("error").GetRawText(), StringComparison.Ordinal);
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("upstream_lost", false, 0L), (finished.Result, finished.Incomplete, finished.CostNanoUsd));
    }
}
