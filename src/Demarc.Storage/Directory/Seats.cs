using System.Text.Json;
using Demarc.Governance.Evidence;

namespace Demarc.Storage.Directory;

/// <summary>Who has a seat.</summary>
/// <param name="Groups">Names of the groups whose members take a seat when they sign in.</param>
/// <param name="Maximum">How many there are; null for no end.</param>
public sealed record SeatRules(string[] Groups, int? Maximum);

/// <summary>A seat that somebody has.</summary>
public sealed record Seat
{
    public required string UserId { get; init; }

    public required string Email { get; init; }

    /// <summary><c>group</c>, or <c>hand</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long AssignedAt { get; init; }

    /// <summary>The id of who gave it.</summary>
    public required string AssignedBy { get; init; }
}

public enum SeatOutcome
{
    /// <summary>The person has one.</summary>
    Held,

    /// <summary>No rule gives the person one.</summary>
    NotEntitled,

    /// <summary>All are taken.</summary>
    Full,
}

/// <summary>Seats: taken on signing in by group, or given by hand; free again when their person leaves.</summary>
public sealed class Seats
{
    private const string IsHeld =
        """
        u.status = 'active' AND (s.source = 'hand' OR EXISTS (
          SELECT 1 FROM group_members m JOIN groups g ON g.id = m.group_id WHERE m.member_id = s.user_id AND g.organization_id = s.organization_id AND g.name IN {0}))
        """;

    private const string From = "FROM seats s JOIN users u ON u.id = s.user_id WHERE s.organization_id = @organizationId AND ";

    private readonly Store _store;

    internal Seats(Store store) => _store = store;

    /// <summary>The seats that are held, oldest first.</summary>
    public Task<Seat[]> ListAsync(string organizationId, SeatRules rules) =>
        _store.QueryAsync<Seat>($"SELECT s.user_id, u.email, s.source, s.assigned_at, s.assigned_by {From}{Held()} ORDER BY s.assigned_at, s.user_id", Place(organizationId, rules));

    /// <summary>The seat of somebody who signs in: the one they have, else a free one where a group entitles them.</summary>
    public Task<SeatOutcome> TakeAsync(string organizationId, string userId, SeatRules rules, ActorRecord actor) =>
        GiveAsync(organizationId, userId, "group", rules, actor);

    /// <summary>Gives somebody a seat, whatever their groups.</summary>
    public Task<SeatOutcome> AssignAsync(string organizationId, string userId, SeatRules rules, ActorRecord actor) =>
        GiveAsync(organizationId, userId, "hand", rules, actor);

    /// <summary>Takes a seat back, and signs the person out; false where there is none.</summary>
    public Task<bool> ReleaseAsync(string organizationId, string userId, ActorRecord actor) =>
        _store.WriteAsync(async transaction => await ReleaseAsync(transaction, organizationId, userId, "released", actor).ConfigureAwait(false));

    /// <summary>Frees the seats of those who have left, or left the groups that gave them one; how many.</summary>
    public async Task<int> ReleaseLeaversAsync(string organizationId, SeatRules rules)
    {
        if ((await _store.QueryAsync<string>(Leavers(), Place(organizationId, rules)).ConfigureAwait(false)).Length == 0)
            return 0;
        return await _store.WriteAsync(transaction => ReleaseLeaversAsync(transaction, organizationId, rules)).ConfigureAwait(false);
    }

    private Task<SeatOutcome> GiveAsync(string organizationId, string userId, string source, SeatRules rules, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            var place = new { organizationId, userId, source, groups = JsonSerializer.Serialize(rules.Groups), _store.Now, actor.Id };
            await transaction.LockAsync("seats").ConfigureAwait(false);
            await ReleaseLeaversAsync(transaction, organizationId, rules).ConfigureAwait(false);
            var held = await transaction.FindAsync<string>("SELECT source FROM seats WHERE organization_id = @organizationId AND user_id = @userId", place).ConfigureAwait(false);
            if (held is not null)
            {
                // What is given by hand stays when the group goes.
                if (source == "hand")
                    await transaction.ExecuteAsync("UPDATE seats SET source = 'hand' WHERE organization_id = @organizationId AND user_id = @userId", place).ConfigureAwait(false);
                return SeatOutcome.Held;
            }
            if (source == "group" && await transaction.FindAsync<string>(
                $"SELECT g.id FROM group_members m JOIN groups g ON g.id = m.group_id WHERE g.organization_id = @organizationId AND m.member_id = @userId AND g.name IN {_store.TextsOfJson("groups")} LIMIT 1",
                place).ConfigureAwait(false) is null)
                return SeatOutcome.NotEntitled;
            if (rules.Maximum <= await transaction.FindAsync<long>("SELECT count(*) FROM seats WHERE organization_id = @organizationId", place).ConfigureAwait(false))
                return SeatOutcome.Full;
            await transaction.ExecuteAsync(
                "INSERT INTO seats (organization_id, user_id, source, assigned_at, assigned_by) VALUES (@organizationId, @userId, @source, @Now, @Id)", place).ConfigureAwait(false);
            await RecordAsync(transaction, organizationId, userId, actor, null, "standard", source).ConfigureAwait(false);
            return SeatOutcome.Held;
        });

    private async Task<int> ReleaseLeaversAsync(StoreTransaction transaction, string organizationId, SeatRules rules)
    {
        var leavers = await transaction.QueryAsync<string>(Leavers(), Place(organizationId, rules)).ConfigureAwait(false);
        foreach (var userId in leavers)
            await ReleaseAsync(transaction, organizationId, userId, "left", new ActorRecord("system", _store.Replica)).ConfigureAwait(false);
        return leavers.Length;
    }

    private static async Task<bool> ReleaseAsync(StoreTransaction transaction, string organizationId, string userId, string reason, ActorRecord actor)
    {
        var place = new { organizationId, userId };
        if (await transaction.ExecuteAsync("DELETE FROM seats WHERE organization_id = @organizationId AND user_id = @userId", place).ConfigureAwait(false) == 0)
            return false;
        await transaction.ExecuteAsync(
            "UPDATE sign_ins SET status = 'unseated' WHERE organization_id = @organizationId AND user_id = @userId AND status = 'active'", place).ConfigureAwait(false);
        await RecordAsync(transaction, organizationId, userId, actor, "standard", null, reason).ConfigureAwait(false);
        return true;
    }

    // The vendor's own type ("claude_user_seat_tier_updated"): a tier that is null is no seat.
    private static Task RecordAsync(StoreTransaction transaction, string organizationId, string userId, ActorRecord actor, string? before, string? after, string reason) =>
        transaction.ChangeAsync(organizationId, actor, "claude_user_seat_tier_updated", new()
        {
            ["user_id"] = userId,
            ["previous_seat_tier"] = before,
            ["current_seat_tier"] = after,
            ["reason"] = reason,
        });

    private string Leavers() => $"SELECT s.user_id {From}NOT ({Held()})";

    private string Held() => IsHeld.Replace("{0}", _store.TextsOfJson("groups"), StringComparison.Ordinal);

    private static object Place(string organizationId, SeatRules rules) => new { organizationId, groups = JsonSerializer.Serialize(rules.Groups) };
}
