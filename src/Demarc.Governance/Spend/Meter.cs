namespace Demarc.Governance.Spend;

/// <summary>
/// What one budget counts: whose spend, where, in which period. Two limits over the same meter (a soft one below a hard
/// one) share its total. The id depends on what is counted alone, so that it survives edits of the configuration.
/// </summary>
/// <param name="Subject">The person or key of that scope; null for the others.</param>
public sealed record Meter(string OrganizationId, LimitScope Scope, string? Subject, LimitPool? Pool, string? Resource, SpendPeriod Period)
{
    /// <summary><c>monthly:2026-11-01/person/user_…@resource</c>.</summary>
    public string Id { get; } =
        $"{Period}/{Name(Scope)}{(Subject ?? (Pool is null ? null : Of(Pool))) switch { null => "", var s => "/" + s }}{(Resource is null ? "" : "@" + Resource)}";

    private static string Name(LimitScope scope) => scope switch
    {
        LimitScope.Organization => "organization",
        LimitScope.Pool => "pool",
        LimitScope.Person => "person",
        _ => "key",
    };

    // The names themselves, not a digest: an operator reads it in the store.
    private static string Of(LimitPool pool) =>
        string.Join('|', [.. Of("g", pool.Groups), .. Of("u", pool.Users), .. Of("w", pool.Workspaces), .. Of("p", pool.Projects), .. Of("c", pool.Classifications)]);

    private static IEnumerable<string> Of(string kind, string[] names) => names.Order(StringComparer.Ordinal).Select(name => $"{kind}={name}");
}
