using System.Collections.Frozen;

namespace Demarc.Governance.Boundaries;

/// <summary>A stage of the data path behind Demarc.</summary>
public enum Hop
{
    /// <summary>The platform's address: authentication, quota, logs.</summary>
    Edge,

    /// <summary>Where the model runs.</summary>
    Inference,

    /// <summary>Where content rests.</summary>
    Storage,

    /// <summary>Safety review of what was flagged.</summary>
    Review,

    /// <summary>Billing and metrics.</summary>
    Billing,
}

/// <summary>What can be said of a hop.</summary>
public enum FactKind
{
    Seller,
    Operator,
    Processor,
    Geography,
    Sees,
    RetentionDays,
    Zdr,
    Baa,
    HumanAccess,
    FlaggedDays,
    Shares,
    SharedWith,
    Agreement,
    Pinning,
    Logs,
    PrivateNetwork,
}

/// <summary>A fact of a hop, written <c>storage.zdr</c>.</summary>
public readonly record struct FactName(Hop Hop, FactKind Kind)
{
    public override string ToString() => $"{Hop.Wire()}.{Kind.Wire()}";

    /// <summary>Every fact there is.</summary>
    public static readonly FrozenDictionary<string, FactName> All =
        (from hop in Enum.GetValues<Hop>() from kind in FactKinds.Of(hop) select new FactName(hop, kind)).ToFrozenDictionary(n => n.ToString());
}

/// <summary>The vocabulary of facts: which hop has which, and the words each accepts.</summary>
public static class FactKinds
{
    /// <summary>The words for those who take part.</summary>
    public static readonly string[] Parties = ["anthropic", "microsoft", "aws", "google"];

    private static readonly string[] Wires =
    [
        "seller", "operator", "processor", "geography", "sees", "retention_days", "zdr", "baa", "human_access", "flagged_days",
        "shares", "shared_with", "agreement", "pinning", "logs", "private_network",
    ];

    public static string Wire(this FactKind kind) => Wires[(int)kind];

    public static string Wire(this Hop hop) => hop switch
    {
        Hop.Edge => "edge",
        Hop.Inference => "inference",
        Hop.Storage => "storage",
        Hop.Review => "review",
        Hop.Billing => "billing",
        _ => throw new ArgumentOutOfRangeException(nameof(hop)),
    };

    /// <summary>The facts of a hop, in the order in which they are shown.</summary>
    public static FactKind[] Of(Hop hop) => hop switch
    {
        Hop.Edge => [FactKind.Seller, FactKind.Operator, FactKind.Processor, FactKind.Geography, FactKind.Sees, FactKind.Logs, FactKind.PrivateNetwork, FactKind.Pinning, FactKind.Agreement],
        Hop.Inference => [FactKind.Seller, FactKind.Operator, FactKind.Processor, FactKind.Geography, FactKind.Sees, FactKind.Agreement],
        Hop.Storage => [FactKind.Operator, FactKind.Processor, FactKind.Geography, FactKind.RetentionDays, FactKind.Zdr, FactKind.Baa, FactKind.Agreement],
        Hop.Review => [FactKind.Operator, FactKind.Processor, FactKind.Geography, FactKind.HumanAccess, FactKind.Sees, FactKind.FlaggedDays],
        Hop.Billing => [FactKind.Operator, FactKind.Processor, FactKind.Geography, FactKind.Sees, FactKind.Shares, FactKind.SharedWith, FactKind.Agreement],
        _ => throw new ArgumentOutOfRangeException(nameof(hop)),
    };

    /// <summary>The closed set of words that a kind accepts; null for names, geographies and numbers of days.</summary>
    public static string[]? Words(this FactKind kind) => kind switch
    {
        FactKind.Seller or FactKind.Operator or FactKind.Processor or FactKind.SharedWith => Parties,
        FactKind.Sees => ["content", "flagged-content", "metrics", "identity", "billing", "nothing"],
        FactKind.Zdr => ["default", "on-request", "account-setting", "no"],
        FactKind.Baa => ["default", "on-request", "no"],
        FactKind.HumanAccess => ["none", "flagged", "any"],
        FactKind.Shares => ["contact", "transactions", "usage", "nothing"],
        FactKind.Pinning => ["exact", "floating"],
        FactKind.Logs => ["metrics", "content"],
        FactKind.PrivateNetwork => ["available", "no"],
        _ => null,
    };

    public static bool CountsDays(this FactKind kind) => kind is FactKind.RetentionDays or FactKind.FlaggedDays;

    /// <summary>True for kinds of which a hop can have several values at once.</summary>
    public static bool IsList(this FactKind kind) =>
        kind is FactKind.Sees or FactKind.Shares or FactKind.SharedWith or FactKind.Geography or FactKind.Agreement;
}
