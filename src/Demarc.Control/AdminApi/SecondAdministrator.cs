using System.Text.Json;
using Demarc.Control.Resources;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Demarc.Control.AdminApi;

/// <summary>A change that a second administrator has approved, on the request that makes it.</summary>
/// <param name="Id"><c>chg_…</c>.</param>
/// <param name="By">Who approved it, and makes it.</param>
/// <param name="AskedType"><c>user</c> or <c>service_account</c>.</param>
/// <param name="AskedBy">Who asked for it.</param>
public sealed record ApprovedChange(string Id, Principal By, string AskedType, string AskedBy);

/// <summary>A change that waits, on the wire.</summary>
/// <param name="Kind">As <c>approvals</c> has it.</param>
/// <param name="Request">What was asked for: method and path.</param>
public sealed record PendingChangeObject(
    string Type, string Id, string Kind, string Summary, string Request, string AskedBy, string Status, string CreatedAt, string ExpiresAt, string? DecidedAt, string? DecidedBy)
{
    public static PendingChangeObject Of(PendingChange c) => new(
        "change", c.Id, c.Kind, c.Summary, $"{c.Method} {c.Path}", c.AskedBy, c.Status, Rfc3339.Text(c.CreatedAt), Rfc3339.Text(c.ExpiresAt), Rfc3339.Text(c.DecidedAt), c.DecidedBy);
}

/// <summary>Lets changes of the kinds that <c>approvals</c> names wait for a second administrator.</summary>
public sealed class SecondAdministrator(Store store, Snapshots snapshots)
{
    /// <summary>Why somebody cannot approve what another has asked for; null when they can.</summary>
    /// <param name="askedBy">The principal who asked.</param>
    public static AdminAnswer? ApproverProblem(Principal approver, string askedBy) =>
        askedBy == approver.Id ? new(403, null, "permission_error", "Nobody approves what they have asked for themselves: a second administrator does.")
        : approver.Type == "service_account" ? new(403, null, "permission_error", "A person approves: ask with the credential of an administrator, not of a service account.")
        : null;

    /// <summary>
    /// Null where the change can be made now; else 202 with the change that waits. To be asked when all else of the request was
    /// checked, so that what waits can be made.
    /// </summary>
    /// <param name="kind">As <c>approvals</c> has it.</param>
    public async Task<AdminAnswer?> HoldAsync(AdminRequest request, string kind, string summary)
    {
        if (request.Approved is not null || !snapshots.Current.Approvals.Contains(kind))
            return null;
        var http = request.Http;
        var change = new PendingChange
        {
            Id = Ids.New(PendingChanges.IdPrefix, store.Time),
            OrganizationId = request.OrganizationId,
            Kind = kind,
            Summary = summary,
            Method = http.Method,
            Route = ((RouteEndpoint)http.HttpContext.GetEndpoint()!).RoutePattern.RawText!,
            RouteValues = JsonSerializer.Serialize(http.RouteValues.ToDictionary(v => v.Key, v => (string)v.Value!)),
            Path = http.Path.ToUriComponent(),
            Query = http.QueryString.Value ?? "",
            Body = BodyFields.BytesOf(http),
            AskedType = request.Principal.Type,
            AskedBy = request.Principal.Id,
            Status = "pending",
            CreatedAt = store.Time.GetUtcNow().ToUnixTimeMilliseconds(),
            ExpiresAt = (store.Time.GetUtcNow() + PendingChanges.Waits).ToUnixTimeMilliseconds(),
        };
        await store.PendingChanges.KeepAsync(change, request.Actor);
        return AdminAnswer.Of(PendingChangeObject.Of(change)) with { Status = 202 };
    }
}
