namespace Demarc.Governance.Boundaries;

/// <summary>How a fact is known.</summary>
public enum FactStatus
{
    /// <summary>Nobody says: a requirement on it is not met.</summary>
    Unknown,

    /// <summary>What the catalog's sources say.</summary>
    Catalog,

    /// <summary>The operator says so, with a reason.</summary>
    Declared,

    /// <summary>Read from the platform's own management API.</summary>
    Verified,

    /// <summary>Seen on answers.</summary>
    Observed,

    /// <summary>Sources disagree: a requirement on it is not met until the operator declares it.</summary>
    Disputed,
}

/// <summary>The names of <see cref="FactStatus"/> in records and on the command line.</summary>
public static class FactStatuses
{
    public static string Wire(this FactStatus status) => status.ToString().ToLowerInvariant();
}

/// <summary>What one group of sources says.</summary>
public sealed record FactStatement(string[] Values, CatalogSource[] Sources)
{
    /// <summary>The date of the newest source.</summary>
    public DateOnly Date => Sources.Max(s => s.Date);
}

/// <summary>One thing that is true of one hop of a data path, and how it is known.</summary>
/// <param name="Values">Words from the fact's vocabulary (see <see cref="FactKinds"/>); none when unknown or disputed.</param>
/// <param name="Statements">What the sources say: one statement, several where they disagree, and those that a declaration overrides.</param>
/// <param name="Declaration">The operator's word; null when there is none.</param>
public sealed record Fact(FactStatus Status, string[] Values, FactStatement[] Statements, FactDeclaration? Declaration = null)
{
    public static readonly Fact Unknown = new(FactStatus.Unknown, [], []);

    /// <summary>Where and when it was verified or observed; null where it was not.</summary>
    public FactCheck? Check { get; init; }

    /// <summary>The date of what holds: of the check, the declaration, or the newest source; null when nothing is known.</summary>
    public DateOnly? Date => Check?.Date ?? Declaration?.Date ?? (Statements.Length == 0 ? null : Statements.Max(s => s.Date));

    /// <summary>True when a requirement may rest on it.</summary>
    public bool IsSettled => Status is not (FactStatus.Unknown or FactStatus.Disputed);

    /// <summary>The one value, where the fact has one; else null.</summary>
    public string? Value => Values is [var only] ? only : null;

    /// <summary>The days, for a fact that counts them; null when it is unknown or disputed.</summary>
    public int? Days => Value is { } text && int.TryParse(text, out var days) ? days : null;

    public bool Has(string value) => Array.IndexOf(Values, value) >= 0;

    /// <summary>The values as people read them; <c>unknown</c>, or every statement of a dispute.</summary>
    public string Text => Status switch
    {
        FactStatus.Unknown => "unknown",
        FactStatus.Disputed => string.Join(" or ", Statements.Select(s => string.Join("+", s.Values))),
        _ => string.Join("+", Values),
    };

    public static Fact Of(FactStatement[] statements) => statements switch
    {
        [] => Unknown,
        [var only] => new(FactStatus.Catalog, only.Values, statements),
        _ => new(FactStatus.Disputed, [], statements),
    };
}

/// <summary>Where a fact was verified or observed, and on which day.</summary>
public sealed record FactCheck(string Source, DateOnly Date);

/// <summary>The operator's own word on a fact, and why.</summary>
/// <param name="Fact">Which fact, as <c>storage.zdr</c>.</param>
/// <param name="Place">Where the configuration says so, such as <c>resources[0].facts</c>.</param>
/// <param name="Agreement">The agreement it rests on; null when it names none.</param>
/// <param name="Date">Since when it is known; null when it was left out.</param>
public sealed record FactDeclaration(FactName Fact, string[] Values, string Reason, string Place, string? Agreement, DateOnly? Date);
