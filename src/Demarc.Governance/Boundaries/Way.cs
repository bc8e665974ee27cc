using System.Text.Json;

namespace Demarc.Governance.Boundaries;

/// <summary>A way to buy and run Claude.</summary>
/// <param name="Platform">As in the catalog; null for a plan that is no platform of the gateway.</param>
/// <param name="Behind">What of it passes Demarc, where that is not all; null for all.</param>
public sealed record Way(string Id, string Title, Platform? Platform, Hosting? Hosting, string? Behind);

/// <summary>How far a requirement is met, from best to worst.</summary>
public enum Verdict
{
    Met,
    Partly,

    /// <summary>The pages that were read do not say.</summary>
    Unknown,

    /// <summary>Pages disagree; <see cref="WayVerdict.Sources"/> has both.</summary>
    Disputed,

    NotMet,
}

/// <summary>What a requirement asks for.</summary>
public enum RequirementForm
{
    /// <summary>True.</summary>
    Flag,

    /// <summary>A whole number above zero.</summary>
    Count,

    /// <summary>Geographies or regions, all of which have to be allowed.</summary>
    Places,

    /// <summary>Some of <see cref="WayRequirement.Values"/>.</summary>
    Words,
}

/// <summary>Something that can be required of a way.</summary>
/// <param name="Key">Its key in a requirements file.</param>
/// <param name="Unit">What a count counts; null elsewhere.</param>
/// <param name="Values">The words there are; empty for other forms.</param>
/// <param name="Verdicts">For each way the first that applies counts; the last of each applies always.</param>
public sealed record WayRequirement(string Key, string Title, RequirementForm Form, string? Unit, string[] Values, WayVerdict[] Verdicts);

/// <summary>What sources say of some ways on one requirement.</summary>
/// <param name="Ways">Ids.</param>
/// <param name="Within">Applies where all that is asked for is among these; null for always.</param>
/// <param name="From">Applies to counts from here, and up to <paramref name="To"/>; null for no bound.</param>
/// <param name="Why">One sentence.</param>
public sealed record WayVerdict(string[] Ways, string[]? Within, long? From, long? To, Verdict Verdict, string Why, CatalogSource[] Sources)
{
    public bool IsAlways => Within is null && From is null && To is null;
}

/// <summary>What Demarc does about a requirement. All its claims stand in one list, so that what is built next changes one line.</summary>
/// <param name="Ways">Ids.</param>
/// <param name="IsBuilt">False for what is still being built.</param>
/// <param name="Gives">The verdict behind Demarc, where it gives what the way lacks; null where it keeps what the way has, and enforces it.</param>
/// <param name="Today">The verdict behind Demarc until what is planned is built, where that is not what the way has alone; else null.</param>
public sealed record DemarcClaim(string Requirement, string[] Ways, bool IsBuilt, Verdict? Gives, Verdict? Today, string Why, CatalogSource[] Sources);

/// <summary>What is known of the ways to buy and run Claude: the file <c>catalog/ways.json</c>. Immutable.</summary>
public sealed record WayKnowledge(Way[] Ways, WayRequirement[] Requirements, DemarcClaim[] Claims)
{
    /// <summary>Reads the file. Verdicts and claims refer to its own sources and to those of the catalog.</summary>
    /// <exception cref="CatalogException">The file cannot be used; names every problem with its path.</exception>
    public static WayKnowledge Parse(ReadOnlySpan<byte> json, Catalog catalog)
    {
        var problems = new List<CatalogProblem>();
        WayKnowledge? known = null;
        try
        {
            known = WayReader.Read(new JsonFields(JsonElement.Parse(json), "$", problems), catalog);
        }
        catch (JsonException malformed)
        {
            problems.Add(new("$", malformed.Message));
        }
        return problems.Count == 0 ? known! : throw new CatalogException(problems);
    }
}

/// <summary>The words for verdicts.</summary>
public static class Verdicts
{
    public static readonly IReadOnlyDictionary<string, Verdict> Names = new Dictionary<string, Verdict>
    {
        ["met"] = Verdict.Met,
        ["partly"] = Verdict.Partly,
        ["unknown"] = Verdict.Unknown,
        ["disputed"] = Verdict.Disputed,
        ["not-met"] = Verdict.NotMet,
    };

    /// <summary>As people read it: <c>not met</c>.</summary>
    public static string Text(this Verdict verdict) => verdict == Verdict.NotMet ? "not met" : verdict.ToString().ToLowerInvariant();
}
