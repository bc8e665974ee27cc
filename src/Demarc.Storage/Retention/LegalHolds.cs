using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Retention;

/// <summary>A hold: <c>hold_…</c>. What it covers is neither swept nor erased until it is released.</summary>
public sealed record LegalHold
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>What people call it, for example a case number.</summary>
    public required string Name { get; init; }

    public required string Reason { get; init; }

    /// <summary><c>user</c> (a person or a service account), <c>group</c>, <c>session</c> or <c>organization</c> (everything).</summary>
    public required string SubjectType { get; init; }

    /// <summary>Its id; the organization's own for everything.</summary>
    public required string SubjectId { get; init; }

    /// <summary>Who was in the group when the hold was made, a JSON array of ids; empty for the other types.</summary>
    public required string Members { get; init; }

    /// <summary>The first moment that is held, Unix milliseconds; null for from the beginning.</summary>
    public long? FromAt { get; init; }

    /// <summary>The first moment that is not held any more; null for without end.</summary>
    public long? ToAt { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }

    /// <summary>The id of who made it.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>Null while it holds.</summary>
    public long? ReleasedAt { get; init; }

    public string? ReleasedBy { get; init; }

    /// <summary>Whether something of a person, at a time in a session, is held.</summary>
    /// <param name="members">Who is in the group now.</param>
    /// <param name="first">When it began; <paramref name="last"/>, when it last went on, Unix milliseconds.</param>
    public bool Covers(string principalId, string? sessionId, IReadOnlySet<string> members, long first, long last) =>
        ReleasedAt is null && !(last < FromAt) && !(first >= ToAt) && SubjectType switch
        {
            "user" => SubjectId == principalId,
            "group" => members.Contains(principalId) || JsonSerializer.Deserialize<string[]>(Members)!.Contains(principalId),
            "session" => SubjectId == sessionId,
            _ => true,
        };
}

/// <summary>What a new hold is to be; see <see cref="LegalHold"/>.</summary>
public sealed record NewLegalHold(string Name, string Reason, string SubjectType, string SubjectId, long? FromAt = null, long? ToAt = null);

/// <summary>Holds, and each step with them as an activity.</summary>
public sealed class LegalHolds
{
    private const string Select =
        """
        SELECT id, organization_id, name, reason, subject_type, subject_id, members, from_at, to_at, created_at, created_by, released_at, released_by
        FROM legal_holds WHERE organization_id = @organizationId
        """;

    private readonly Store _store;

    internal LegalHolds(Store store) => _store = store;

    public Task<LegalHold> CreateAsync(string organizationId, NewLegalHold hold, ActorRecord actor) => _store.WriteAsync(async transaction =>
    {
        var members = hold.SubjectType != "group" ? [] : await transaction.QueryAsync<string>(
            "SELECT member_id FROM group_members WHERE organization_id = @organizationId AND group_id = @SubjectId", new { organizationId, hold.SubjectId }).ConfigureAwait(false);
        var made = new LegalHold
        {
            Id = Ids.New(Ids.LegalHold, _store.Time),
            OrganizationId = organizationId,
            Name = hold.Name,
            Reason = hold.Reason,
            SubjectType = hold.SubjectType,
            SubjectId = hold.SubjectId,
            Members = JsonSerializer.Serialize(members),
            FromAt = hold.FromAt,
            ToAt = hold.ToAt,
            CreatedAt = _store.Now,
            CreatedBy = actor.Id,
        };
        await transaction.ExecuteAsync(
            """
            INSERT INTO legal_holds (id, organization_id, name, reason, subject_type, subject_id, members, from_at, to_at, created_at, created_by)
            VALUES (@Id, @OrganizationId, @Name, @Reason, @SubjectType, @SubjectId, @Members, @FromAt, @ToAt, @CreatedAt, @CreatedBy)
            """,
            made).ConfigureAwait(false);
        await transaction.RecordAsync(organizationId, actor, "demarc_legal_hold_created", Fields(made)).ConfigureAwait(false);
        return made;
    });

    public Task<LegalHold?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<LegalHold>(Select + " AND id = @id", new { organizationId, id });

    /// <summary>A page, newest first.</summary>
    /// <param name="released">Those that hold no more, too.</param>
    public async Task<Page<LegalHold>> ListAsync(string organizationId, PageRequest page, bool released) =>
        page.Cut(await _store.QueryAsync<LegalHold>(
            Select + (released ? "" : " AND released_at IS NULL") + page.Where + page.Order, new { organizationId, page.AfterId, page.BeforeId }).ConfigureAwait(false));

    /// <summary>All that hold.</summary>
    public Task<LegalHold[]> InForceAsync(string organizationId) =>
        _store.QueryAsync<LegalHold>(Select + " AND released_at IS NULL", new { organizationId });

    /// <summary>Releases a hold; null when there is none that holds.</summary>
    public Task<LegalHold?> ReleaseAsync(string organizationId, string id, ActorRecord actor) => _store.WriteAsync(async transaction =>
    {
        var released = await transaction.ExecuteAsync(
            "UPDATE legal_holds SET released_at = @Now, released_by = @by WHERE organization_id = @organizationId AND id = @id AND released_at IS NULL",
            new { organizationId, id, _store.Now, by = actor.Id }).ConfigureAwait(false);
        if (released == 0)
            return null;
        var hold = await transaction.FindAsync<LegalHold>(Select + " AND id = @id", new { organizationId, id }).ConfigureAwait(false);
        await transaction.RecordAsync(organizationId, actor, "demarc_legal_hold_released", Fields(hold!)).ConfigureAwait(false);
        return hold;
    });

    private static Dictionary<string, string?> Fields(LegalHold hold) => new()
    {
        ["legal_hold_id"] = hold.Id,
        ["name"] = hold.Name,
        ["subject_type"] = hold.SubjectType,
        ["subject_id"] = hold.SubjectId,
        ["from"] = Text(hold.FromAt),
        ["to"] = Text(hold.ToAt),
    };

    private static string? Text(long? at) => at is { } moment ? DateTimeOffset.FromUnixTimeMilliseconds(moment).ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null;
}
