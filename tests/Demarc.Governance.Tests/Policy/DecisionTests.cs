using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

public sealed class DecisionTests
{
    private static readonly Catalog Shipped = Catalog.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "catalog", "catalog.json")));

    private static readonly DateTimeOffset Now = new(2026, 11, 22, 0, 0, 0, TimeSpan.Zero);

    private static readonly Principal Developer = new()
    {
        OrganizationId = "org_1",
        Type = "user",
        Id = "user_1",
        Email = "dev@contoso.example",
        Name = "dev",
        Groups = ["payments"],
        KeyId = "apikey_1",
        KeyKind = ApiKeyKind.Inference,
    };

    [Theory]
    [InlineData(null, "sonnet", "east/a")]
    [InlineData(null, "east/b", "east/b")]
    [InlineData(null, "b", "east/b")]
    [InlineData(null, "c", "west/c")]
    [InlineData("east", "b", "east/b")]
    [InlineData(null, "a", null)]
    [InlineData("east", "sonnet", null)]
    [InlineData("east", "c", null)]
    [InlineData("nowhere", "a", null)]
    [InlineData(null, "east/c", null)]
    public void Names_resolve_as_the_design_says(string? resource, string model, string? expected)
    {
        var decision = Decision.Decide(Snapshot(), Developer, resource, model, Now);
        Assert.Equal(expected, decision.Plan.FirstOrDefault()?.FullName);
        Assert.Equal(expected is null, decision.Refusal is not null);
    }

    [Theory]
    [InlineData("claude-sonnet-4-5@20250929", "east/s45")]
    [InlineData("anthropic.claude-sonnet-4-5-20250929-v1:0", "east/s45")]
    [InlineData("claude-sonnet-4-5", "east/s45")]
    [InlineData("global.anthropic.claude-sonnet-4-5-20250929-v1:0", "east/s45")]
    [InlineData("us.anthropic.claude-sonnet-4-5-20250929-v1:0", null)] // asks for inference in the US, which a global deployment does not promise
    [InlineData("us.anthropic.claude-haiku-4-5-20251001-v1:0", "east/haiku-us")]
    [InlineData("eu.anthropic.claude-haiku-4-5-20251001-v1:0", null)]
    [InlineData("eu.anthropic.claude-opus-4-7", "east/opus-eu")]
    [InlineData("arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-haiku-4-5-20251001-v1:0", "east/haiku-us")]
    [InlineData("arn:aws:bedrock:us-east-1:123456789012:application-inference-profile/s45", "east/s45")]
    [InlineData("claude-opus-5", null)]
    public void A_platforms_id_of_a_model_leads_to_the_one_deployment_that_serves_it(string asked, string? expected)
    {
        var resource = Resource("east");
        resource.Deployments =
        [
            Deployment(resource, "s45", "claude-sonnet-4-5-20250929", "global"),
            Deployment(resource, "haiku-us", "claude-haiku-4-5-20251001", "data-zone:us"),
            Deployment(resource, "opus-eu", "claude-opus-4-7", "region:eu-central-1"),
        ];

        Assert.Equal(expected, Decision.Decide(Snapshot(resources: [resource]), Developer, null, asked, Now).Plan.FirstOrDefault()?.FullName);
        if (!asked.StartsWith("arn:", StringComparison.Ordinal))
            Assert.Equal(expected, Decision.Decide(Snapshot(resources: [resource]), Developer, "east", asked, Now).Plan.FirstOrDefault()?.FullName);
    }

    [Fact]
    public void A_model_that_several_deployments_serve_is_not_chosen_among()
    {
        var refusal = Decision.Decide(Snapshot(), Developer, null, "anthropic.claude-sonnet-4-6", Now).Refusal!;
        Assert.Equal("model_ambiguous", refusal.Code);
        Assert.Contains("east/a, east/b, west/a, west/c", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_alias_wins_over_a_deployment_of_its_name()
    {
        var snapshot = Snapshot(aliases: [("b", ["west/c"])]);
        Assert.Equal("west/c", Decision.Decide(snapshot, Developer, null, "b", Now).Plan[0].FullName);
    }

    [Fact]
    public void Model_lists_of_all_matching_policies_intersect()
    {
        var both = Snapshot([Policy(["payments"], [], ["sonnet", "b"], null), Policy([], [], ["sonnet"], null), Policy(["others"], [], [], null)]);
        Assert.Null(Decision.Decide(both, Developer, null, "sonnet", Now).Refusal);
        Assert.Equal("model_not_allowed", Decision.Decide(both, Developer, null, "b", Now).Refusal!.Code);
    }

    [Theory]
    [InlineData(new CaptureMode[0], CaptureMode.Metadata)]
    [InlineData(new[] { CaptureMode.Full }, CaptureMode.Full)]
    [InlineData(new[] { CaptureMode.Full, CaptureMode.None }, CaptureMode.None)]
    [InlineData(new[] { CaptureMode.Metadata, CaptureMode.Full }, CaptureMode.Metadata)]
    public void Capture_takes_the_least_and_metadata_when_nobody_says(CaptureMode[] modes, CaptureMode expected) =>
        Assert.Equal(expected, Decision.Decide(Snapshot([.. modes.Select(m => Policy([], [], null, m))]), Developer, null, "b", Now).Capture);

    [Theory]
    [InlineData("DEV@contoso.example", true)]
    [InlineData("user_1", true)]
    [InlineData("someone@contoso.example", false)]
    public void A_policy_finds_its_people(string user, bool matches) =>
        Assert.Equal(matches, Policy([], [user], null, null).Matches(Developer));

    [Fact]
    public void Adding_a_policy_never_adds_a_deployment() =>
        Prop.ForAll(Gen.SubListOf(["sonnet", "a", "b", "c", "east/a", "claude-sonnet-4-6"]).ListOf().ToArbitrary(), lists =>
        {
            var policies = lists.Select(l => Policy([], [], [.. l], null)).ToArray();
            foreach (var model in new[] { "sonnet", "b", "c", "east/a" })
            {
                var with = Decision.Decide(Snapshot(policies), Developer, null, model, Now).Plan.Select(d => d.FullName).ToArray();
                for (var i = 0; i < policies.Length; i++)
                {
                    var without = Decision.Decide(Snapshot([.. policies.Where((_, j) => j != i)]), Developer, null, model, Now).Plan.Select(d => d.FullName);
                    if (with.Except(without).Any())
                        return false;
                }
            }
            return true;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_session_stays_with_its_deployment_and_sessions_spread_by_weight()
    {
        var snapshot = Snapshot();
        var targets = new[] { "east/a", "east/b", "west/c" };
        var deployments = snapshot.Resources.SelectMany(r => r.Deployments).ToDictionary(d => d.FullName);
        AliasTarget[] tier = [new(deployments[targets[0]], 0, 1), new(deployments[targets[1]], 0, 3), new(deployments[targets[2]], 1, 100)];
        snapshot = snapshot.With([new AliasSnapshot("spread", tier)], []);

        var first = Enumerable.Range(0, 2000).Select(i => Decision.Decide(snapshot, Developer, null, "spread", Now, $"s{i}").Plan).ToArray();

        Assert.All(first, plan => Assert.Equal("west/c", plan[2].FullName));
        Assert.InRange(first.Count(p => p[0].FullName == "east/b"), 1400, 1600);
        Assert.Equal(first.Select(p => p[0]), Enumerable.Range(0, 2000).Select(i => Decision.Decide(snapshot, Developer, null, "spread", Now, $"s{i}").Plan[0]));
        // Without one of them, only its own sessions move.
        var fewer = snapshot.With([new AliasSnapshot("spread", [tier[1], tier[2]])], []);
        Assert.All(Enumerable.Range(0, 2000).Where(i => first[i][0].FullName == "east/b"), i => Assert.Equal("east/b", Decision.Decide(fewer, Developer, null, "spread", Now, $"s{i}").Plan[0].FullName));
    }

    private static PolicySnapshot Policy(string[] groups, string[] users, string[]? models, CaptureMode? capture) => new("policies[0]", groups, users, models, capture);

    private static GatewaySnapshot Snapshot(PolicySnapshot[]? policies = null, (string Name, string[] Targets)[]? aliases = null, ResourceSnapshot[]? resources = null)
    {
        aliases ??= resources is null ? [("sonnet", ["east/a"])] : [];
        resources ??= [Resource("east", "a", "b"), Resource("west", "a", "c")];
        var deployments = resources.SelectMany(r => r.Deployments).ToDictionary(d => d.FullName);
        return new GatewaySnapshot
        {
            Resources = resources,
            Aliases = [.. aliases.Select(a => new AliasSnapshot(a.Name, [.. a.Targets.Select((t, i) => new AliasTarget(deployments[t], i, 1))]))],
            Policies = policies ?? [],
            Catalog = Shipped,
            PolicyHash = "sha256:p",
            ConfigurationHash = "sha256:c",
            MaxBodyBytes = 1,
        };
    }

    private static ResourceSnapshot Resource(string name, params string[] deployments)
    {
        var resource = new ResourceSnapshot { Name = name, Platform = Platform.Foundry, Endpoint = new Uri("https://x.example"), Agreements = [], Credential = new KeyCredential(new Secret("k")) };
        resource.Deployments = [.. deployments.Select(d => Deployment(resource, d, "claude-sonnet-4-6", "global"))];
        return resource;
    }

    private static DeploymentSnapshot Deployment(ResourceSnapshot resource, string name, string model, string scope) =>
        new() { Resource = resource, Name = name, Model = model, Scope = scope, Hosting = Hosting.Anthropic };
}
