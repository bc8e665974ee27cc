using System.Net;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary>Where each cloud's tokens come from, how long they serve, and what happens when they do not.</summary>
[Collection("cloud environment")]
public sealed class CredentialTests
{
    private const string Foundry = "  - { name: it, platform: foundry, endpoint: SIMULATOR/x/anthropic, credential: { azure: default }, deployments: [{ name: m, model: claude-sonnet-4-6, hosting: azure }] }";
    private const string Vertex = "  - { name: it, platform: vertex, endpoint: SIMULATOR, region: global, project: p, credential: { google: { file: google.json } }, deployments: [{ name: m, model: claude-sonnet-4-6 }] }";
    private const string Bedrock = "  - { name: it, platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { aws: default }, deployments: [{ name: m, model: claude-sonnet-4-6 }] }";
    private const string Assumed = "  - { name: it, platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { aws: { role_arn: 'arn:aws:iam::123456789012:role/claude', external_id: x } }, deployments: [{ name: m, model: claude-sonnet-4-6 }] }";

    [Theory]
    [InlineData("app-service", Foundry)]
    [InlineData("google", Vertex)]
    [InlineData("sts", Assumed)]
    public async Task A_token_is_asked_for_once_whoever_waits(string service, string resource)
    {
        await using var place = await PlatformTests.StartAsync();
        await place.ServeAsync(resource);

        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => place.AskAsync(UpstreamPlace.Body("m"))));

        Assert.All(answers, a => Assert.True(a.Response.IsSuccessStatusCode, a.Body + PlatformTests.Journal(place)));
        Assert.Equal(1, place.Simulator.Tokens.Issued(service));
    }

    [Theory]
    [InlineData("google", Vertex)]
    [InlineData("sts", Assumed)]
    public async Task It_is_renewed_ahead_of_its_end_and_the_old_one_serves_meanwhile(string service, string resource)
    {
        var time = new SteppedTime();
        await using var place = await PlatformTests.StartAsync(new SimulatorOptions { Time = time });
        await place.ServeAsync(resource, time);
        Assert.True((await place.AskAsync(UpstreamPlace.Body("m"))).Response.IsSuccessStatusCode);

        // Four minutes before its end the renewal fails: nobody is hurt.
        time.Step(TimeSpan.FromMinutes(56));
        place.Simulator.Script.Set(new ScriptRule { Path = "*token", Fault = new ScriptFault { Kind = FaultKind.ServerError } }, new ScriptRule { Path = "/sts", Fault = new ScriptFault { Kind = FaultKind.ServerError } });
        Assert.True((await place.AskAsync(UpstreamPlace.Body("m"))).Response.IsSuccessStatusCode);
        await UntilAsync(place, () => place.Journal.Any(j => j.Line.StartsWith("No token for it", StringComparison.Ordinal)));
        Assert.True((await place.AskAsync(UpstreamPlace.Body("m"))).Response.IsSuccessStatusCode);

        // Past its end it no longer serves, and the refusal is the operator's.
        time.Step(TimeSpan.FromMinutes(5));
        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m"));
        Assert.Equal((HttpStatusCode.BadGateway, "api_error"), (response.StatusCode, Answers.Error(body).Type));
        Assert.Contains("its own credential", body, StringComparison.Ordinal);

        place.Simulator.Script.Clear();
        Assert.True((await place.AskAsync(UpstreamPlace.Body("m"))).Response.IsSuccessStatusCode);
        Assert.True(place.Simulator.Tokens.Issued(service) >= 2);
    }

    [Theory]
    [InlineData("google", Vertex)]
    [InlineData("sts", Assumed)]
    public async Task A_token_that_ends_before_its_time_is_replaced_without_the_client_noticing(string service, string resource)
    {
        var time = new SteppedTime();
        await using var place = await PlatformTests.StartAsync(new SimulatorOptions { Time = time });
        await place.ServeAsync(resource, time);
        Assert.True((await place.AskAsync(UpstreamPlace.Body("m"))).Response.IsSuccessStatusCode);

        place.Simulator.Tokens.Expire();
        time.Step(TimeSpan.FromMinutes(1));
        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m", stream: true));

        Assert.True(response.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.Contains("message_stop", body, StringComparison.Ordinal);
        Assert.Equal(2, place.Simulator.Tokens.Issued(service));
    }

    [Theory]
    [InlineData(Foundry)]
    [InlineData(Vertex)]
    [InlineData(Bedrock)]
    public async Task What_the_platform_refuses_of_ours_is_never_the_developers(string resource)
    {
        await using var place = await PlatformTests.StartAsync();
        await place.ServeAsync(resource);
        place.Simulator.Script.Set(new ScriptRule { Model = "m", Fault = new ScriptFault { Kind = FaultKind.ExpiredToken } });

        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m"));

        Assert.Equal((HttpStatusCode.BadGateway, "api_error"), (response.StatusCode, Answers.Error(body).Type));
        Assert.Contains("Nothing is wrong with yours", body, StringComparison.Ordinal);
        Assert.Contains(place.Journal, j => j.Level == LogLevel.Warning && j.Line.Contains("The token has expired.", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_signature_for_another_region_is_refused_and_the_log_says_so()
    {
        await using var place = await PlatformTests.StartAsync();
        place.Simulator.Tokens.Region = "eu-central-1";
        await place.ServeAsync(Bedrock);

        var (response, _) = await place.AskAsync(UpstreamPlace.Body("m"));

        Assert.Equal(HttpStatusCode.BadGateway, response.StatusCode);
        Assert.Contains(place.Journal, j => j.Line.Contains("Credential should be scoped to a valid region", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_workloads_own_token_is_traded_at_STS()
    {
        await using var place = await PlatformTests.StartAsync();
        place.Set("AWS_ACCESS_KEY_ID", null);
        place.Set("AWS_WEB_IDENTITY_TOKEN_FILE", place.Write("web-identity", "eyJ.workload.token\n"));
        place.Set("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/pod");
        await place.ServeAsync(Bedrock);

        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m"));

        Assert.True(response.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.Equal(1, place.Simulator.Tokens.Issued("sts"));
    }

    [Fact]
    public async Task A_containers_credentials_sign()
    {
        await using var place = await PlatformTests.StartAsync();
        place.Set("AWS_ACCESS_KEY_ID", null);
        place.Set("AWS_SECRET_ACCESS_KEY", null);
        place.Set("AWS_CONTAINER_CREDENTIALS_FULL_URI", place.Address + "/ecs/credentials");
        await place.ServeAsync(Bedrock);

        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m", stream: true));

        Assert.True(response.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.True(place.Simulator.Tokens.Issued("ecs") >= 1);
    }

    [Fact]
    public async Task An_instances_credentials_sign()
    {
        await using var place = await PlatformTests.StartAsync();
        place.Set("AWS_ACCESS_KEY_ID", null);
        place.Set("AWS_SECRET_ACCESS_KEY", null);
        place.Set("AWS_EC2_METADATA_DISABLED", null);
        place.Set("AWS_EC2_METADATA_SERVICE_ENDPOINT", place.Address);
        await place.ServeAsync(Bedrock);

        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m"));

        Assert.True(response.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.True(place.Simulator.Tokens.Issued("ec2") >= 1);
    }

    [Fact]
    public async Task A_key_that_is_not_the_service_accounts_gets_no_token()
    {
        await using var place = await PlatformTests.StartAsync();
        using var other = System.Security.Cryptography.RSA.Create(2048);
        PlatformTests.WriteServiceAccount(place, other);
        await place.ServeAsync(Vertex);

        var (response, _) = await place.AskAsync(UpstreamPlace.Body("m"));

        Assert.Equal((HttpStatusCode.BadGateway, 0), (response.StatusCode, place.Simulator.Tokens.Issued("google")));
        Assert.Contains("Invalid JWT Signature", PlatformTests.Journal(place), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_machines_identity_signs_in_at_IMDS()
    {
        await using var place = await PlatformTests.StartAsync();
        place.Set("IDENTITY_ENDPOINT", null);
        place.Set("IDENTITY_HEADER", null);
        place.Set("AZURE_POD_IDENTITY_AUTHORITY_HOST", place.Address);
        await place.ServeAsync(Foundry);

        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m"));

        Assert.True(response.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.Equal(1, place.Simulator.Tokens.Issued("imds"));
    }

    [Fact]
    public async Task Googles_metadata_server_gives_the_default_token()
    {
        await using var place = await PlatformTests.StartAsync();
        place.Set("GCE_METADATA_HOST", place.Simulator.Url.Authority);
        place.Set("GOOGLE_APPLICATION_CREDENTIALS", null);
        await place.ServeAsync(Vertex.Replace("{ file: google.json }", "default", StringComparison.Ordinal));

        var (response, body) = await place.AskAsync(UpstreamPlace.Body("m"));

        Assert.True(response.IsSuccessStatusCode, body + PlatformTests.Journal(place));
        Assert.Equal(1, place.Simulator.Tokens.Issued("gce"));
    }

    private static async Task UntilAsync(UpstreamPlace place, Func<bool> holds)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromSeconds(20), "It did not come." + PlatformTests.Journal(place));
            // What is waited for is said to nobody but the operator's log.
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
