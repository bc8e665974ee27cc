namespace Demarc.Control.Exports;

/// <summary>A class of OCSF and what happened in it.</summary>
/// <param name="Uid"><c>class_uid</c>.</param>
/// <param name="ActivityId">From the class's own list; 99 for what it has no word for.</param>
internal sealed record OcsfClass(int Uid, string Name, int ActivityId, string Activity)
{
    public int CategoryUid => Uid / 1000;

    public string CategoryName => CategoryUid == 3 ? "Identity & Access Management" : "Application Activity";

    /// <summary><c>type_uid</c>.</summary>
    public int TypeUid => (Uid * 100) + ActivityId;

    public const int AccountChange = 3001;
    public const int Authentication = 3002;
    public const int EntityManagement = 3004;
    public const int UserAccess = 3005;
    public const int GroupManagement = 3006;
    public const int ApplicationLifecycle = 6002;
    public const int ApiActivity = 6003;

    private const int OtherActivity = 99;

    // What no rule below has right.
    private static readonly Dictionary<string, OcsfClass> Exact = new()
    {
        ["demarc_signed_in"] = new(Authentication, "Authentication", 1, "Logon"),
        ["demarc_sign_in_refused"] = new(Authentication, "Authentication", 1, "Logon"),
        ["demarc_sign_in_refreshed"] = new(Authentication, "Authentication", 5, "Service Ticket Renew"),
        ["demarc_sign_in_ended"] = new(Authentication, "Authentication", 2, "Logoff"),
        ["claude_user_role_updated"] = new(UserAccess, "User Access Management", 3, "Assign Role"),
        ["group_member_added"] = new(GroupManagement, "Group Management", 3, "Add User"),
        ["group_member_removed"] = new(GroupManagement, "Group Management", 4, "Remove User"),
        ["group_created"] = new(GroupManagement, "Group Management", 6, "Create"),
        ["group_deleted"] = new(GroupManagement, "Group Management", 5, "Delete"),
        ["demarc_gateway_started"] = new(ApplicationLifecycle, "Application Lifecycle", 3, "Start"),
        ["demarc_gateway_stopped"] = new(ApplicationLifecycle, "Application Lifecycle", 4, "Stop"),
        ["demarc_configuration_loaded"] = new(ApplicationLifecycle, "Application Lifecycle", 8, "Update"),
        ["demarc_configuration_refused"] = new(ApplicationLifecycle, "Application Lifecycle", 8, "Update"),
        ["compliance_api_accessed"] = new(ApiActivity, "API Activity", 2, "Read"),
        ["demarc_audit_exported"] = new(ApiActivity, "API Activity", 2, "Read"),
        ["demarc_inference"] = new(ApiActivity, "API Activity", 1, "Create"),
        ["demarc_token_count"] = new(ApiActivity, "API Activity", 2, "Read"),
    };

    private static readonly string[] People = ["user", "service_account"];
    private static readonly string[] Entities = ["api_key", "workspace", "project", "alias", "spend_limit", "organization", "signing_key", "role"];

    /// <summary>The class of an activity's type: also of those that this program does not write itself, by the words in them.</summary>
    public static OcsfClass Of(string type) =>
        Exact.TryGetValue(type, out var known) ? known
        : Verb(type) is not (var id and > 0, var verb) ? new(ApiActivity, "API Activity", OtherActivity, type)
        : Holds(type, People) && !type.Contains("member", StringComparison.Ordinal) ? Account(id, type)
        : Holds(type, Entities) ? new(EntityManagement, "Entity Management", id, verb)
        : new(ApiActivity, "API Activity", id, verb);

    // Account Change has no word for a change of other things than these.
    private static OcsfClass Account(int id, string type) => id switch
    {
        1 => new(AccountChange, "Account Change", 1, "Create"),
        4 => new(AccountChange, "Account Change", 6, "Delete"),
        _ => new(AccountChange, "Account Change", OtherActivity, type),
    };

    // Create, read, update and delete have the same numbers in API Activity and Entity Management.
    private static (int Id, string Name) Verb(string type) => type[(type.LastIndexOf('_') + 1)..] switch
    {
        "created" or "added" or "declared" => (1, "Create"),
        "accessed" or "viewed" or "read" or "exported" or "listed" => (2, "Read"),
        "updated" or "rotated" or "rewound" => (3, "Update"),
        "deleted" or "archived" or "removed" or "erased" or "revoked" => (4, "Delete"),
        _ => (0, ""),
    };

    private static bool Holds(string type, string[] words) => Array.Exists(words, w => type.Contains(w, StringComparison.Ordinal));
}
