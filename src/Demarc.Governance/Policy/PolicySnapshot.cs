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

    public PolicyRate[] RateLimits { get; init; } = [];

    /// <summary>Names or ids of workspaces, any of which matches.</summary>
    public string[] Workspaces { get; init; } = [];

    /// <summary>Names or ids of projects, any of which matches.</summary>
    public string[] Projects { get; init; } = [];

    /// <summary>Data classifications of projects, any of which matches.</summary>
    public string[] Classifications { get; init; } = [];

    public Requirements Require { get; init; } = Requirements.None;

    public Denials Deny { get; init; } = Denials.None;

    /// <summary>Settings for Claude Code, a JSON object; null for none.</summary>
    public string? Settings { get; init; }

    /// <summary>Settings for Claude Desktop, a JSON object, empty where it is only let in; null where it is not.</summary>
    public string? Desktop { get; init; }

    /// <summary>What is captured beside the conversation; null to leave it to the other policies.</summary>
    public CaptureParts? CaptureAlso { get; init; }

    /// <summary>What it says of how long things are kept.</summary>
    public RetentionPeriods Retention { get; init; } = RetentionPeriods.None;

    /// <summary>True where nothing is named to match by.</summary>
    public bool IsForEveryone => Groups.Length + Users.Length + Organizations.Length + Workspaces.Length + Projects.Length + Classifications.Length == 0;

    /// <summary>True for a policy without a match, and where any named organization, workspace, project, classification, group or user fits.</summary>
    public bool Matches(Principal principal)
    {
        if (IsForEveryone)
            return true;
        if (Array.IndexOf(Organizations, principal.OrganizationId) >= 0)
            return true;
        if (principal.Workspace is { } workspace && (Array.IndexOf(Workspaces, workspace.Name) >= 0 || Array.IndexOf(Workspaces, workspace.Id) >= 0))
            return true;
        if (principal.Project is { } project && MatchesProject(project))
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

    private bool MatchesProject(ProjectSnapshot project) =>
        Array.IndexOf(Projects, project.Name) >= 0 || Array.IndexOf(Projects, project.Id) >= 0
        || (project.Classification is { } classification && Array.IndexOf(Classifications, classification) >= 0);
}
