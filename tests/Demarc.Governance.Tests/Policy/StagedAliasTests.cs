using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Governance.Tests.Boundaries;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

public sealed class StagedAliasTests
{
    private const int Sessions = 3000;

    [Fact]
    public void As_the_share_grows_who_went_stays_and_the_others_keep_their_deployment()
    {
        var snapshot = new Estate().Snapshot();
        var went = new HashSet<int>();
        foreach (var perMille in new[] { 50, 100, 400, 999 })
        {
            var staged = Staged(snapshot, perMille);
            var now = Enumerable.Range(0, Sessions).Where(i => First(staged, $"s{i}") == "direct/sonnet-us").ToHashSet();
            Assert.Superset(went, now);
            Assert.InRange(now.Count, (Sessions * perMille / 1000) - 150, (Sessions * perMille / 1000) + 150);
            Assert.All(Enumerable.Range(0, Sessions).Except(now), i => Assert.Equal("direct/sonnet", First(staged, $"s{i}")));
            went = now;
        }
    }

    [Fact]
    public void What_has_no_session_is_staged_by_person_and_a_question_about_the_name_never()
    {
        var staged = Staged(new Estate().Snapshot(), 500);
        Assert.Equal("direct/sonnet", First(staged, null));
        var people = Enumerable.Range(0, 200).Select(i => Decision.Decide(staged, Estate.Person($"user_{i}"), null, "sonnet", Estate.Now, "").Plan[0].FullName).ToArray();
        Assert.InRange(people.Count(p => p == "direct/sonnet-us"), 70, 130);
    }

    [Fact]
    public void A_staged_deployment_that_policy_refuses_or_that_fails_leaves_its_sessions_where_they_were()
    {
        var allowed = new Estate().Require(Requirements.None, new Denials { Models = ["direct/sonnet-us"] }).Snapshot();
        Assert.Equal("direct/sonnet", First(Staged(allowed, 999), "s1"));

        var plan = Decision.Decide(Staged(new Estate().Snapshot(), 999), Estate.Developer, null, "sonnet", Estate.Now, "s1").Plan;
        Assert.Equal(["direct/sonnet-us", "direct/sonnet"], plan.Select(d => d.FullName));
    }

    [Fact]
    public void Deciding_on_a_stage_allocates_nothing_on_a_hit()
    {
        var snapshot = Staged(new Estate().Snapshot(), 500);
        Ask(10);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Ask(1000);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Ask(int times)
        {
            for (var i = 0; i < times; i++)
            {
                if (Decision.Decide(snapshot, Estate.Developer, null, "sonnet", Estate.Now, "session-1").Plan.Length == 0)
                    throw new InvalidOperationException("Nothing is left to be asked.");
            }
        }
    }

    [Fact]
    public void Newer_models_are_those_of_the_same_line()
    {
        Assert.Equal(["claude-sonnet-5-5", "claude-sonnet-5"], Newer("claude-sonnet-4-6"));
        Assert.Equal([], Newer("claude-haiku-4-5"));
        Assert.Contains("claude-haiku-4-5-20251001", Newer("claude-3-5-haiku-20241022"));
        Assert.DoesNotContain("claude-opus-4-1-20250805", Newer("claude-3-opus-20240229"));

        static IEnumerable<string> Newer(string id) => ModelLine.Newer(CatalogFile.Shipped, CatalogFile.Shipped.FindModel(id)!).Select(m => m.Id);
    }

    private static string First(GatewaySnapshot snapshot, string? session) =>
        Decision.Decide(snapshot, Estate.Developer, null, "sonnet", Estate.Now, session).Plan[0].FullName;

    private static GatewaySnapshot Staged(GatewaySnapshot snapshot, int perMille)
    {
        var deployments = snapshot.Resources.SelectMany(r => r.Deployments).ToDictionary(d => d.FullName);
        return snapshot.With([new AliasSnapshot("sonnet", [new(deployments["direct/sonnet"], 0, 1)]) { Staged = new([new(deployments["direct/sonnet-us"], 0, 1)], perMille) }]);
    }
}
