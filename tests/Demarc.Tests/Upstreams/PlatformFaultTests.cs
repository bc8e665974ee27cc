using Demarc.Simulator.Scripts;
using Demarc.Storage.Evidence;
using Demarc.Tests.Proxy;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary>Each fault on each platform, whole and streamed: what the client sees, what is on record and owed, and who takes over.</summary>
[Collection("cloud environment")]
public sealed class PlatformFaultTests(FaultyPlatforms platforms) : IClassFixture<FaultyPlatforms>
{
    private const string Account = "000000000000";

    /// <summary>What a call that nobody saw the end of stands at.</summary>
    private enum Owed
    {
        Nothing,

        /// <summary>All that it may have come to.</summary>
        Bound,

        /// <summary>What was seen of it.</summary>
        Seen,
    }

    /// <param name="Status">200 for a stream that had begun and ends in an error event.</param>
    /// <param name="Result">Of the record.</param>
    /// <param name="GoesOn">Why the next deployment is asked, where there is one; null where the fault is the client's or comes too late.</param>
    private sealed record Outcome(int Status, string Type, string Result, Owed Owed, string? GoesOn);

    private static readonly Dictionary<FaultKind, Outcome> s_outcomes = new()
    {
        [FaultKind.RateLimited] = new(429, "rate_limit_error", "upstream_error", Owed.Nothing, "status_429"),
        [FaultKind.Overloaded] = new(529, "overloaded_error", "upstream_error", Owed.Nothing, "status_529"),
        [FaultKind.ServerError] = new(500, "api_error", "upstream_error", Owed.Nothing, "status_500"),
        [FaultKind.NotFound] = new(404, "not_found_error", "upstream_error", Owed.Nothing, "status_404"),
        [FaultKind.Forbidden] = new(502, "api_error", "upstream_error", Owed.Nothing, "status_403"),
        [FaultKind.ExpiredToken] = new(502, "api_error", "upstream_error", Owed.Nothing, "status_401"),
        [FaultKind.WrongRegion] = new(400, "invalid_request_error", "upstream_error", Owed.Nothing, null),
        [FaultKind.ResetBeforeHeaders] = new(502, "api_error", "upstream_lost", Owed.Bound, "connection_lost"),
        [FaultKind.SilenceBeforeHeaders] = new(504, "timeout_error", "upstream_lost", Owed.Bound, "timeout"),
        [FaultKind.ResetMidStream] = new(502, "api_error", "upstream_lost", Owed.Bound, null),
        [FaultKind.Truncate] = new(502, "api_error", "upstream_lost", Owed.Bound, null),
        [FaultKind.Silence] = new(504, "timeout_error", "upstream_lost", Owed.Bound, null),
    };

    private static readonly Dictionary<FaultKind, Outcome> s_withinStream = new()
    {
        [FaultKind.ResetMidStream] = new(200, "api_error", "upstream_lost", Owed.Seen, null),
        [FaultKind.Truncate] = new(200, "api_error", "upstream_lost", Owed.Seen, null),
        [FaultKind.Silence] = new(200, "api_error", "upstream_lost", Owed.Seen, null),
        [FaultKind.ErrorEvent] = new(200, "overloaded_error", "upstream_error", Owed.Seen, null),
    };

    public static TheoryData<string, FaultKind, bool> Rows => [.. Faults()];

