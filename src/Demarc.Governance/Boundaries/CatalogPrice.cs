using System.Collections.Frozen;
using Demarc.Governance.Spend;

namespace Demarc.Governance.Boundaries;

/// <summary>A price and the days on which it holds.</summary>
/// <param name="From">The first day.</param>
/// <param name="Until">The first day on which it no longer holds; null while no end is known.</param>
public sealed record CatalogPrice(DateOnly From, DateOnly? Until, Speed Speed, ModelPrice Price, CatalogSource[] Sources)
{
    public bool Holds(DateOnly day) => From <= day && (Until is null || day < Until);
}

/// <summary>A factor on the price of tokens.</summary>
/// <param name="PerMille">1000 for one.</param>
/// <param name="Batch">It applies to batches only, else to <paramref name="Scopes"/>.</param>
/// <param name="Scopes">Names of scopes; one that ends in <c>:*</c> stands for all that begin so.</param>
/// <param name="Except">Ids of the models it does not apply to: a model the catalog does not know pays it.</param>
public sealed record CatalogMultiplier(
    string Name,
    int PerMille,
    bool Batch,
    Platform[] Platforms,
    string[] Scopes,
    FrozenSet<string> Except,
    CatalogSource[] Sources)
{
    internal bool Applies(string modelId, Platform platform, string? scope)
    {
        if (Array.IndexOf(Platforms, platform) < 0 || Except.Contains(modelId))
            return false;
        if (scope is null)
            return Batch;
        foreach (var candidate in Scopes)
        {
            if (candidate.EndsWith('*')
                ? scope.AsSpan().StartsWith(candidate.AsSpan(..^1), StringComparison.Ordinal)
                : candidate == scope)
                return true;
        }
        return false;
    }
}

/// <summary>
/// What code execution costs an organization: by the time of its containers, beyond the free hours of a month. Answers
/// count the calls and not their time, so that what is known of it is the least it can be.
/// </summary>
/// <param name="NanoPerHour">Nano-dollars for an hour of one container.</param>
/// <param name="MinimumMinutes">The least that a call is billed.</param>
public sealed record CodeExecutionCharge(long NanoPerHour, long MinimumMinutes, long FreeHours, CatalogSource[] Sources)
{
    private const int MinutesOfHour = 60;

    /// <summary>The least that a month's calls cost, nano-dollars.</summary>
    public long Cost(long callsOfMonth)
    {
        var minutes = Math.Max(0, checked(callsOfMonth * MinimumMinutes) - (FreeHours * MinutesOfHour));
        return (long)((((Int128)minutes * NanoPerHour) + MinutesOfHour - 1) / MinutesOfHour);
    }
}

/// <summary>Tokens of the prompt that the provider adds and no byte of the request stands for.</summary>
/// <param name="Name">What brings them: <c>tools</c> (any at all), a tool's name, <c>image</c> (each).</param>
public sealed record CatalogOverhead(string Name, long Tokens, string? Note, CatalogSource[] Sources);
