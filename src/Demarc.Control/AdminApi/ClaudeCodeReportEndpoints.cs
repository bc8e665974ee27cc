using System.Globalization;
using Demarc.Control.Compliance;
using Demarc.Control.Reviews;
using Demarc.Governance;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Ledger;

namespace Demarc.Control.AdminApi;

/// <summary>
/// <c>/v1/organizations/usage_report/claude_code</c> (Admin API, "Get Claude Code Usage Report"). Lines of code, commits, pull
/// requests and tool actions happen where the client runs: without its telemetry they are 0. People appear under pseudonyms
/// and, where they are few, together: see <see cref="ReportPeople"/>.
/// </summary>
public sealed class ClaudeCodeReportEndpoints(Store store, ISnapshotSource snapshots, PageTokens tokens, PseudonymKey pseudonyms)
{
    private const int DefaultLimit = 20;
    private const int MaxLimit = 1000;
    private const decimal NanoPerCent = 10_000_000m;

    private static readonly string[] Tools = ["edit_tool", "multi_edit_tool", "notebook_edit_tool", "write_tool"];

    /// <summary>A row for each person and service account that used Claude Code on the day.</summary>
    public async Task<AdminAnswer> GetAsync(AdminRequest request)
    {
        var query = new ComplianceQuery(request.Http.Query, ["starting_at", "limit", "page"]);
        var limit = query.Limit(DefaultLimit, MaxLimit);
        var listing = ReportQuery.Listing("usage_report/claude_code", request);
        if (!DateOnly.TryParseExact(query.Text("starting_at"), "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
            query.Wrong("The `starting_at` parameter is required: a UTC date in YYYY-MM-DD format, e.g., \"2024-03-01\".");
        var after = query.Text("page") is { } page ? tokens.Read(listing, page) : "";
        if (after is null)
            query.Wrong("The `page` parameter is no token of this report. Use `next_page` of the answer before, with the same parameters.");
        if (query.Problem is not null)
            return query.Problem;

        var from = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero);
        if (day == DateOnly.MaxValue)
            from = from.AddDays(-1);
        var lines = await store.Spend.ListAsync(new SpendQuery(request.OrganizationId, from, from.AddDays(1))
        {
            By = SpendDimensions.Principal | SpendDimensions.Model,
            Only = new Dictionary<SpendDimensions, string[]> { [SpendDimensions.Surface] = ["claude_code"] },
        });
        var people = await ReportPeople.LoadAsync(store, request.OrganizationId, snapshots.Current, pseudonyms.Key, request.Actor.Id);
        var areFew = people.AreFew(lines.Select(l => l.PrincipalId!));
        var rows = lines.GroupBy(l => areFew && IsPerson(l.PrincipalId!) && !people.IsNamed(l.PrincipalId!) ? people.Few : l.PrincipalId!).Where(g => string.CompareOrdinal(g.Key, after) > 0)
            .OrderBy(g => g.Key, StringComparer.Ordinal).Take(limit + 1).ToArray();
        var sessions = await store.Spend.SessionsAsync(request.OrganizationId, "claude_code", from, from.AddDays(1));
        var data = new List<object>();
        foreach (var row in rows.Take(limit))
            data.Add(await ShapeAsync(request.OrganizationId, from, row, row.Select(l => l.PrincipalId!).Distinct().Sum(id => sessions.GetValueOrDefault(id)), people));
        var hasMore = rows.Length > limit;
        return AdminAnswer.Of(new { Data = data, HasMore = hasMore, NextPage = hasMore ? tokens.Make(listing, rows[limit - 1].Key) : null });
    }

    private async Task<object> ShapeAsync(string organizationId, DateTimeOffset day, IGrouping<string, SpendLine> row, long sessions, ReportPeople people) => new
    {
        Actor = await ActorAsync(organizationId, row.Key, people),
        CoreMetrics = new
        {
            CommitsByClaudeCode = 0,
            LinesOfCode = new { Added = 0, Removed = 0 },
            NumSessions = sessions,
            PullRequestsByClaudeCode = 0,
        },
        CustomerType = "api",
        Date = day.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        IsRemote = false,
        ModelBreakdown = row.GroupBy(l => l.Model, (_, same) => same.Aggregate((a, b) => a + b)).Select(l => new
        {
            EstimatedCost = new { Amount = l.NanoUsd / NanoPerCent, Currency = "USD" },
            l.Model,
            Tokens = new { CacheCreation = l.CacheWrite5mTokens + l.CacheWrite1hTokens, CacheRead = l.CacheReadTokens, Input = l.InputTokens, Output = l.OutputTokens },
        }),
        OrganizationId = organizationId,
        SubscriptionType = (string?)null,
        TerminalType = "unknown",
        ToolActions = Tools.ToDictionary(t => t, _ => new { Accepted = 0, Rejected = 0 }),
    };

    private static bool IsPerson(string id) => id.StartsWith(Ids.User, StringComparison.Ordinal);

    private async Task<object> ActorAsync(string organizationId, string id, ReportPeople people)
    {
        if (id.StartsWith(Ids.ServiceAccount, StringComparison.Ordinal))
            return new { ApiKeyName = (await store.ServiceAccounts.GetAsync(organizationId, id))?.Name ?? id, Type = "api_actor" };
        return new { EmailAddress = people.Of(id), Type = "user_actor" };
    }
}
