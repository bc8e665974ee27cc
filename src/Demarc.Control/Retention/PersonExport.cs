using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Control.AdminApi;
using Demarc.Control.Compliance;
using Demarc.Control.Reviews;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Storage.Evidence;
using Demarc.Storage.Ledger;
using Demarc.Storage.Reviews;

namespace Demarc.Control.Retention;

/// <summary>
/// Writes all that is kept of one person (GDPR, article 15): who they are here, every activity of theirs, their
/// sessions, what they spent, and, where a review lets it, what was said.
/// </summary>
/// <param name="open">Opens a file to be written by its name, with slashes between folders; one at a time.</param>
public sealed class PersonExport(Store store, DataPaths paths, TranscriptReader transcripts, AttachmentReader attachments, Func<string, Task<Stream>> open)
{
    /// <summary>The signed report's name beside the files that it names.</summary>
    public const string ReportFile = "report.json";


    private readonly SortedDictionary<string, string> _files = new(StringComparer.Ordinal);

    /// <summary>The report as JSON, to be signed: the files with their SHA-256, and what is not among them.</summary>
    /// <param name="review">The approved review under which content is opened; null for without what was said.</param>
    public async Task<byte[]> RunAsync(User user, string reason, ActorRecord actor, Review? review)
    {
        await store.Projector.FollowAsync(CancellationToken.None);
        var organization = user.OrganizationId;
        var keys = await Pages.AllAsync(page => store.ApiKeys.ListAsync(organization, new ApiKeyFilter(), page), k => k.Id);
        await WriteAsync("person.json", JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                user.Id,
                EmailAddress = user.Email,
                user.Name,
                user.Role,
                user.Status,
                user.CostCenter,
                CreatedAt = Rfc3339.Text(user.CreatedAt),
                Groups = await store.Groups.NamesOfAsync(organization, user.Id),
                Keys = keys.Where(k => k.PrincipalId == user.Id).Select(k => new { k.Id, k.Name, k.Kind, k.Hint, k.Status, CreatedAt = Rfc3339.Text(k.CreatedAt), LastUsedAt = Rfc3339.Text(k.LastUsedAt) }),
                SignIns = (await store.SignIns.ListAsync(organization)).Where(s => s.UserId == user.Id).Select(s => new { s.Id, s.Issuer, s.IpAddress, ExpiresAt = Rfc3339.Text(s.ExpiresAt) }),
            },
            AdminAnswer.Wire));
        var activities = await LinesAsync("activities.jsonl", ActivitiesAsync(user));
        var sessions = new List<Session>();
        await LinesAsync("sessions.jsonl", SessionsAsync(user, sessions));
        await LinesAsync("spend.jsonl", SpendAsync(user));
        var closed = 0;
        foreach (var session in sessions)
        {
            if (review is null || !await ContentAccess.CoversAsync(store, review, session))
            {
                closed++;
                continue;
            }
            var messages = await LinesAsync($"transcripts/{session.Id}.jsonl", TranscriptAsync(session, review));
            await AttachmentsAsync(session, review);
            await store.RecordAsync(organization, actor, ContentAccess.Viewed, new OpenContent(review.ReasonCode, review.Id, 0, 0).Fields(session, messages));
        }
        await store.RecordAsync(organization, actor, "demarc_person_exported", new()
        {
            ["user_id"] = user.Id,
            ["reason"] = reason,
            ["sessions"] = $"{sessions.Count}",
            ["transcripts"] = $"{sessions.Count - closed}",
            ["review_id"] = review?.Id,
        });
        return JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                Type = "person_export",
                Request = user.Id,
                IssuedAt = Rfc3339.Text(store.Time.GetUtcNow().ToUnixTimeMilliseconds()),
                OrganizationId = organization,
                Reason = reason,
                AskedBy = new { actor.Type, actor.Id },
                Activities = activities,
                Sessions = sessions.Count,
                SessionsWithoutTranscript = closed,
                Files = _files,
            },
            AdminAnswer.Wire);
    }

    private async IAsyncEnumerable<byte[]> ActivitiesAsync(User user)
    {
        var query = new ActivitiesQuery { OrganizationId = user.OrganizationId, ActorIds = [user.Id], Limit = 1000, Before = 0 };
        while (true)
        {
            var page = await store.Activities.ListAsync(query);
            var read = Array.ConvertAll([.. page.Data.Reverse()], ActivityJson.Of);
            using var json = JsonDocument.Parse(ActivityJson.Page(user.OrganizationId, read, page.HasMore, await paths.OfAsync(user.OrganizationId, read.Select(r => r.Boundary).OfType<string>().Distinct())));
            foreach (var activity in json.RootElement.GetProperty("data").EnumerateArray())
                yield return System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(activity).ToArray();
            if (!page.HasMore)
                yield break;
            query = query with { Before = page.Data[0].Position };
        }
    }

    private async IAsyncEnumerable<byte[]> SessionsAsync(User user, List<Session> sessions)
    {
        var query = new SessionsQuery { OrganizationId = user.OrganizationId, PrincipalId = user.Id, Limit = 500 };
        await foreach (var page in store.Sessions.PagesAsync(query))
        {
            sessions.AddRange(page);
            foreach (var session in page)
                yield return SessionJson.Object(session);
        }
    }

    private async IAsyncEnumerable<byte[]> SpendAsync(User user)
    {
        var end = new DateTimeOffset(DateOnly.FromDateTime(store.Time.GetUtcNow().UtcDateTime).AddDays(1), TimeOnly.MinValue, TimeSpan.Zero);
        foreach (var line in await store.Spend.ListAsync(new SpendQuery(user.OrganizationId, DateTimeOffset.UnixEpoch, end)
        {
            By = SpendDimensions.Principal | SpendDimensions.Model,
            Only = new Dictionary<SpendDimensions, string[]> { [SpendDimensions.Principal] = [user.Id] },
        }))
            yield return JsonSerializer.SerializeToUtf8Bytes(new { line.Model, line.Requests, line.InputTokens, line.OutputTokens, line.CacheReadTokens, line.NanoUsd }, AdminAnswer.Wire);
    }

    private async IAsyncEnumerable<byte[]> TranscriptAsync(Session session, Review review)
    {
        MessagePlace? after = null;
        do
        {
            var page = await transcripts.ReadAsync(session, new TranscriptLimits(TranscriptLimits.Max, TranscriptLimits.Max), 0, Span(review), after, descending: false, 1000);
            foreach (var message in page.Data)
                yield return message;
            after = page.Next;
        }
        while (after is not null);
    }

    private async Task AttachmentsAsync(Session session, Review review)
    {
        var shown = (await attachments.ListAsync(session, 0, Span(review))).Select(a => a.Of.Id).ToHashSet();
        await foreach (var (id, bytes) in attachments.ContentsAsync(session, 0, shown))
            await WriteAsync($"attachments/{session.Id}/{id}", bytes);
    }

    private static (long From, long To) Span(Review review) => (review.FromAt ?? 0, review.ToAt ?? long.MaxValue);

    /// <summary>Why content of a person is not opened under a review; null when it is.</summary>
    public static string? ReviewProblem(Review review, string userId, long now) =>
        review.StatusAt(now) is var status && status != "approved" ? $"{review.Id} is {status}; content opens under an approved one."
        : review.Scope == "key" || (review.Scope == "user" && review.ScopeId != userId) ? $"{review.Id} is not of this person's content."
        : null;

    /// <summary>Opens files in a directory, for whoever asked and nobody else on the machine.</summary>
    /// <exception cref="IOException">The directory is not empty.</exception>
    public static Func<string, Task<Stream>> Into(string directory)
    {
        Directory.CreateDirectory(directory);
        if (Directory.EnumerateFileSystemEntries(directory).Any())
            throw new IOException($"{directory} is not empty: name a directory that is empty, or not there yet.");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return name =>
        {
            var path = Path.Combine(directory, name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            return Task.FromResult<Stream>(new FileStream(path, options));
        };
    }

    private async Task<int> LinesAsync(string name, IAsyncEnumerable<byte[]> lines)
    {
        var count = 0;
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        await using (var file = await open(name))
        {
            await foreach (var line in lines)
            {
                byte[] bytes = [.. line, (byte)'\n'];
                hash.AppendData(bytes);
                await file.WriteAsync(bytes);
                count++;
            }
        }
        _files[name] = Convert.ToHexStringLower(hash.GetHashAndReset());
        return count;
    }

    private async Task WriteAsync(string name, byte[] bytes)
    {
        await using var file = await open(name);
        await file.WriteAsync(bytes);
        _files[name] = Convert.ToHexStringLower(SHA256.HashData(bytes));
    }
}
