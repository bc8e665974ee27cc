using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.AdminApi;

/// <summary>A request of the Admin API that the roles of whoever asks permit.</summary>
public sealed class AdminRequest(HttpRequest http, Principal principal)
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 1000;

    public HttpRequest Http { get; } = http;

    public string OrganizationId => principal.OrganizationId;

    public Principal Principal => principal;

    /// <summary>Set where a second administrator has approved this very request.</summary>
    public ApprovedChange? Approved { get; init; }

    /// <summary>For the records of what the request changes.</summary>
    public ActorRecord Actor { get; } = ActorRecord.Of(principal, http.HttpContext.Connection.RemoteIpAddress?.ToString(), http.Headers.UserAgent);

    /// <summary>A value of the path.</summary>
    public string Path(string name) => (string)Http.RouteValues[name]!;

    /// <summary>A parameter of the query; null when it is absent or empty.</summary>
    public string? Query(string name) => Http.Query[name] is [{ Length: > 0 } value, ..] ? value : null;

    /// <summary>A parameter that is <c>true</c>.</summary>
    public bool Asks(string name) => Query(name) is "true" or "1";

    /// <summary>Every value of a parameter that can be repeated, as <c>name=a&amp;name=b</c> or <c>name[]=a&amp;name[]=b</c>.</summary>
    public string[] QueryAll(string name) => [.. Http.Query[name].Concat(Http.Query[name + "[]"]).OfType<string>()];

    /// <summary>The page asked for by <c>after_id</c>, <c>before_id</c> and <c>limit</c> (1 to 1000, default 20), or why there is none.</summary>
    public (PageRequest Page, AdminAnswer? Problem) Page(string idPrefix)
    {
        var (after, before, limit) = (Query("after_id"), Query("before_id"), DefaultLimit);
        var problem =
            Query("limit") is { } text && (!int.TryParse(text, out limit) || limit is < 1 or > MaxLimit) ? AdminAnswer.Invalid("limit", $"give a whole number from 1 to {MaxLimit}.")
            : after is not null && before is not null ? AdminAnswer.Invalid("before_id", "a page starts after one id or before one: leave one of them out.")
            : IdProblem("after_id", idPrefix) ?? IdProblem("before_id", idPrefix);
        return (new PageRequest(after, before, limit), problem);
    }

    /// <summary>Why a parameter of the query is no id of that kind; null when it is one, or absent.</summary>
    public AdminAnswer? IdProblem(string name, string idPrefix) =>
        Query(name) is not { } id || Ids.TryParse(idPrefix, id, out _) ? null : AdminAnswer.Invalid(name, $"this is no id of that kind ({idPrefix}…).");
}
