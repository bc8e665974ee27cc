using System.Diagnostics;
using Demarc.Bench.Report;
using Demarc.Bench.Servers;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;

namespace Demarc.Bench;

/// <summary>What a decision costs, once its principal, name and session were decided before: 200 deployments, 50 policies.</summary>
internal static class Decisions
{
    private const int Rounds = 7;
    private const int Each = 200_000;

    public static void Run(string catalog, BenchResult result)
    {
        var snapshot = Snapshot(Catalog.Parse(File.ReadAllBytes(catalog)));
        var principal = new Principal { OrganizationId = "org_1", Type = "user", Id = "user_1", Name = "user", Groups = ["g3", "g7", "g11"], KeyId = "apikey_1", KeyKind = ApiKeyKind.Inference };
        var now = TimeProvider.System.GetUtcNow();
        foreach (var (name, session) in new[] { ("without a session", null), ("a session's order", "6f4c1de2-3b7a-4b7e-9d3a-111111111111") })
        {
            Ask(session);
            var bytes = GC.GetAllocatedBytesForCurrentThread();
            var rounds = Enumerable.Range(0, Rounds).Select(_ => Ask(session)).ToArray();
            bytes = GC.GetAllocatedBytesForCurrentThread() - bytes;
            result.Decisions.Add(new DecisionRow(name, rounds.Order().ElementAt(Rounds / 2), Math.Floor((double)bytes / (Rounds * Each))));
        }

        double Ask(string? session)
        {
            var start = Stopwatch.GetTimestamp();
            for (var i = 0; i < Each; i++)
            {
                if (Decision.Decide(snapshot, principal, null, "all", now, session, health: HealthView.Unknown).Plan.Length == 0)
                    throw new BenchException("Nothing is left to be asked.");
            }
            return Stopwatch.GetElapsedTime(start).TotalNanoseconds / Each;
        }
    }

    private static GatewaySnapshot Snapshot(Catalog catalog)
    {
        var resources = Enumerable.Range(0, 20).Select(r =>
        {
            var resource = new ResourceSnapshot { Name = $"r{r}", Platform = Platform.Bedrock, Endpoint = new Uri($"https://r{r}.example"), Region = r % 2 == 0 ? "eu-west-1" : "us-east-1", Agreements = [], Credential = new KeyCredential(new Secret("none")) };
            resource.Deployments = [.. Enumerable.Range(0, 10).Select(d => new DeploymentSnapshot { Resource = resource, Name = $"d{d}", Model = "claude-sonnet-4-6", Scope = r % 2 == 0 ? "data-zone:eu" : "data-zone:us", Hosting = Hosting.Aws })];
            foreach (var deployment in resource.Deployments)
                deployment.Boundary = Boundary.Of(catalog, deployment, DateOnly.MaxValue, []);
            return resource;
        }).ToArray();
        return new GatewaySnapshot
        {
            Resources = resources,
            Aliases = [new AliasSnapshot("all", [.. resources.SelectMany(r => r.Deployments).Select(d => new AliasTarget(d, 0, 1))])],
            Policies = [.. Enumerable.Range(0, 50).Select(i => new PolicySnapshot($"policies[{i}]", i < 3 ? [] : [$"g{i}"], [], null, null) { Require = i == 7 ? new Requirements { Inference = ["eu"] } : new Requirements { Processor = ["aws"] } })],
            Catalog = catalog,
            PolicyHash = "sha256:p",
            ConfigurationHash = "sha256:c",
            MaxBodyBytes = 1,
        };
    }
}