    [Theory]
    [MemberData(nameof(Rows))]
    public async Task A_fault_is_told_recorded_and_gone_around_where_another_can(string platform, FaultKind fault, bool stream)
    {
        var expected = Of(platform, fault, stream);
        var rule = new ScriptRule { Deltas = 6, Fault = new ScriptFault { Kind = fault, AfterEvents = stream ? 3 : 0, RetryAfter = "7" } };

        // 1 with nobody to take over
        await platforms.BeginAsync(platform, rule);
        var first = FaultyPlatforms.First(platform);
        var alone = await platforms.AskAsync(platform, first, stream, fault);
        Told(platform, fault, expected, alone.Response, alone.Body);
        Recorded(expected, alone.Record, attempts: 1);

        // 2 with another deployment behind it
        await platforms.BeginAsync(platform, rule);
        var (response, body, record) = await platforms.AskAsync(platform, platform, stream, fault);
        Assert.Equal(expected.GoesOn is null ? 0 : 1, platforms.Asked(FaultyPlatforms.Second(platform)));
        if (expected.GoesOn is not { } reason)
        {
            Assert.Equal(first, response.Headers.GetValues("demarc-deployment").Single());
            Told(platform, fault, expected, response, body);
            Recorded(expected, record, attempts: 1);
            return;
        }
        Assert.Equal((200, FaultyPlatforms.Second(platform)), ((int)response.StatusCode, response.Headers.GetValues("demarc-deployment").Single()));
        Assert.Contains(stream ? "event: message_stop\n" : "\"stop_reason\":\"end_turn\"", body, StringComparison.Ordinal);
        Assert.Equal(("answered", 2, false, 2), (record.Finished!.Result, record.Finished.Attempt, record.Finished.Incomplete, record.Attempts.Length));
        Assert.Equal((reason, expected.Owed == Owed.Bound ? record.Attempts[0].ReservedNanoUsd : null), (record.Attempts[1].After, record.Attempts[1].AfterNanoUsd));
        Assert.Contains(platforms.Place.Journal, j => j.Level == LogLevel.Warning && j.Line.StartsWith($"{response.RequestId()}: {first}/{first} did not serve it ({reason})", StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Platforms))]
    public async Task What_the_model_itself_refuses_is_an_answer_and_passes(string platform, bool stream)
    {
        await platforms.BeginAsync(platform, new ScriptRule { Text = "I cannot help with that.", StopReason = "refusal" });

        var (response, body, record) = await platforms.AskAsync(platform, platform, stream, null);

        Assert.Equal((200, FaultyPlatforms.First(platform)), ((int)response.StatusCode, response.Headers.GetValues("demarc-deployment").Single()));
        Assert.Contains("\"stop_reason\":\"refusal\"", body.Replace("\": \"", "\":\"", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Equal(("answered", "refusal", false, 1), (record.Finished!.Result, record.Finished.StopReason, record.Finished.Incomplete, record.Attempts.Length));
    }

    [Theory]
    [MemberData(nameof(Platforms))]
    public async Task A_platform_that_pauses_is_waited_for(string platform, bool stream)
    {
        await platforms.BeginAsync(platform, new ScriptRule { Deltas = 6, Fault = new ScriptFault { Kind = stream ? FaultKind.Silence : FaultKind.SilenceBeforeHeaders, AfterEvents = 3, DurationMs = 50 } });

        var (response, body, record) = await platforms.AskAsync(platform, platform, stream, null);

        Assert.Equal((200, FaultyPlatforms.First(platform)), ((int)response.StatusCode, response.Headers.GetValues("demarc-deployment").Single()));
        Assert.DoesNotContain("error", body, StringComparison.Ordinal);
        Assert.Equal(("answered", 1), (record.Finished!.Result, record.Attempts.Length));
    }

    [Theory]
    [InlineData(null, 600)]
    [InlineData(30, 600)]
    [InlineData(3600, 3605)]
    public async Task Nobody_is_given_up_before_the_client_would(int? announced, int patience)
    {
        await platforms.BeginAsync("anthropic", new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.SilenceBeforeHeaders } });

        var (isWaiting, response) = await platforms.WaitOutAsync("anthropic", announced is { } seconds ? TimeSpan.FromSeconds(seconds) : null, TimeSpan.FromSeconds(patience));

        Assert.True(isWaiting);
        Assert.Equal(504, (int)response.StatusCode);
    }

    // Azure's library keeps an identity's token until its end: what is refused before is the deployment's failure, above.
    [Theory]
    [InlineData("anthropic-aws")]
    [InlineData("bedrock")]
    [InlineData("vertex")]
    public async Task A_token_that_ended_early_is_replaced_and_the_same_deployment_answers(string platform)
    {
        await platforms.BeginAsync(platform, new ScriptRule());
        Assert.Equal(200, (int)(await platforms.AskAsync(platform, platform, false, null)).Response.StatusCode);
        await platforms.BeginAsync(platform, new ScriptRule { Times = 1, Fault = new ScriptFault { Kind = FaultKind.ExpiredToken } });

        var (response, _, record) = await platforms.AskAsync(platform, platform, stream: true, null);

        Assert.Equal((200, FaultyPlatforms.First(platform)), ((int)response.StatusCode, response.Headers.GetValues("demarc-deployment").Single()));
        Assert.Equal((2, 1, "answered"), (platforms.Asked(FaultyPlatforms.First(platform)), record.Attempts.Length, record.Finished!.Result));
    }

