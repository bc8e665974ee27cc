namespace Demarc.Governance.Boundaries;

/// <summary>A requirement with what is asked of it.</summary>
/// <param name="Count">For a count; else 0.</param>
/// <param name="Values">For places and words; else empty.</param>
public sealed record Asked(WayRequirement Requirement, long Count, string[] Values)
{
    /// <summary>What is asked, as people read it; empty for a flag.</summary>
    public string Text => Requirement.Form switch
    {
        RequirementForm.Flag => "",
        RequirementForm.Count => $"{Count}{(Requirement.Unit is { } unit ? $" {unit}" : "")}",
        _ => string.Join(", ", Values),
    };
}

/// <summary>How one way stands to one requirement.</summary>
/// <param name="Claim">What Demarc does about it; null alone, and where it does nothing.</param>
/// <param name="Why">One sentence; from the way's own verdict unless Demarc's claim decides.</param>
public sealed record Judged(Asked Asked, Verdict Verdict, string Why, CatalogSource[] Sources, DemarcClaim? Claim)
{
    /// <summary>The verdict once what is planned is built; null where nothing is.</summary>
    public Verdict? Planned => Claim is { IsBuilt: false, Gives: { } gives } && gives < Verdict ? gives : null;
}

/// <summary>A way, alone or behind Demarc, against all requirements in their order.</summary>
public sealed record JudgedWay(Way Way, bool IsBehind, Judged[] Judgements)
{
    /// <summary>What stands against it.</summary>
    public IEnumerable<Judged> With(Verdict verdict) => Judgements.Where(j => j.Verdict == verdict);
}

/// <summary>Holds requirements against every way to buy and run Claude. Pure.</summary>
public static class Advice
{
    /// <summary>Each way alone and behind Demarc, the best first: least that is not met, then least that is open, then most that is met.</summary>
    public static JudgedWay[] Judge(WayKnowledge known, IReadOnlyList<Asked> asked) =>
    [
        .. known.Ways.SelectMany(way => new[] { Judge(known, way, isBehind: false, asked), Judge(known, way, isBehind: true, asked) })
            .OrderBy(w => w.With(Verdict.NotMet).Count())
            .ThenBy(w => w.With(Verdict.Disputed).Count() + w.With(Verdict.Unknown).Count())
            .ThenByDescending(w => w.With(Verdict.Met).Count()),
    ];

    private static JudgedWay Judge(WayKnowledge known, Way way, bool isBehind, IReadOnlyList<Asked> asked) =>
        new(way, isBehind, [.. asked.Select(a => isBehind ? Behind(known, way, a) : Alone(way, a))]);

    private static Judged Alone(Way way, Asked asked)
    {
        var verdict = asked.Requirement.Verdicts.First(v => v.Ways.Contains(way.Id) && Applies(v, asked));
        return new(asked, verdict.Verdict, verdict.Why, verdict.Sources, null);
    }

    // What Demarc gives counts once it is built; until then it can take the place of what the way has.
    private static Judged Behind(WayKnowledge known, Way way, Asked asked)
    {
        var alone = Alone(way, asked);
        var claim = Array.Find(known.Claims, c => c.Requirement == asked.Requirement.Key && c.Ways.Contains(way.Id));
        return claim is { IsBuilt: true, Gives: { } gives } && gives < alone.Verdict ? new(asked, gives, claim.Why, claim.Sources, claim)
            : claim is { Today: { } today } ? new(asked, today, claim.Why, claim.Sources, claim)
            : alone with { Claim = claim };
    }

    private static bool Applies(WayVerdict verdict, Asked asked) => asked.Requirement.Form switch
    {
        RequirementForm.Count => (verdict.From is null || asked.Count >= verdict.From) && (verdict.To is null || asked.Count <= verdict.To),
        RequirementForm.Places or RequirementForm.Words => verdict.Within is null || Array.TrueForAll(asked.Values, verdict.Within.Contains),
        _ => true,
    };
}
