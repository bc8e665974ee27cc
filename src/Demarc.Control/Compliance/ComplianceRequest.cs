using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Demarc.Control.Compliance;

/// <summary>A request of the Compliance API whose key holds and has the scope.</summary>
public sealed class ComplianceRequest(HttpRequest http, Principal principal)
{
    /// <summary>Every parameter of these endpoints: the record of a request keeps these and no other, which could be anything.</summary>
    private static readonly HashSet<string> Recorded =
    [
        "activity_types", "activity_types[]", "exclude_activity_types", "exclude_activity_types[]", "actor_ids", "actor_ids[]", "user_ids", "user_ids[]",
        "organization_ids", "organization_ids[]", "created_at.gte", "created_at.gt", "created_at.lte", "created_at.lt", "after_id", "before_id",
        "name_prefix", "limit", "order", "page", "tool_use_input_max_bytes", "tool_result_max_bytes",
    ];

    private const int MaxRecordedLength = 2048;

    public Principal Principal => principal;

    public string OrganizationId => principal.OrganizationId;

    /// <summary>Whose sessions alone are read; null for everyone's.</summary>
    public string? Owner { get; init; }

    public IQueryCollection Query => http.Query;

    /// <summary>The session of the path; null where the path names none.</summary>
    public string? SessionId => http.RouteValues["session_id"] as string;

    /// <summary>A value of the path.</summary>
    public string Path(string name) => http.RouteValues[name] as string ?? "";

    public ActorRecord Actor { get; } = ActorRecord.Of(principal, http.HttpContext.Connection.RemoteIpAddress?.ToString(), http.Headers.UserAgent);

    /// <summary>The session of the path when it can be one; what else stands there is not kept.</summary>
    public string? RecordedSessionId => Ids.TryParse(Ids.Session, SessionId, out _) ? SessionId : null;

    /// <summary>Path and known parameters, for the record: without what may be a key in the wrong place.</summary>
    public string Url
    {
        get
        {
            var isOther = SessionId is not null && RecordedSessionId is null;
            var url = new StringBuilder(isOther ? (http.HttpContext.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText : http.Path.ToUriComponent());
            var separator = '?';
            foreach (var (name, value) in http.Query.Where(p => Recorded.Contains(p.Key)).SelectMany(p => p.Value.Select(v => (p.Key, v ?? ""))))
            {
                url.Append(separator).Append(name).Append('=').Append(IsKey(value) ? "…" : Uri.EscapeDataString(value));
                separator = '&';
            }
            return url.Length <= MaxRecordedLength ? url.ToString() : url.ToString(0, MaxRecordedLength);
        }
    }

    private static bool IsKey(string value) =>
        value.Contains("sk-ant-", StringComparison.Ordinal) || Enum.GetValues<ApiKeyKind>().Any(kind => value.Contains(ApiKey.Prefix(kind), StringComparison.Ordinal));
}

/// <summary>The scopes of the Compliance API ("Set up the Compliance API"), which follow from roles.</summary>
public static class ComplianceScope
{
    public const string Activities = "read:compliance_activities";
    public const string UserData = "read:compliance_user_data";
    public const string OrganizationData = "read:compliance_org_data";

    /// <summary>Empty for a key that is none of the Compliance API's.</summary>
    public static string[] Of(Access access) =>
    [
        .. access.Allows(Permission.ActivitiesRead) ? [Activities] : Array.Empty<string>(),
        .. access.Allows(Permission.OrganizationData) ? [OrganizationData] : Array.Empty<string>(),
        .. access.Allows(Permission.TranscriptsRead) ? [UserData] : Array.Empty<string>(),
    ];
}