    [Theory]
    [InlineData("anthropic-aws", "status_403")]
    [InlineData("bedrock", "no_credential")]
    [InlineData("mantle", "status_403")]
    public async Task Where_signatures_of_a_region_do_not_hold_the_other_region_answers(string platform, string reason)
    {
        await platforms.BeginAsync(platform, new ScriptRule());
        Assert.Equal(200, (int)(await platforms.AskAsync(platform, platform, false, null)).Response.StatusCode);
        await platforms.BeginAsync(platform, new ScriptRule());
        platforms.Place.Simulator.Tokens.Region = "eu-west-1";
        try
        {
            var (response, _, record) = await platforms.AskAsync(platform, platform, false, null);
            Assert.Equal((200, FaultyPlatforms.Second(platform)), ((int)response.StatusCode, response.Headers.GetValues("demarc-deployment").Single()));
            Assert.Equal((reason, (long?)null), (record.Attempts[1].After, record.Attempts[1].AfterNanoUsd));
        }
        finally
        {
            platforms.Place.Simulator.Tokens.Region = null;
        }
    }

    public static TheoryData<string, bool> Platforms => [.. from platform in FaultyPlatforms.Names from stream in new[] { false, true } select (platform, stream)];

    private static IEnumerable<(string, FaultKind, bool)> Faults() =>
        from platform in FaultyPlatforms.Names
        from fault in s_outcomes.Keys.Union(s_withinStream.Keys)
        from stream in new[] { false, true }
        where stream || s_outcomes.ContainsKey(fault)
        select (platform, fault, stream);

    // Where a platform says the same in words of its own.
    private static Outcome Of(string platform, FaultKind fault, bool stream) =>
        stream && s_withinStream.TryGetValue(fault, out var within) ? within : (platform, fault) switch
        {
            ("bedrock" or "vertex", FaultKind.Overloaded) => s_outcomes[fault] with { Status = 503, GoesOn = "status_503" },
            ("bedrock", FaultKind.ExpiredToken) => s_outcomes[fault] with { GoesOn = "status_403" },
            _ => s_outcomes[fault],
        };

    private void Told(string platform, FaultKind fault, Outcome expected, HttpResponseMessage response, string body)
    {
        Assert.Equal(expected.Status, (int)response.StatusCode);
        var error = body;
        if (expected.Status == 200)
        {
            Assert.StartsWith("event: message_start\n", body, StringComparison.Ordinal);
            Assert.DoesNotContain("message_stop", body, StringComparison.Ordinal);
            Assert.DoesNotContain("end_turn", body, StringComparison.Ordinal);
            error = body.TrimEnd('\n').Split("\n\n")[^1];
            Assert.StartsWith("event: error\ndata: ", error, StringComparison.Ordinal);
            error = error["event: error\ndata: ".Length..];
        }
        Assert.Equal(expected.Type, Answers.Error(error).Type);
        if (expected.Status is 429 or 503 or 529)
            Assert.Equal("7", response.Headers.RetryAfter?.ToString());
        // What cannot succeed is not to be tried again; what may is the client's to try.
        if (fault is FaultKind.Forbidden or FaultKind.ExpiredToken)
        {
            Assert.Contains("Nothing is wrong with yours", error, StringComparison.Ordinal);
            Assert.Equal("false", response.Headers.GetValues("x-should-retry").Single());
        }
        else if (expected.Owed == Owed.Bound)
            Assert.False(response.Headers.Contains("x-should-retry"));
        if (fault != FaultKind.WrongRegion || platform.StartsWith("anthropic", StringComparison.Ordinal))
            return;
        // An account's number is nobody's business; the operator's log has every word.
        Assert.DoesNotContain(Account, body, StringComparison.Ordinal);
        Assert.Contains(platforms.Place.Journal, j => j.Level == LogLevel.Warning && j.Line.Contains(Account, StringComparison.Ordinal) && j.Line.Contains(response.RequestId(), StringComparison.Ordinal));
    }

    private static void Recorded(Outcome expected, RequestOnRecord record, int attempts)
    {
        Assert.Equal(attempts, record.Attempts.Length);
        var finished = record.Finished!;
        Assert.Equal((expected.Result, expected.Type, expected.Status, expected.Owed != Owed.Nothing), (finished.Result, finished.ErrorType, finished.Status, finished.Incomplete));
        var bound = record.Begun!.Attempt.ReservedNanoUsd;
        Assert.True(bound > 0);
        if (expected.Owed == Owed.Seen)
            Assert.InRange(finished.CostNanoUsd, 1, bound);
        else
            Assert.Equal(expected.Owed == Owed.Bound ? bound : 0, finished.CostNanoUsd);
    }
}
