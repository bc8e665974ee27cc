using System.Net;
using System.Text.Json;
using Demarc.Simulator.Management;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Demarc.Tests.Limits;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary>What platforms, and answers, say of deployments against what is declared of them.</summary>
[Collection("cloud environment")]
public sealed class VerificationTests
{
    private const string Direct = """
          - { name: direct, platform: anthropic, endpoint: SIMULATOR/direct, credential: { api_key: "${file:direct.key}" }, deployments: [{ name: spare, model: claude-opus-5 }, { name: bound, model: claude-opus-4-8, scope: "data-zone:us" }] }
        """;

    private const string Azure = """
          - name: contoso
            platform: foundry
            endpoint: SIMULATOR/contoso/anthropic
            region: eastus2
            credential: { azure: default }
            management: { endpoint: SIMULATOR, subscription: sub-1, resource_group: ai-(prod), account: Contoso }
            deployments: [{ name: opus, model: claude-opus-5, scope: "data-zone:us", hosting: azure }]
        """ + "\n" + Direct + """

        aliases:
          best: { failover: any, tiers: [contoso/opus, direct/spare] }
          kept: [contoso/opus, direct/spare]
        """;

    private static readonly string[] At = ["--config", "demarc.yaml", "--data", "."];

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task What_azure_says_otherwise_takes_a_deployment_out_of_service_until_it_is_verified_again(StoreKind kind)
    {
        await using var store = await StorePlace.CreateAsync(kind);
        await using var place = await StartAsync(new ManagedDeployment("opus", "claude-opus-5", "2", "DataZoneStandard"));
        await place.ServeAsync($"{Azure}\nstore: {store.Url}\n");

        // Verified at the start, as its management is named.
        await UntilAsync(async () => (await place.RunAsync(["where", "contoso/opus", .. At])).Output.Contains("Azure Resource Manager", StringComparison.Ordinal));
        var where = (await place.RunAsync(["where", "contoso/opus", .. At])).Output;
        Assert.Matches(@"inference +geography +us +verified +\d{4}-\d\d-\d\d +Azure Resource Manager", where);
        Assert.Matches(@"edge +pinning +exact +verified", where);
        Assert.Equal(HttpStatusCode.OK, (await place.AskAsync(UpstreamPlace.Body("contoso/opus"))).Response.StatusCode);
        Assert.Contains("\"warnings\":[]", await place.GetAsync("/readyz"), StringComparison.Ordinal);

        // Somebody made it another one: this process learns of it from the store.
        Estate(place, new ManagedDeployment("opus", "claude-opus-5", "1", "GlobalStandard", "OnceNewDefaultVersionAvailable"));
        var found = await place.RunAsync(["resource", "verify", "contoso", .. At]);
        Assert.Equal(1, found.ExitCode);
        Assert.Contains("scope is declared as data-zone:us, and Azure Resource Manager says global (GlobalStandard)", found.Output, StringComparison.Ordinal);
        Assert.Contains("edge.pinning is declared as exact, and Azure Resource Manager says floating", found.Output, StringComparison.Ordinal);
        Assert.Contains("hosting is declared as azure, and Azure Resource Manager says anthropic (version 1)", found.Output, StringComparison.Ordinal);
        var refused = await AskUntilAsync(place, "contoso/opus", HttpStatusCode.BadRequest);
        Assert.Contains("out of service", Answers.Error(refused).Message, StringComparison.Ordinal);
        Assert.Contains("out of service, as their platform says otherwise than is declared: 1", await place.GetAsync("/readyz"), StringComparison.Ordinal);
        Assert.Equal(1, await store.SqlAsync<long>("SELECT count(*) FROM boundary_checks WHERE deployment = 'contoso/opus'"));

        // Failover goes where the alias lets it, and no further for a mismatch.
        var (elsewhere, _) = await place.AskAsync(UpstreamPlace.Body("best"));
        Assert.Equal("direct", elsewhere.Headers.GetValues("demarc-resource").Single());
        Assert.Equal(HttpStatusCode.BadRequest, (await place.AskAsync(UpstreamPlace.Body("kept"))).Response.StatusCode);

        // Unreachable is not verified, and changes nothing.
        place.Simulator.Script.Set(new ScriptRule { Path = "/subscriptions/*", Body = "{}", Status = 500 });
        var away = await place.RunAsync(["resource", "verify", "contoso", .. At]);
        Assert.Contains("1 could not be verified", away.Errors, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await place.AskAsync(UpstreamPlace.Body("contoso/opus"))).Response.StatusCode);

