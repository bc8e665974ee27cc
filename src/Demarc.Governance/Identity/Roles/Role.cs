namespace Demarc.Governance.Identity.Roles;

/// <summary>A named set of permissions.</summary>
/// <param name="Name">For example <c>security_auditor</c>.</param>
/// <param name="Place"><c>file:line</c> of a custom role; null for one that Demarc has built in.</param>
public sealed record Role(string Name, Permission Permissions, string Description, string? Place = null);

/// <summary>The roles that Demarc has built in.</summary>
public static class BuiltInRoles
{
    private const Permission Asks = Permission.ModelsAsk | Permission.MeRead;

    private const Permission Reviews = Permission.ReviewsRead | Permission.ReviewsRequest | Permission.ReviewsApprove;

    private const Permission Reads =
        Permission.MeRead | Permission.OrganizationRead | Permission.KeysRead | Permission.UsersRead | Permission.WorkspacesRead | Permission.ProjectsRead
        | Permission.AliasesRead | Permission.LimitsRead | Permission.UsageRead | Permission.RolesRead | Permission.ReviewsRead | Permission.HoldsRead | Permission.MetricsRead;

    private const Permission Administers =
        Asks | Reads | Permission.KeysManage | Permission.UsersManage | Permission.WorkspacesManage | Permission.ProjectsManage
        | Permission.AliasesManage | Permission.LimitsManage | Permission.RolesManage | Permission.ChangesApprove | Permission.ActivitiesRead | Permission.LogRead
        | Reviews | Permission.HoldsManage | Permission.PersonsManage;

    public static readonly Role Owner = new("owner", Administers | Permission.OwnersManage, "Administers, and gives and takes the role of owner. Reads no content.");

    public static readonly Role Admin = new("admin", Administers, "Administers everything but owners. Reads no content.");

    public static readonly Role Auditor = new("security_auditor", Reads | Permission.ActivitiesRead | Permission.LogRead, "Reads activities, the log and all that is administered; changes nothing, reads no content.");

    public static readonly Role Reviewer = new(
        "compliance_reviewer", Permission.MeRead | Permission.ActivitiesRead | Permission.LogRead | Reviews | Permission.HoldsRead | Permission.HoldsManage | Permission.MetricsRead | Permissions.OfContent, "Reads activities and sessions, asks for and decides reviews of their content, and sets legal holds.");

    public static readonly Role Billing = new(
        "billing", Permission.MeRead | Permission.OrganizationRead | Permission.UsersRead | Permission.WorkspacesRead | Permission.ProjectsRead | Permission.UsageRead | Permission.LimitsRead | Permission.LimitsManage,
        "Reads usage and cost, and sets spend limits.");

    public static readonly Role Developer = new("developer", Asks, "Asks models, and sees what is recorded about themselves.");

    /// <summary>
    /// Azure's roles: their data action <c>Microsoft.CognitiveServices/*</c> asks models; what else they permit (reading the
    /// resource, and for the second its keys) has no counterpart here, where no key is shown twice (Azure built-in roles, "AI +
    /// machine learning"; Claude Code on Microsoft Foundry, "Azure RBAC configuration").
    /// </summary>
    public static readonly Role FoundryUser = new("foundry_user", Asks, "Azure's Foundry User (before: Azure AI User): asks models.");

    /// <inheritdoc cref="FoundryUser"/>
    public static readonly Role CognitiveServicesUser = new("cognitive_services_user", Asks, "Azure's Cognitive Services User: asks models.");

    /// <summary>The vendor's names for people who ask models (Admin API, "User").</summary>
    private static readonly Role[] Vendors =
    [
        new("claude_code_user", Asks, "The vendor's name for developer."),
        new("user", Asks, "The vendor's name for developer."),
        new("managed", Permission.None, "Nothing but what is assigned."),
    ];

    public static readonly Role[] All = [Owner, Admin, Auditor, Reviewer, Billing, Developer, FoundryUser, CognitiveServicesUser, .. Vendors];

    /// <summary>A person's role in the directory that permits nothing by itself (User management, "managed").</summary>
    public const string Managed = "managed";
}
