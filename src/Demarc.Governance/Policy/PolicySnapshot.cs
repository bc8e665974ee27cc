using Demarc.Governance.Identity;
using Demarc.Governance.Spend;

namespace Demarc.Governance.Policy;

/// <summary>One policy: whom it matches and what it asks. No match means everyone.</summary>
/// <param name="Groups">Names of groups, any of which matches; empty for not matching by group.</param>
/// <param name="Users">E-mail addresses or principal ids, any of which matches.</param>
/// <param name="Models">Names (alias, deployment or model id) that may be asked for; null for no restriction.</param>
public sealed record PolicySnapshot(
    string Place,
    string[] Groups,
    string[] Users,
    string[]? Models,
    CaptureMode? Capture)
{
    /// <summary>Ids of organizations, any of which matches; empty for not matching by organization.</summary>
    public string[] Organizations { get; init; } = [];

    public SpendLimit[] Limits { get; init; } = [];

    public Requirements Require { get; init; } = Requirements.None;

    public Denials Deny { get; init; } = Denials.None;

    /// <summary>True for a policy without a match, and where any named organization, group or user fits.</summary>
    public bool Matches(Principal principal)
    {
        if (Groups.Length == 0 && Users.Length == 0 && Organizations.Length == 0)
            return true;
        if (Array.IndexOf(Organizations, principal.OrganizationId) >= 0)
            return true;
        foreach (var group in Groups)
        {
            if (Array.IndexOf(principal.Groups, group) >= 0)
                return true;
        }
        foreach (var user in Users)
        {
            if (user == principal.Id || (principal.Email is { } email && string.Equals(user, email, StringComparison.OrdinalIgnoreCase)))
                return true;
        }
        return false;
    }
}