        place.Simulator.Script.Clear();
        Estate(place, new ManagedDeployment("opus", "claude-opus-5", "2", "DataZoneStandard"));
        var back = await place.RunAsync(["resource", "verify", "contoso/opus", .. At, "--json"]);
        Assert.True(back.ExitCode == 0, back.ToString());
        Assert.Equal("verified", JsonSerializer.Deserialize<JsonElement>(back.Output)[0].GetProperty("outcome").GetString());
        await AskUntilAsync(place, "contoso/opus", HttpStatusCode.OK);
    }

    [Theory]
    [InlineData("us.anthropic.claude-opus-5", "data-zone:us", "us-east-1,us-west-2", "anthropic.claude-opus-5", "us")]
    [InlineData("global.anthropic.claude-opus-5", "global", "us-east-1,", "anthropic.claude-opus-5", "global")]
    [InlineData("us.anthropic.claude-opus-5", "data-zone:us", "us-east-1,eu-west-1", "anthropic.claude-opus-5", "inference.geography is declared as us, and the Amazon Bedrock control plane says eu+us")]
    [InlineData("us.anthropic.claude-opus-5", "data-zone:us", "us-east-1", "anthropic.claude-opus-4-8", "model is declared as claude-opus-5, and the Amazon Bedrock control plane says anthropic.claude-opus-4-8")]
    public async Task A_bedrock_profile_is_held_against_its_models_and_regions(string profile, string scope, string regions, string model, string expected)
    {
        await using var place = await PlatformTests.StartAsync();
        place.Simulator.Management.Estate = new ManagedEstate { Profiles = [new ManagedProfile(profile, model, regions.Split(','))] };
        await place.ServeAsync($"  - {{ name: it, platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: {{ aws: default }}, management: {{ endpoint: SIMULATOR }}, deployments: [{{ name: {profile}, model: claude-opus-5, scope: \"{scope}\" }}] }}\nverify: {{ every: never }}\n");
        var found = await place.RunAsync(["resource", "verify", .. At]);
        Assert.Contains(expected.Contains(' ', StringComparison.Ordinal) ? expected : $"inference.geography {expected}", found.Output, StringComparison.Ordinal);
        Assert.Equal(expected.Contains(' ', StringComparison.Ordinal) ? 1 : 0, found.ExitCode);
    }

    [Theory]
    [InlineData("role_arn = arn:aws:iam::123456789012:role/x\nsource_profile = other\n[profile other]\naws_access_key_id = AKIDX\naws_secret_access_key = x", "assumes a role")]
    [InlineData("sso_start_url = https://contoso.example/start\nsso_region = us-east-1\nsso_account_id = 123456789012\nsso_role_name = x", "signs in by SSO")]
    [InlineData("sso_session = contoso\nsso_account_id = 123456789012\nsso_role_name = x\n[sso-session contoso]\nsso_start_url = https://contoso.example/start\nsso_region = us-east-1", "signs in by SSO")]
    public async Task A_profile_that_cannot_be_used_is_said_to_the_operator_with_what_can(string profile, string why)
    {
        await using var place = await PlatformTests.StartAsync();
        place.Set("AWS_ACCESS_KEY_ID", null);
        place.Set("AWS_SECRET_ACCESS_KEY", null);
        place.Set("AWS_SHARED_CREDENTIALS_FILE", place.Write("credentials", ""));
        place.Set("AWS_CONFIG_FILE", place.Write("config", $"[default]\n{profile}\n"));
        await place.ServeAsync("  - { name: it, platform: bedrock, endpoint: SIMULATOR, region: us-east-1, credential: { aws: default }, management: { endpoint: SIMULATOR }, deployments: [{ name: us.anthropic.claude-opus-5, model: claude-opus-5, scope: \"data-zone:us\" }] }\nverify: { every: never }\n");

        // By a process of its own: the SDK keeps the files that it read for as long as one runs.
        var found = await place.RunAsync(["resource", "verify", .. At]);

        Assert.Equal(1, found.ExitCode);
        Assert.Contains($"The AWS profile \"default\" {why}, which is not supported. Supported are ", found.Output, StringComparison.Ordinal);
        Assert.Contains("aws: { role_arn: ARN }", found.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("claude-opus-5", "verified")]
    [InlineData("claude-opus-4-8", "no such model of the publisher")]
    public async Task A_model_of_google_cloud_is_looked_for_where_it_is_asked(string published, string expected)
    {
        await using var place = await PlatformTests.StartAsync();
        place.Simulator.Management.Estate = new ManagedEstate { PublisherModels = [published] };
        await place.ServeAsync("  - { name: it, platform: vertex, endpoint: SIMULATOR, region: europe-west1, project: p, credential: { google: { file: google.json } }, management: { endpoint: SIMULATOR }, deployments: [{ name: claude-opus-5, model: claude-opus-5, scope: \"region:europe-west1\" }] }\nverify: { every: never }\n");
        var found = await place.RunAsync(["resource", "verify", .. At]);
        Assert.True(found.Output.Contains(expected, StringComparison.Ordinal), found.ToString());
    }

    [Fact]
    public async Task An_answer_from_where_the_boundary_does_not_allow_takes_its_deployment_out_of_service()
    {
        using var mail = new MailServer();
        await using var place = await StartAsync();
        await place.ServeAsync(Direct + $"\nalerts: {{ email: {{ server: '127.0.0.1:{mail.Port}', from: demarc@example.com, to: [privacy@example.com] }} }}\n");
        Assert.Equal(HttpStatusCode.OK, (await place.AskAsync(UpstreamPlace.Body("bound"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await place.AskAsync(UpstreamPlace.Body("spare"))).Response.StatusCode);

        var usage = JsonSerializer.Deserialize<JsonElement>("""{"input_tokens":1,"output_tokens":1,"inference_geo":"global"}""");
        place.Simulator.Script.Set(new ScriptRule { Usage = usage });
        // Global may be anywhere, and is.
        Assert.Equal(HttpStatusCode.OK, (await place.AskAsync(UpstreamPlace.Body("spare"))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await place.AskAsync(UpstreamPlace.Body("bound"))).Response.StatusCode);
        place.Simulator.Script.Clear();
        var refused = await AskUntilAsync(place, "bound", HttpStatusCode.BadRequest);
        Assert.Contains("inference.geography is declared as us, and an answer's usage.inference_geo says global", Answers.Error(refused).Message, StringComparison.Ordinal);
        Assert.Single(place.Journal, j => j.Level == LogLevel.Error && j.Line.Contains("direct/bound goes out of service", StringComparison.Ordinal));
        Assert.Contains("Subject: direct/bound is out of service: its data path is not as declared", await mail.NextAsync(), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await place.AskAsync(UpstreamPlace.Body("spare"))).Response.StatusCode);

        var accepted = await place.RunAsync(["resource", "verify", "direct/bound", "--accept", "the workspace is pinned again", .. At]);
        Assert.True(accepted.ExitCode == 0, accepted.ToString());
        await AskUntilAsync(place, "bound", HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_store_that_does_not_take_what_was_verified_ends_no_gateway()
    {
        await using var store = await StorePlace.CreateAsync(StoreKind.Sqlite);
        await using var place = await StartAsync(new ManagedDeployment("opus", "claude-opus-5", "2", "DataZoneStandard"));
        var time = new SteppedTimers();
        await place.ServeAsync($"{Azure}\nstore: {store.Url}\n", time);
        await UntilAsync(async () => await store.SqlAsync<long>("SELECT count(*) FROM boundary_checks") == 1);
        foreach (var change in new[] { "INSERT", "UPDATE" })
            await store.SqlAsync<object>($"CREATE TRIGGER refuse_{change} BEFORE {change} ON boundary_checks BEGIN SELECT RAISE(ABORT, 'refused'); END");

        time.Step(TimeSpan.FromHours(7));

        await UntilAsync(() => Task.FromResult(place.Journal.Any(j => j.Line.StartsWith("Deployments could not be verified", StringComparison.Ordinal))));
        Assert.Equal(HttpStatusCode.OK, (await place.AskAsync(UpstreamPlace.Body("spare"))).Response.StatusCode);
    }

    [Fact]
    public async Task What_exists_in_azure_becomes_configuration_that_can_be_used()
    {
        await using var place = await StartAsync();
        place.Simulator.Management.Estate = new ManagedEstate
        {
            Accounts =
            [
                new("sub-1", "ai", "Contoso", "eastus2",
                [
                    new("opus", "claude-opus-5", "2", "DataZoneStandard"),
                    new("opus-anthropic", "claude-opus-5", "1", Upgrade: "OnceCurrentVersionExpired"),
                    new("sonnet", "claude-sonnet-4-5", "20250929"),
                    new("odd", "claude-opus-5", "7"),
                    new("gpt", "gpt-5", Format: "OpenAI"),
                ]),
                new("sub-1", "ai", "other", "eastus2", [new("gpt", "gpt-5", Format: "OpenAI")]),
                new("sub-2", "ai", "not-ours", "eastus2", [new("opus", "claude-opus-5", "1")]),
            ],
        };
        var imported = await place.RunAsync("resource", "import", "--azure", "--subscription", "sub-1", "--endpoint", place.Address, "--out", "imported.yaml");
        Assert.True(imported.ExitCode == 0, imported.ToString());
        var yaml = await File.ReadAllTextAsync(Path.Combine(place.Folder, "imported.yaml"), TestContext.Current.CancellationToken);
        Assert.Contains("""- { name: "opus", model: "claude-opus-5", scope: "data-zone:us", hosting: azure }""", yaml, StringComparison.Ordinal);
        Assert.Contains("""- { name: "sonnet", model: "claude-sonnet-4-5-20250929", scope: "global", hosting: anthropic }""", yaml, StringComparison.Ordinal);
        Assert.Contains("""# - { name: "odd",""", yaml, StringComparison.Ordinal);
        Assert.DoesNotContain("gpt", yaml, StringComparison.Ordinal);
        Assert.DoesNotContain("not-ours", yaml, StringComparison.Ordinal);

        var check = await place.RunAsync("config", "check", "imported.yaml");
        Assert.True(check.ExitCode == 0, check.ToString());
        // What was imported is what is there.
        var verified = await place.RunAsync("resource", "verify", "--config", "imported.yaml", "--data", "imported");
        Assert.Contains("There is no store", verified.Errors, StringComparison.Ordinal);
        Assert.Equal(0, (await place.RunAsync("user", "create", "dana@contoso.example", "--name", "Dana", "--config", "imported.yaml", "--data", "imported")).ExitCode);
        verified = await place.RunAsync("resource", "verify", "--config", "imported.yaml", "--data", "imported");
        Assert.True(verified.ExitCode == 0, verified.ToString());
        // Nothing is written over.
        Assert.Equal(1, (await place.RunAsync("resource", "import", "--azure", "--subscription", "sub-1", "--endpoint", place.Address, "--out", "imported.yaml")).ExitCode);
    }

    private static async Task<UpstreamPlace> StartAsync(params ManagedDeployment[] deployments)
    {
        var place = await PlatformTests.StartAsync();
        place.Simulator.Tokens.AddKey("direct-secret");
        place.Write("direct.key", "direct-secret");
        Estate(place, deployments);
        return place;
    }

    private static void Estate(UpstreamPlace place, params ManagedDeployment[] deployments) =>
        place.Simulator.Management.Estate = new ManagedEstate { Accounts = [new("sub-1", "ai-(prod)", "Contoso", "eastus2", deployments)] };

    private static async Task<string> AskUntilAsync(UpstreamPlace place, string model, HttpStatusCode status)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var (response, body) = await place.AskAsync(UpstreamPlace.Body(model));
            if (response.StatusCode == status)
                return body;
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10), $"{model} did not come to answer {status}: {body}");
            await Task.Yield();
        }
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (!await holds())
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(30), "It did not come about within 30 s.");
    }
}
