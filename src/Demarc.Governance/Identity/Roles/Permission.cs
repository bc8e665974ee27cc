namespace Demarc.Governance.Identity.Roles;

/// <summary>What somebody may do. Every route needs one of these; what is granted by no role is denied.</summary>
[Flags]
public enum Permission : long
{
    None = 0,

    /// <summary>Ask models, list them, and have the settings that clients ask for.</summary>
    ModelsAsk = 1L << 0,

    /// <summary>See one's own sessions, what is recorded about one, and ask for a role.</summary>
    MeRead = 1L << 1,

    OrganizationRead = 1L << 2,
    KeysRead = 1L << 3,

    /// <summary>Make and end keys, of anybody: an inference key acts as its owner.</summary>
    KeysManage = 1L << 4,

    UsersRead = 1L << 5,
    UsersManage = 1L << 6,
    WorkspacesRead = 1L << 7,
    WorkspacesManage = 1L << 8,
    ProjectsRead = 1L << 9,
    ProjectsManage = 1L << 10,
    AliasesRead = 1L << 11,
    AliasesManage = 1L << 12,
    LimitsRead = 1L << 13,
    LimitsManage = 1L << 14,
    UsageRead = 1L << 15,

    /// <summary>See roles, who has them, and the access review.</summary>
    RolesRead = 1L << 16,

    /// <summary>Give and take roles, to others, and decide requests for one.</summary>
    RolesManage = 1L << 17,

    /// <summary>Give and take the role of owner.</summary>
    OwnersManage = 1L << 18,

    /// <summary>Decide changes that wait for a second administrator.</summary>
    ChangesApprove = 1L << 19,

    ActivitiesRead = 1L << 20,

    /// <summary>Read the log's tree.</summary>
    LogRead = 1L << 21,

    /// <summary>List sessions, and read their content where a review or an exemption opens it.</summary>
    TranscriptsRead = 1L << 22,

    ReviewsRequest = 1L << 23,
    ReviewsApprove = 1L << 24,
    ReviewsRead = 1L << 25,

    /// <summary>Read people, groups, roles and settings as the Compliance API has them.</summary>
    OrganizationData = 1L << 26,

    HoldsRead = 1L << 27,

    /// <summary>Keep records from being erased, and let them go again.</summary>
    HoldsManage = 1L << 28,

    MetricsRead = 1L << 29,

    /// <summary>Export all that is kept of a person, and erase it.</summary>
    PersonsManage = 1L << 30,
}

/// <summary>Permissions by name, as roles in the configuration and APIs have them: <c>keys.read</c>.</summary>
public static class Permissions
{
    private static readonly (Permission Permission, string Name)[] Named =
        [.. Enum.GetValues<Permission>().Where(p => p != Permission.None).Select(p => (p, Wire(p.ToString())))];

    /// <summary>Every name, in the order of the enumeration.</summary>
    public static readonly string[] Names = [.. Named.Select(n => n.Name)];

    /// <summary>What a role assigned at a workspace can permit there.</summary>
    public const Permission OfWorkspace = Permission.ModelsAsk | Permission.WorkspacesRead | Permission.WorkspacesManage;

    /// <summary>What compliance alone reads: not an administrator's, who still may decide reviews.</summary>
    public const Permission OfContent = Permission.TranscriptsRead | Permission.OrganizationData;

    public static bool TryParse(string name, out Permission permission)
    {
        permission = Array.Find(Named, n => n.Name == name).Permission;
        return permission != Permission.None;
    }

    /// <summary>The names of a set.</summary>
    public static string[] NamesOf(Permission set) => [.. Named.Where(n => set.HasFlag(n.Permission)).Select(n => n.Name)];

    // ModelsAsk: models.ask.
    private static string Wire(string name)
    {
        var verb = name.AsSpan().LastIndexOfAnyInRange('A', 'Z');
        return $"{name[..verb]}.{name[verb..]}".ToLowerInvariant();
    }
}
