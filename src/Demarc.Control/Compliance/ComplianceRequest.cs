using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Compliance;

/// <summary>A request of the Compliance API whose key holds and has the scope.</summary>
public sealed class ComplianceRequest(HttpRequest http, Principal principal)
{
    /// <summary>Every parameter of these endpoints: the record of a request keeps these and no other, which could be anything.</summary>
    private static readonly HashSet<string> Recorded =
    [
        "activity_types", "activity_types[]", "exclude_activity_types", "exclude_activity_types[]", "actor_ids", "actor_ids[]", "user_ids", "user_ids[]",
        "organization_ids", "organization_ids[]", "created_at.gte", "created_at.gt", "created_at.lte", "created_at.lt", "after_id", "before_id",
        "limit", "order", "page", "tool_use_input_max_bytes", "tool_result_max_bytes",
    ];

    private const int MaxRecordedLength = 2048;

    public Principal Principal => principal;

    public string OrganizationId => principal.OrganizationId;

    public IQueryCollection Query => http.Query;

    /// <summary>The session of the path; null where the path names none.</summary>
    public string? SessionId => http.RouteValues["session_id"] as string;

    public ActorRecord Actor { get; } = ActorRecord.Of(principal, http.HttpContext.Connection.RemoteIpAddress?.ToString(), http.Headers.UserAgent);

    /// <summary>Path and known parameters, for the record.</summary>
    public string Url
    {
        get
        {
            var url = new StringBuilder(http.Path.ToUriComponent());
            foreach (var (name, values) in http.Query.Where(p => Recorded.Contains(p.Key)))
            {
                foreach (var value in values)
                    url.Append(url.ToString().Contains('?', StringComparison.Ordinal) ? '&' : '?').Append(name).Append('=').Append(Uri.EscapeDataString(value ?? ""));
            }
            return url.Length <= MaxRecordedLength ? url.ToString() : url.ToString(0, MaxRecordedLength);
        }
    }
}

/// <summary>The scopes of the Compliance API ("Set up the Compliance API"), which follow from a key's kind.</summary>
public static class ComplianceScope
{
    public const string Activities = "read:compliance_activities";
    public const string UserData = "read:compliance_user_data";

    /// <summary>Empty for a key that is none of the Compliance API's.</summary>
    public static string[] Of(ApiKeyKind kind) => kind switch
    {
        ApiKeyKind.Compliance => [Activities, UserData],
        ApiKeyKind.Admin => [Activities],
        _ => [],
    };
}
