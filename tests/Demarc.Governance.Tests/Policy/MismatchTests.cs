using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

/// <summary>Deployments whose platform, or whose answers, say otherwise than is declared.</summary>
public sealed class MismatchTests
{
    private const string First = "foundry-us/sonnet-azure";

    [Theory]
    [InlineData(FailoverScope.Any)]
    [InlineData(FailoverScope.Same)]
    [InlineData(FailoverScope.None)]
    public void A_mismatch_never_carries_a_request_further_than_failover_would(FailoverScope failover)
    {
        var snapshot = new Estate { Failover = failover }.Snapshot();
        var before = Decision.Decide(snapshot, Estate.Developer, null, "all", Estate.Now);
        var after = Decision.Decide(Checked(snapshot, holds: false), Estate.Developer, null, "all", Estate.Now);

        Assert.Equal(First, before.Plan[0].FullName);
        Assert.Equal(before.Plan.Skip(1).Select(d => d.FullName), after.Plan.Select(d => d.FullName));
        Assert.Equal(failover == FailoverScope.None ? "boundary_mismatch" : null, after.Refusal?.Code);
    }

    [Fact]
    public void What_is_out_of_service_is_explained_and_what_was_verified_is_in_the_boundary()
    {
        var snapshot = new Estate().Snapshot();

        var (_, reasons) = Explanation.Of(Checked(snapshot, holds: false), Estate.Developer, null, "all", Estate.Now).Single(e => e.Deployment.FullName == First);
        Assert.Contains("model is declared as a, and the platform says b", Assert.Single(reasons, r => r.Code == "boundary_mismatch").Message, StringComparison.Ordinal);

        var verified = Find(Checked(snapshot, holds: true));
        var geography = verified.Boundary[Hop.Inference, FactKind.Geography];
        Assert.Equal((FactStatus.Verified, "global", "the platform"), (geography.Status, geography.Value, geography.Check?.Source));
        Assert.NotEqual(Find(snapshot).BoundaryId, verified.BoundaryId);
        Assert.Equal(Find(snapshot).Declaration, verified.Declaration);
    }

    [Fact]
    public void A_check_of_another_declaration_says_nothing()
    {
        var snapshot = new Estate().Snapshot();
        var other = snapshot.Checked(new Dictionary<string, BoundaryCheck> { [First] = Check("decl_other", holds: false) });
        Assert.Null(Find(other).Mismatch);
    }

    [Theory]
    [InlineData("direct/sonnet-us", "us", false)]
    [InlineData("direct/sonnet-us", "not_available", false)]
    [InlineData("direct/sonnet-us", "global", true)]
    [InlineData("direct/sonnet-us", "eu", true)]
    [InlineData("direct/sonnet", "eu", false)]
    [InlineData("foundry-us/sonnet-us", "global", false)]
    [InlineData("foundry-us/sonnet-us", "eu", true)]
    [InlineData("bedrock-eu/sonnet-ireland", "eu", false)]
    [InlineData("bedrock-eu/sonnet-ireland", "us", true)]
    public void An_answer_contradicts_a_boundary_that_does_not_allow_its_geography(string deployment, string geography, bool contradicts) =>
        Assert.Equal(contradicts, new Estate().Snapshot().Resources.SelectMany(r => r.Deployments).Single(d => d.FullName == deployment).IsContradicted(geography));

    [Fact]
    public void The_same_boundary_always_has_the_same_document() =>
        Assert.Equal(BoundaryDocument.Of(Find(new Estate().Snapshot())), BoundaryDocument.Of(Find(new Estate().Snapshot())));

    private static GatewaySnapshot Checked(GatewaySnapshot snapshot, bool holds) =>
        snapshot.Checked(new Dictionary<string, BoundaryCheck> { [First] = Check(Find(snapshot).Declaration, holds) });

    private static BoundaryCheck Check(string declaration, bool holds) => new(
        First, declaration, Observed: false, "the platform", Estate.Now,
        [new CheckedFact("model", "a", "b", holds), new CheckedFact("inference.geography", "global", "global", true, ["global"])]);

    private static DeploymentSnapshot Find(GatewaySnapshot snapshot) => snapshot.Resources.SelectMany(r => r.Deployments).Single(d => d.FullName == First);
}
