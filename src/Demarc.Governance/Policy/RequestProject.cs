using Demarc.Governance.Identity;

namespace Demarc.Governance.Policy;

/// <summary>
/// Which project a request is for: the one of its key, else the one that it names itself; none where neither says. Whoever
/// asks has to be its member, whichever says it.
/// </summary>
public static class RequestProject
{
    /// <summary>The request header that names it. Demarc's own: it goes no further.</summary>
    public const string Header = "demarc-project";

    /// <summary>Turns a principal into the one at work for the project; the refusal where it cannot be.</summary>
    /// <param name="named">What the request names, a name or an id; null or empty for nothing.</param>
    public static Refusal? Enter(ref Principal principal, string? named)
    {
        if (string.IsNullOrEmpty(named))
            return principal.KeyProjectId is null ? null : EnterOfKey(ref principal);
        var index = IndexOf(principal.Projects, named);
        if (principal.KeyProjectId is { } bound && (index < 0 || principal.Projects[index].Id != bound))
            return new("project_of_key", $"The request names the project \"{OtherModels.Shown(named)}\", and its key is for another one. Leave {Header} out, or use a key that is for no project.");
        if (index < 0)
            return Unknown(principal, named);
        var project = principal.Projects[index];
        if (project.Workspace is { } workspace && principal.Workspace is { } own && own.Id != workspace.Id)
            return new("project_workspace", $"The project \"{project.Name}\" is in the workspace \"{workspace.Name}\", and the key in \"{own.Name}\". Use a key of that workspace, or of none.");
        principal = principal.For(index);
        return null;
    }

    private static Refusal? EnterOfKey(ref Principal principal)
    {
        var index = IndexOf(principal.Projects, principal.KeyProjectId!);
        if (index < 0)
            return new("project_closed", "The project that this key is for is archived, or you are no longer its member. Ask your administrator, or use another key.");
        principal = principal.For(index);
        return null;
    }

    private static int IndexOf(ProjectSnapshot[] projects, string nameOrId)
    {
        for (var i = 0; i < projects.Length; i++)
        {
            if (projects[i].Name == nameOrId || projects[i].Id == nameOrId)
                return i;
        }
        return -1;
    }

    // Whether there is such a project is nobody's business who is not in it.
    private static Refusal Unknown(Principal principal, string named)
    {
        var yours = principal.Projects.Length == 0
            ? "You are in none yet: ask your administrator to add you."
            : $"Yours: {string.Join(", ", principal.Projects.Select(p => p.Name))}.";
        return new("project_unknown", $"You are in no project \"{OtherModels.Shown(named)}\". {yours} Claude Code sends the name as {Header} in ANTHROPIC_CUSTOM_HEADERS; correct it there, or leave it out.");
    }
}
