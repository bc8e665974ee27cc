using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Control.AdminApi;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Storage.Evidence;
using Demarc.Storage.Retention;

namespace Demarc.Control.Retention;

/// <summary>How a person's data is to be erased.</summary>
/// <param name="Records">The records of the log that name the person too, not content and directory alone.</param>
/// <param name="Approved">The change by which a second administrator approved it; null where none had to.</param>
public sealed record PersonErasureRequest(User User, string Reason, bool Records, ApprovedChange? Approved = null);

/// <summary>
/// Erases what is kept of one person (GDPR, article 17): captured content with its keys, and who the person is; on demand the
/// records of the log too. What a hold covers stays, and is named in the report.
/// </summary>
public sealed class PersonErasing(Store store, ErasureJournal journal)
{
    // Law 7: by then every replica has ended what ran under the person's keys.
    private static readonly TimeSpan UntilEnded = TimeSpan.FromSeconds(5);

    /// <summary>The report as JSON, to be signed: <c>{"type":"person_erasure","request":"erasure_…","issued_at",…}</c>.</summary>
    public async Task<byte[]> RunAsync(PersonErasureRequest request, ActorRecord actor, CancellationToken stop)
    {
        var (user, organization) = (request.User, request.User.OrganizationId);
        // 1 nothing more comes
        if (user.Status == "active")
        {
            await store.Users.UpdateAsync(organization, user.Id, actor, status: "inactive");
            // Replicas end what runs within that time; nothing tells this process that they have.
            await Task.Delay(UntilEnded, store.Time, stop);
        }
        await store.Projector.FollowAsync(stop);

        // 2 what there is, and what of it is held
        var holds = await HoldsInForce.LoadAsync(store, organization);
        var held = new SortedSet<string>(StringComparer.Ordinal);
        var tomorrow = DateOnly.FromDateTime(store.Time.GetUtcNow().UtcDateTime).AddDays(1);
        var cuts = new List<SessionCut>();
        var query = new SessionsQuery { OrganizationId = organization, PrincipalId = user.Id, Limit = 500 };
        await foreach (var page in store.Sessions.PagesAsync(query))
        {
            foreach (var session in page)
            {
                if (holds.On(user.Id, session.Id, session.CreatedAt, session.LastAt) is { } hold)
                    held.Add(hold.Id);
                else
                    cuts.Add(new SessionCut(session.Id, tomorrow));
            }
        }
        var keepsPerson = holds.HoldAll || holds.People.Contains(user.Id);
        if (keepsPerson && holds.On(user.Id, null, long.MinValue, long.MaxValue) is { } onPerson)
            held.Add(onPerson.Id);
        var records = request.Records ? await RecordsAsync(user, holds, held, stop) : [];

        // 3 written down, destroyed, on record
        var entry = journal.New(organization, request.Reason) with { Sessions = [.. cuts], Records = records, People = keepsPerson ? [] : [user.Id] };
        var erased = await journal.EraseAsync(entry, actor);
        await store.RecordAsync(organization, actor, "demarc_person_erased", new()
        {
            ["user_id"] = user.Id,
            ["erasure_id"] = entry.Id,
            ["reason"] = request.Reason,
            ["sessions"] = Text(erased.Sessions),
            ["contents"] = Text(erased.Requests),
            ["keys"] = Text(erased.Keys),
            ["records"] = Text(erased.Records),
            ["legal_hold_ids"] = held.Count == 0 ? null : string.Join(',', held),
        });
        return JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                Type = "person_erasure",
                Request = entry.Id,
                IssuedAt = Rfc3339.Text(store.Time.GetUtcNow().ToUnixTimeMilliseconds()),
                OrganizationId = organization,
                Person = new { user.Id, EmailAddress = user.Email, user.Name },
                request.Reason,
                AskedBy = new { Type = request.Approved?.AskedType ?? actor.Type, Id = request.Approved?.AskedBy ?? actor.Id },
                ApprovedBy = request.Approved is { } approved ? new { actor.Type, actor.Id, Change = approved.Id } : null,
                Erased = new
                {
                    erased.Sessions,
                    Contents = erased.Requests,
                    erased.Keys,
                    erased.Records,
                    Directory = !keepsPerson,
                },
                HeldBy = held,
                Kept = Kept(request.Records, keepsPerson),
            },
            AdminAnswer.Wire);
    }

    private static IEnumerable<string> Kept(bool records, bool keepsPerson)
    {
        if (!records)
            yield return "The records of the log (times, models, sizes, cost, addresses, under the id above) until their retention ends.";
        yield return "What was spent, under the id above, until the ledger's retention ends.";
        if (keepsPerson)
            yield return "What the holds named above cover, until they are released.";
        yield return "Backups made before now, until they end: the erasure is replayed when one is restored.";
    }

    // What the person did, and what others did with the person.
    private async Task<Guid[]> RecordsAsync(User user, HoldsInForce holds, SortedSet<string> held, CancellationToken stop)
    {
        var records = new HashSet<Guid>();
        var own = new ActivitiesQuery { OrganizationId = user.OrganizationId, ActorIds = [user.Id], Limit = 5000 };
        var others = new ActivitiesQuery { OrganizationId = user.OrganizationId, ExcludedTypes = ["demarc_inference", "demarc_token_count", "demarc_inference_refused"], Limit = 5000 };
        // The address alone: one that it is a part of is somebody else's.
        var address = new Regex($@"(?<![\w.%+-]){Regex.Escape(user.Email)}(?![\w-]|\.\w)", RegexOptions.IgnoreCase | RegexOptions.CultureInvariant);
        foreach (var (first, isOwn) in new[] { (own, true), (others, false) })
        {
            var query = first;
            Page<Activity> page;
            do
            {
                stop.ThrowIfCancellationRequested();
                page = await store.Activities.ListAsync(query);
                foreach (var activity in page.Data.Where(a => isOwn || Names(a.Body, user.Id, address)))
                {
                    if (holds.On(user.Id, activity.SessionId, activity.At, activity.At) is { } hold)
                        held.Add(hold.Id);
                    else
                        records.Add(new Guid(activity.RequestId, bigEndian: true));
                }
                query = page.HasMore ? query with { After = page.Data[^1].Position } : query;
            }
            while (page.HasMore);
        }
        return [.. records];
    }

    private static bool Names(byte[] body, string id, Regex address)
    {
        var reader = new Utf8JsonReader(body);
        while (reader.Read())
        {
            // As it is written out: in JSON an address can be escaped.
            if (reader.TokenType == JsonTokenType.String && reader.GetString() is { } text && (text.Contains(id, StringComparison.Ordinal) || address.IsMatch(text)))
                return true;
        }
        return false;
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
