using System.Globalization;
using Demarc.Governance.Identity;

namespace Demarc.Control.Identity;

/// <summary>What people, service accounts, groups and keys may be called, and the roles people have.</summary>
public static class PrincipalRules
{
    /// <summary>Characters of a name.</summary>
    public const int MostName = 200;

    private const int MostProjectName = 100;

    // RFC 5321, 4.5.3.1.3: a path of 256 octets with its brackets.
    private const int MostEmail = 254;

    /// <summary>The roles of an organization on the Console (Admin API, "User"), and of its members elsewhere (User management).</summary>
    public static readonly string[] Roles = ["admin", "billing", "claude_code_user", "developer", "managed", "owner", "user"];

    /// <summary>What members of a workspace can be (Admin API, "Create Workspace Member").</summary>
    public static readonly string[] WorkspaceRoles = ["workspace_admin", "workspace_developer", "workspace_restricted_developer", "workspace_user"];

    /// <summary>Why a name cannot be used, to follow the field's name; null when it can.</summary>
    public static string? NameProblem(string name) =>
        string.IsNullOrWhiteSpace(name) ? "it is empty. Give 1 to 200 characters."
        : name.Length > MostName ? $"it has {name.Length} characters. Give at most {MostName}."
        : name.Any(Hidden) ? "it has a control character. Give visible characters and spaces only."
        : null;

    /// <summary>Why a project cannot have a name; null when it can. Requests send it as a header, which holds ASCII.</summary>
    public static string? ProjectNameProblem(string name) =>
        name.Length is > 0 and <= MostProjectName && name.All(c => c is >= ' ' and <= '~') && name.Trim() == name && !name.StartsWith(Ids.Project, StringComparison.Ordinal)
            ? null
            : $"this is no name for a project. Give 1 to {MostProjectName} letters, digits, signs and inner spaces of ASCII, as requests send it in a header.";

    /// <summary>Why a workspace cannot have a role given to a member; null when it can.</summary>
    public static string? WorkspaceRoleProblem(string role) =>
        WorkspaceRoles.Contains(role) ? null : $"there is no such role. Give one of {string.Join(", ", WorkspaceRoles)}.";

    /// <summary>Why an address cannot be used; null when it can.</summary>
    public static string? EmailProblem(string email)
    {
        var at = email.IndexOf('@');
        return email.Length <= MostEmail && at > 0 && at == email.LastIndexOf('@') && at < email.Length - 1 && !email.Any(c => c <= ' ' || Hidden(c) || c is '<' or '>' or ',' or ';' or '"')
            ? null
            : $"this is no e-mail address. Give one such as ana@contoso.example, of at most {MostEmail} characters.";
    }

    /// <summary>Why a role cannot be given; null when it can.</summary>
    public static string? RoleProblem(string role) =>
        Roles.Contains(role) ? null : $"there is no such role. Give one of {string.Join(", ", Roles)}.";

    // Also what turns the direction of writing: a name must not dress up as another.
    private static bool Hidden(char c) =>
        char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        || c is (>= '\u202A' and <= '\u202E') or (>= '\u2066' and <= '\u2069');
}
