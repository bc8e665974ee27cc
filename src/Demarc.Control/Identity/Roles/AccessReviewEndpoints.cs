using System.Text;
using Demarc.Control.AdminApi;
using Demarc.Control.Resources;
using Demarc.Storage;

namespace Demarc.Control.Identity.Roles;

/// <summary><c>GET /v1/organizations/access_review</c>: Demarc's own.</summary>
public sealed class AccessReviewEndpoints(Store store, Snapshots snapshots)
{
    /// <summary><c>{"data":[…],"next_page"}</c> by principal, <c>limit</c> principals a page, the next after <c>page</c>; with <c>format=csv</c> the page as CSV.</summary>
    public async Task<AdminAnswer> GetAsync(AdminRequest request)
    {
        var (page, problem) = request.Page("");
        if (problem is not null)
            return problem;
        if (request.Query("format") is not (null or "json" or "csv"))
            return AdminAnswer.Invalid("format", "give json or csv.");
        var (rows, next) = await new AccessReview(store, request.OrganizationId, snapshots.Current.Roles).PageAsync(request.Query("page"), page.Limit);
        return request.Query("format") == "csv"
            ? new AdminAnswer(200, Encoding.UTF8.GetBytes(AccessReview.Csv(rows))) { ContentType = "text/csv; charset=utf-8" }
            : AdminAnswer.Of(new { Data = rows, NextPage = next });
    }
}
