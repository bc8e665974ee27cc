using Demarc.Governance.Identity;

namespace Demarc.Governance.Policy;

/// <summary>How much at once and in a minute; each null for no limit.</summary>
/// <param name="TokensPerMinute">Input, cache writes and output; what is read from a cache does not count.</param>
/// <param name="Concurrent">Requests under way.</param>
public readonly record struct RateLimit(int? RequestsPerMinute, long? TokensPerMinute, int? Concurrent)
{
    public bool IsNone => RequestsPerMinute is null && TokensPerMinute is null && Concurrent is null;
}

/// <summary>Whose requests a rate limit of a policy counts together.</summary>
public enum RatePer
{
    Person,
    Key,

    /// <summary>All whom the policy matches.</summary>
    Pool,
}

/// <summary>A rate limit of a policy.</summary>
/// <param name="Place"><c>policies[1].rates[0]</c>.</param>
public sealed record PolicyRate(string Place, RatePer Per, RateLimit Limit);

/// <summary>A rate limit on one principal.</summary>
/// <param name="Key">What counts together has the same.</param>
public sealed record AppliedRate(PolicyRate Rate, string Key)
{
    internal AppliedRate(PolicyRate rate, Principal principal)
        : this(rate, rate.Per switch
        {
            RatePer.Person => $"{principal.OrganizationId}/{principal.Id}/{rate.Place}",
            RatePer.Key => $"{principal.OrganizationId}/{principal.KeyId}/{rate.Place}",
            _ => $"{principal.OrganizationId}//{rate.Place}",
        })
    {
    }
}
