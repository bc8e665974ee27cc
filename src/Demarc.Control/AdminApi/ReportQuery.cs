using Demarc.Control.Compliance;
using Demarc.Storage.Ledger;

namespace Demarc.Control.AdminApi;

/// <summary>The buckets of a page of a report.</summary>
/// <param name="From">The first one's start.</param>
/// <param name="To">The last one's end.</param>
/// <param name="Next">The token of the next page; null when this is the last.</param>
public sealed record ReportPage(DateTimeOffset From, DateTimeOffset To, TimeSpan Width, SpendBucket Bucket, string? Next)
{
    public IEnumerable<DateTimeOffset> Starts()
    {
        for (var start = From; start < To; start += Width)
            yield return start;
    }

    /// <summary><c>{"data":[{"starting_at","ending_at","results":[…]}],"has_more","next_page"}</c>.</summary>
    public AdminAnswer Answer(Func<DateTimeOffset, IEnumerable<object>> results) => AdminAnswer.Of(new
    {
        Data = Starts().Select(start => new { StartingAt = Text(start), EndingAt = Text(start + Width), Results = results(start).ToArray() }).ToArray(),
        HasMore = Next is not null,
        NextPage = Next,
    });

    private static string Text(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>
/// Reads <c>starting_at</c>, <c>ending_at</c>, <c>bucket_width</c>, <c>limit</c> and <c>page</c> of a report (Admin API, "Get Messages
/// Usage Report", "Get Cost Report").
/// </summary>
public static class ReportQuery
{
    /// <summary>The parameters that may be given once.</summary>
    public static readonly string[] Once = ["starting_at", "ending_at", "bucket_width", "limit", "page"];

    private static readonly Dictionary<string, (TimeSpan Width, SpendBucket Bucket, int Default, int Most)> Widths = new()
    {
        ["1d"] = (TimeSpan.FromDays(1), SpendBucket.Day, 7, 31),
        ["1h"] = (TimeSpan.FromHours(1), SpendBucket.Hour, 24, 168),
        ["1m"] = (TimeSpan.FromMinutes(1), SpendBucket.Minute, 60, 1440),
    };

    /// <summary>The page asked for; null with <see cref="ComplianceQuery.Problem"/> when it cannot be had.</summary>
    /// <param name="listing">What the tokens of pages are bound to, the organization and every other parameter among it.</param>
    /// <param name="accepted">Widths that the report has.</param>
    public static ReportPage? Page(ComplianceQuery query, string listing, PageTokens tokens, DateTimeOffset now, params string[] accepted)
    {
        var width = query.Text("bucket_width") ?? "1d";
        if (!accepted.Contains(width))
            query.Wrong($"The `bucket_width` parameter must be one of {string.Join(", ", accepted)}. Got \"{ComplianceQuery.Printable(width)}\".");
        var (span, bucket, otherwise, most) = Widths.GetValueOrDefault(width, Widths["1d"]);
        var limit = query.Limit(otherwise, most);
        if (query.Text("starting_at") is null)
            query.Wrong("The `starting_at` parameter is required: an RFC 3339 timestamp, e.g., \"2024-03-01T00:00:00Z\".");
        // Whatever was asked, nothing is used after now: the last bucket is the one that now is in.
        var last = Floor(now, span) + span;
        var start = query.Time("starting_at") is { } from ? Floor(Bounded(from), span) : last;
        var end = query.Time("ending_at") is { } to ? Floor(Bounded(to), span) : last;
        if (query.Text("ending_at") is not null && end < start)
            query.Wrong("The `ending_at` parameter must be after `starting_at`.");
        if (end > last)
            end = last;
        if (query.Text("page") is { } page)
        {
            if (tokens.Read(listing, page) is { } value && long.TryParse(value, out var milliseconds))
                start = DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
            else
                query.Wrong("The `page` parameter is no token of this report. Use `next_page` of the answer before, with the same parameters.");
        }
        if (query.Problem is not null)
            return null;
        if (end < start)
            end = start;
        var stop = (end - start) / span > limit ? start + (span * limit) : end;
        return new ReportPage(start, stop, span, bucket, stop < end ? tokens.Make(listing, $"{stop.ToUnixTimeMilliseconds()}") : null);
    }

    /// <summary>All that a listing's tokens are bound to.</summary>
    public static string Listing(string report, AdminRequest request) => string.Join(
        '\n',
        request.Http.Query.Where(p => p.Key is not ("page" or "limit")).OrderBy(p => p.Key, StringComparer.Ordinal)
            .Select(p => $"{p.Key}={string.Join('\t', p.Value.ToArray())}").Prepend(request.OrganizationId).Prepend(report));

    /// <summary>Refuses values that are none of a closed set.</summary>
    public static string[] Among(this ComplianceQuery query, string name, params string[] accepted)
    {
        var values = query.Texts(name);
        if (values.FirstOrDefault(v => !accepted.Contains(v)) is { } wrong)
            query.Wrong($"The `{name}[]` parameter must be one of {string.Join(", ", accepted)}. Got \"{ComplianceQuery.Printable(wrong)}\".");
        return values;
    }

    private static DateTimeOffset Floor(DateTimeOffset time, TimeSpan width) => new(time.UtcTicks - (time.UtcTicks % width.Ticks), TimeSpan.Zero);

    // Within what both ends of a bucket can be written as.
    private static DateTimeOffset Bounded(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, 0, 253_370_764_800_000));
}
