using System.Globalization;
using System.Text;
using Demarc.Governance.Boundaries;

namespace Demarc.Control.Contracts;

/// <summary>
/// A record of processing activities in the form of GDPR article 30(1), as far as a gateway knows it: recipients, places,
/// transfers, time limits. What only the controller knows is marked.
/// </summary>
public static class Article30
{
    private const string ToFill = "(to be filled in by the controller)";

    // Where the regulation applies: the EU's members stand under "eu", and with them the EEA.
    private static readonly string[] Inside = ["eu", "is", "li", "no"];

    /// <summary>A line for each processor, hop, place and agreement, with the deployments that share them.</summary>
    public static NamedTable Recipients(ContractRegister register) => new(
        "recipients",
        ["recipient", "what for", "categories of data", "place", "third country", "agreement", "kept for", "people who may see content", "deployments"],
        [.. register.Processors.GroupBy(p => (p.Party, p.Hop, p.Geography, Agreements: Names(p), Kept: Kept(register, p), Seen: Seen(p))).Select(g => new[]
        {
            g.Key.Party, Purpose(g.Key.Hop), Categories(g.First()), g.Key.Geography, ThirdCountry(g.Key.Geography),
            g.Key.Agreements.Length > 0 ? g.Key.Agreements : "none in force", g.Key.Kept, g.Key.Seen,
            string.Join(" ", g.Select(p => p.Deployment.FullName)),
        })]);

    public static string ToMarkdown(ContractRegister register)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"""
            # Record of processing activities: Claude through Demarc

            Article 30(1) of Regulation (EU) 2016/679, as of {register.At:yyyy-MM-dd}.

            | | |
            |---|---|
            | (a) controller, and its data protection officer | {register.Organization} {ToFill} |
            | (b) purposes | {ToFill} |
            | (c) data subjects | people who use Claude through Demarc; those whom prompts and answers are about {ToFill} |
            | (c) personal data | who asked, when, from which address, for which model, at what cost; prompts and answers |
            | (d) recipients | the table below |
            | (e) transfers to third countries | the table below; the safeguards of each agreement {ToFill} |
            | (f) time limits for erasure | the table below; for Demarc's own store {ToFill} |
            | (g) security measures | transcripts sealed under keys of their own, each read of them on record; API keys kept as hashes; requests sent only where policy allows {ToFill} |

            ## Recipients


            """);
        text.Append(Recipients(register).ToMarkdown());
        return text.ToString();
    }

    private static string Names(ProcessorInUse use) => string.Join(" ", use.Agreements.Select(a => a.Name));

    private static string Purpose(Hop hop) => hop switch
    {
        Hop.Edge => "the platform's address: sign-in, quota, logs",
        Hop.Inference => "running the model",
        Hop.Storage => "keeping content",
        Hop.Review => "safety review of what was flagged",
        Hop.Billing => "billing and metrics",
        _ => throw new ArgumentOutOfRangeException(nameof(hop)),
    };

    private static string Categories(ProcessorInUse use)
    {
        var sees = use.Deployment.Boundary[use.Hop, FactKind.Sees];
        return sees.Status != FactStatus.Unknown ? sees.Text : use.Hop is Hop.Inference or Hop.Storage ? "content" : "unknown";
    }

    private static string Kept(ContractRegister register, ProcessorInUse use)
    {
        var days = use.Hop switch
        {
            Hop.Storage => use.Deployment.Boundary[Hop.Storage, FactKind.RetentionDays],
            Hop.Review => use.Deployment.Boundary[Hop.Review, FactKind.FlaggedDays],
            _ => null,
        };
        if (days is null)
            return "";
        if (use.Hop == Hop.Storage && use.Agreements.Any(a => a.Zdr?.Holds(register.At) is true) && use.Deployment.Boundary[Hop.Storage, FactKind.Zdr] is { IsSettled: true, Value: not "no" })
            return "not kept (zero data retention)";
        return days.Days is { } count ? $"{count} days" : days.Text;
    }

    private static string Seen(ProcessorInUse use) => use.Hop switch
    {
        Hop.Review => use.Deployment.Boundary[Hop.Review, FactKind.HumanAccess].Text,
        _ => "",
    };

    private static string ThirdCountry(string places)
    {
        // "eu/eu-west-1", "us or global", "us+jp".
        var outside = places.Replace(" or ", "+", StringComparison.Ordinal).Split('+').Select(p => p.Split('/')[0]).Where(p => !Inside.Contains(p)).Distinct().ToArray();
        return places == "unknown" ? "unknown"
            : outside.Length == 0 ? "no"
            : outside.Contains(Geography.Anywhere) ? "possible: anywhere"
            : $"yes: {string.Join(", ", outside)}";
    }
}
