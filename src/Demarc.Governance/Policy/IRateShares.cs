namespace Demarc.Governance.Policy;

/// <summary>What a replica has of a rate.</summary>
/// <param name="Rate">What counts together has the same; see <see cref="AppliedRate.Key"/>.</param>
public readonly record struct RatePart(string OrganizationId, string Rate, RateAmounts Amounts);

/// <summary>
/// Where replicas keep how much of a rate each of them may use by itself. The parts of one rate never come to more than the
/// rate, but for what was used beyond it.
/// </summary>
public interface IRateShares
{
    /// <summary>
    /// Sets this replica's part of a rate by what the others have (<see cref="RateShare.Of"/>); the part, or <see cref="RateAmounts.Whole"/> for a
    /// replica that is alone.
    /// </summary>
    Task<RateAmounts> TakeAsync(string organizationId, string rate, RateLimit limit, RateAmounts used);

    /// <summary>Sets this replica's parts to what it keeps of them; nothing of one gives it up.</summary>
    Task KeepAsync(IReadOnlyCollection<RatePart> parts);

    /// <summary>Whether no other replica has been seen for a minute.</summary>
    Task<bool> IsAloneAsync();
}
