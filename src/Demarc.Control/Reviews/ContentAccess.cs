using System.Globalization;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Demarc.Storage.Reviews;

namespace Demarc.Control.Reviews;

/// <summary>By what a session's content is opened.</summary>
/// <param name="ReasonCode">A review's, or <c>exempt</c>.</param>
/// <param name="ReviewId">Null for an exempt key.</param>
/// <param name="From">The first moment whose content is shown, Unix milliseconds; <paramref name="To"/>, the first one after.</param>
public sealed record OpenContent(string ReasonCode, string? ReviewId, long From, long To)
{
    /// <summary>What the event of a view says.</summary>
    public Dictionary<string, string?> Fields(Session session, int messages) => new()
    {
        ["session_id"] = session.Id,
        ["user_id"] = session.PrincipalId,
        ["reason_code"] = ReasonCode,
        ["review_id"] = ReviewId,
        ["messages"] = messages.ToString(CultureInfo.InvariantCulture),
    };
}

/// <summary>Law 6: who may open captured content, and why.</summary>
public sealed class ContentAccess(Store store)
{
    /// <summary>The event of each view of content that is not the viewer's own.</summary>
    public const string Viewed = "demarc_content_viewed";

    /// <summary>By what a reader may open a session; else what the reader is told.</summary>
    public async Task<(OpenContent? Open, string Refusal)> OfAsync(Principal reader, Session session)
    {
        if (reader.ReadExemptUntil > store.Time.GetUtcNow())
            return (new OpenContent("exempt", null, 0, long.MaxValue), "");
        var now = store.Time.GetUtcNow().ToUnixTimeMilliseconds();
        var pending = false;
        foreach (var review in await store.Reviews.OfReaderAsync(reader.OrganizationId, reader.Id))
        {
            if (!await CoversAsync(store, review, session))
                continue;
            if (review.StatusAt(now) == "approved")
                return (new OpenContent(review.ReasonCode, review.Id, review.FromAt ?? 0, review.ToAt ?? long.MaxValue), "");
            pending = true;
        }
        return (null, pending
            ? "A review of this session is asked for and not approved yet: another administrator approves it (demarc review approve, or POST /v1/organizations/reviews/ID/approve)."
            : $"Transcripts open through an approved review, or for a compliance key that is exempt from it for a time; neither is in force for this key and session. Ask for a review: POST /v1/organizations/reviews with reader_id {reader.Id}, or demarc review request; another administrator approves it.");
    }

    /// <summary>Whether a review is of a session.</summary>
    public static async Task<bool> CoversAsync(Store store, Review review, Session session) =>
        review.Covers(
            session.PrincipalId, session.Id, session.CreatedAt, session.LastAt,
            review.Scope == "group" ? (await store.Groups.MembersAsync(review.OrganizationId, review.ScopeId)).ToHashSet() : new HashSet<string>());
}
