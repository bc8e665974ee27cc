using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

public sealed class DecisionProperties
{
    private static readonly Addendum Executed = new(Estate.Now.AddDays(-1), null);

    private static readonly Arbitrary<(Requirements Require, Denials Deny)> Policies = (
        from inference in List("us", "eu", "global", "eu-west-1", "jp")
        from atRest in List("us", "eu", "gb")
        from processor in List("anthropic", "aws", "google", "microsoft")
        from platform in List("foundry", "anthropic", "bedrock", "vertex")
        from human in Gen.Elements<string?>(null, null, null, "flagged", "none")
        from days in Gen.Elements<int?>(null, null, null, 0, 30, 365)
        from flags in Gen.Choose(0, 15)
        from deny in Gen.SubListOf("us", "eu")
        from denied in Gen.SubListOf("aws", "google")
        select (
            new Requirements { Inference = inference, AtRest = atRest, Processor = processor, Platform = platform, HumanAccess = human, MaxRetentionDays = days, Zdr = flags == 1, Baa = flags == 2 },
            new Denials { Inference = flags > 12 ? [.. deny] : [], Processor = flags is > 3 and < 6 ? [.. denied] : [] })).ToArbitrary();

    [Fact]
    public void No_plan_holds_a_deployment_that_violates_a_requirement() =>
        Prop.ForAll(Policies.Generator.ListOf().ToArbitrary(), policies =>
        {
            var estate = With(policies);
            foreach (var deployment in estate.Decide().Plan)
            {
                // Said again in the plainest words, not in those of the decision.
                var boundary = deployment.Boundary;
                foreach (var (require, deny) in policies)
                {
                    var place = boundary[Hop.Inference, FactKind.Geography].Value;
                    var rest = boundary[Hop.Storage, FactKind.Geography].Value;
                    var processor = boundary[Hop.Inference, FactKind.Processor].Value;
                    var platform = deployment.Resource.Platform.Wire();
                    if (require.Inference is { } i && !i.Contains("global") && (place is null || !i.Any(a => place.Split('/').Contains(a)))
                        || require.AtRest is { } a && (rest is null || !a.Any(p => rest.Split('/').Contains(p)))
                        || require.Processor is { } p && !p.Contains(processor)
                        || require.Platform is { } f && !f.Contains(platform)
                        || require.HumanAccess == "none" && platform != "bedrock"
                        || require.Zdr && (platform is "foundry" or "bedrock" or "vertex" || deployment.Model == "claude-fable-5")
                        || require.Baa && platform is not "anthropic"
                        || require.MaxRetentionDays == 0 && deployment.Model == "claude-fable-5"
                        || deny.Inference.Any(d => place is null or "global" || place.Split('/').Contains(d))
                        || deny.Processor.Contains(processor))
                        return false;
                }
            }
            return true;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Adding_a_requirement_never_adds_a_deployment() =>
        Prop.ForAll(Policies.Generator.ListOf().ToArbitrary(), Policies, (policies, more) =>
            !With([.. policies, more]).Eligible().Except(With(policies).Eligible()).Any()).QuickCheckThrowOnFailure();

    [Fact]
    public void Deny_wins_over_whatever_is_required() =>
        Prop.ForAll(Policies.Generator.ListOf().ToArbitrary(), Gen.Elements(Enum.GetValues<Platform>()).ToArbitrary(), (policies, platform) =>
        {
            var estate = With(policies).Require(Requirements.None, new Denials { Platform = [platform.Wire()] });
            return estate.Decide().Plan.All(d => d.Resource.Platform != platform);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_refusal_comes_exactly_where_no_deployment_is_left() =>
        Prop.ForAll(Policies.Generator.ListOf().ToArbitrary(), policies =>
        {
            var estate = With(policies);
            var decision = estate.Decide();
            var explained = Explanation.Of(estate.Snapshot(), Estate.Developer, null, "all", Estate.Now);
            return decision.Refusal is null == (decision.Plan.Length > 0)
                && explained.Where(e => e.Reasons.Length == 0).Select(e => e.Deployment.FullName).SequenceEqual(decision.Plan.Select(d => d.FullName))
                && (decision.Refusal is null || decision.Refusal.Message.Length is > 20 and < 4000);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void A_refusal_says_what_to_do() =>
        Prop.ForAll(Policies.Generator.ListOf().ToArbitrary(), Gen.Elements("all", "direct/sonnet", "foundry-us/sonnet-us", "nothing").ToArbitrary(), (policies, name) =>
            With(policies).Decide(name).Refusal is not { } refusal || refusal.Message.Contains("administrator", StringComparison.Ordinal) || refusal.Message.Contains("Leave ", StringComparison.Ordinal)
                || refusal.Message.Contains("/model", StringComparison.Ordinal)).QuickCheckThrowOnFailure();

    private static Estate With(IEnumerable<(Requirements Require, Denials Deny)> policies)
    {
        var estate = new Estate().Agree("a", "anthropic", zdr: Executed, baa: Executed);
        foreach (var (require, deny) in policies)
            estate.Require(require, deny);
        return estate;
    }

    private static Gen<string[]?> List(params string[] values) =>
        Gen.Frequency((4, Gen.Constant<string[]?>(null)), (1, Gen.NonEmptyListOf(Gen.Elements(values)).Select(l => (string[]?)[.. l.Distinct()])));
}
