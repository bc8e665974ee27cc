namespace Demarc.Governance.Spend;

/// <summary>What happens at a limit.</summary>
public enum LimitMode
{
    /// <summary>People are warned at 75 and 95 %; nothing is refused. The default.</summary>
    Soft,

    /// <summary>Never passed: what does not fit is refused.</summary>
    Hard,

    /// <summary>On record when it is passed; nobody is told.</summary>
    Audit,
}

/// <summary>Whose spend one budget adds up.</summary>
public enum LimitScope
{
    /// <summary>All of the organization together.</summary>
    Organization,

    /// <summary>The members of groups and the people that <see cref="SpendLimit.Pool"/> names, together.</summary>
    Pool,

    /// <summary>Each person or service account by itself.</summary>
    Person,

    /// <summary>Each API key by itself.</summary>
    Key,
}

/// <summary>Whose money a pool is: groups by name, people by e-mail address or id.</summary>
public sealed record LimitPool(string[] Groups, string[] Users)
{
    /// <summary>Workspaces and projects by name or id, and classifications of projects: what requests for them cost.</summary>
    public string[] Workspaces { get; init; } = [];

    public string[] Projects { get; init; } = [];

    public string[] Classifications { get; init; } = [];
}

/// <summary>A limit as it was set.</summary>
/// <param name="Place">Where: <c>policies[1].limits[0]</c>, or the id <c>spl_…</c> of one that is data.</param>
/// <param name="AmountNano">Nano-dollars for each period.</param>
public sealed record SpendLimit(string Place, LimitScope Scope, LimitPeriod Period, long AmountNano, LimitMode Mode)
{
    /// <summary>Only what is spent at this resource counts; null for everywhere.</summary>
    public string? Resource { get; init; }

    /// <summary>Whose money it is together; null unless <see cref="Scope"/> says so.</summary>
    public LimitPool? Pool { get; init; }
}

/// <summary>The modes' names in the configuration and on the command line.</summary>
public static class LimitModes
{
    public static readonly string[] Names = ["soft", "hard", "audit"];

    public static string Wire(this LimitMode mode) => Names[(int)mode];

    public static bool TryParse(string name, out LimitMode mode)
    {
        var index = Array.IndexOf(Names, name);
        mode = (LimitMode)Math.Max(0, index);
        return index >= 0;
    }
}
