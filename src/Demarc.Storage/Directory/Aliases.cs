using System.Text.Json;
using Demarc.Governance.Evidence;

namespace Demarc.Storage.Directory;

/// <summary>
/// Aliases that are data. Every change of one is an activity with who made it, and the targets and the stage of before
/// and after.
/// </summary>
public sealed class Aliases
{
    private const string Columns = "name, targets, staged_targets, staged_per_mille, previous_targets, moved_at, moved_by";

    private readonly Store _store;

    internal Aliases(Store store) => _store = store;

    /// <summary>The aliases by name.</summary>
    public async Task<StoredAlias[]> ListAsync(string organizationId)
    {
        var rows = await _store.QueryAsync<Row>(
            $"SELECT {Columns} FROM aliases WHERE organization_id = @organizationId ORDER BY name", new { organizationId }).ConfigureAwait(false);
        return [.. rows.Select(row => row.ToAlias(organizationId))];
    }

    /// <summary>The alias; null when there is none of that name.</summary>
    public async Task<StoredAlias?> FindAsync(string organizationId, string name) =>
        Array.Find(await ListAsync(organizationId).ConfigureAwait(false), a => a.Name == name);

    /// <summary>Makes an alias, or moves it for all sessions; a stage ends.</summary>
    /// <param name="seen">The <see cref="StoredAlias.MovedAt"/> that it must still have, 0 for none; null for whatever it has.</param>
    public Task<AliasOutcome> PutAsync(string organizationId, string name, string[] targets, ActorRecord actor, long? seen = null) =>
        ChangeAsync(organizationId, name, "moved", actor, seen, before =>
            (AliasOutcome.Done, new State(targets, null, before is null || Same(before.Targets, targets) ? before?.Previous : before.Targets)));

    /// <summary>Sends a share of the sessions to other targets; the rest stays. Repeated with a larger share, who went stays there.</summary>
    /// <param name="seen">As for <see cref="PutAsync"/>.</param>
    public Task<AliasOutcome> StageAsync(string organizationId, string name, StoredStage stage, ActorRecord actor, long? seen = null) =>
        ChangeAsync(organizationId, name, "staged", actor, seen, before =>
            before is null ? (AliasOutcome.Absent, null) : (AliasOutcome.Done, before with { Staged = stage }));

    /// <summary>Sends all sessions to the staged targets.</summary>
    /// <param name="seen">As for <see cref="PutAsync"/>.</param>
    public Task<AliasOutcome> PromoteAsync(string organizationId, string name, ActorRecord actor, long? seen = null) =>
        ChangeAsync(organizationId, name, "promoted", actor, seen, before =>
            before is null ? (AliasOutcome.Absent, null)
            : before.Staged is null ? (AliasOutcome.NothingStaged, null)
            : (AliasOutcome.Done, new State(before.Staged.Targets, null, before.Targets)));

    /// <summary>
    /// Ends the stage, where there is one; else goes back to the targets of before they last changed, so that a second
    /// rollback undoes the first.
    /// </summary>
    /// <param name="seen">As for <see cref="PutAsync"/>.</param>
    public Task<AliasOutcome> RollbackAsync(string organizationId, string name, ActorRecord actor, long? seen = null) =>
        ChangeAsync(organizationId, name, "rolled_back", actor, seen, before =>
            before is null ? (AliasOutcome.Absent, null)
            : before.Staged is not null ? (AliasOutcome.Done, before with { Staged = null })
            : before.Previous is null ? (AliasOutcome.NothingBefore, null)
            : (AliasOutcome.Done, new State(before.Previous, null, before.Targets)));

    /// <summary>Removes an alias; false when there is none of that name.</summary>
    public async Task<bool> DeleteAsync(string organizationId, string name, ActorRecord actor) =>
        await ChangeAsync(organizationId, name, "deleted", actor, null, before =>
            (before is null ? AliasOutcome.Absent : AliasOutcome.Done, null)).ConfigureAwait(false) == AliasOutcome.Done;

    private Task<AliasOutcome> ChangeAsync(
        string organizationId, string name, string action, ActorRecord actor, long? seen, Func<State?, (AliasOutcome Outcome, State? After)> change) =>
        _store.WriteAsync(async transaction =>
        {
            await transaction.LockAsync("aliases").ConfigureAwait(false);
            var row = await transaction.FindAsync<Row>(
                $"SELECT {Columns} FROM aliases WHERE organization_id = @organizationId AND name = @name",
                new { organizationId, name }).ConfigureAwait(false);
            if (seen is { } expected && expected != (row?.MovedAt ?? 0))
                return AliasOutcome.ChangedMeanwhile;
            var before = row?.ToState();
            var (outcome, after) = change(before);
            if (outcome != AliasOutcome.Done)
                return outcome;

            await transaction.ExecuteAsync(
                after is null
                    ? "DELETE FROM aliases WHERE organization_id = @organizationId AND name = @name"
                    : """
                      INSERT INTO aliases (organization_id, name, targets, staged_targets, staged_per_mille, previous_targets, moved_at, moved_by)
                      VALUES (@organizationId, @name, @Targets, @StagedTargets, @PerMille, @Previous, @At, @Id)
                      ON CONFLICT (organization_id, name) DO UPDATE
                      SET targets = excluded.targets, staged_targets = excluded.staged_targets, staged_per_mille = excluded.staged_per_mille,
                          previous_targets = excluded.previous_targets, moved_at = excluded.moved_at, moved_by = excluded.moved_by
                      """,
                new
                {
                    organizationId,
                    name,
                    Targets = Json(after?.Targets),
                    StagedTargets = Json(after?.Staged?.Targets),
                    after?.Staged?.PerMille,
                    Previous = Json(after?.Previous),
                    // Never the same twice: it tells one state of the alias from the next.
                    At = Math.Max(_store.Now, (row?.MovedAt ?? 0) + 1),
                    actor.Id,
                }).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, "demarc_alias_updated", new()
            {
                ["alias"] = name,
                ["action"] = action,
                ["targets_before"] = Json(before?.Targets),
                ["targets_after"] = Json(after?.Targets),
                ["staged_before"] = Json(before?.Staged?.Targets),
                ["staged_after"] = Json(after?.Staged?.Targets),
                ["staged_per_mille_before"] = Text(before),
                ["staged_per_mille_after"] = Text(after),
            }).ConfigureAwait(false);
            return AliasOutcome.Done;
        });

    private static bool Same(string[] one, string[] other) => one.AsSpan().SequenceEqual(other);

    private static string? Json(string[]? targets) => targets is null ? null : JsonSerializer.Serialize(targets);

    private static string? Text(State? state) => state?.Staged?.PerMille.ToString(System.Globalization.CultureInfo.InvariantCulture);

    private sealed record State(string[] Targets, StoredStage? Staged, string[]? Previous);

    private sealed record Row
    {
        public required string Name { get; init; }

        public required string Targets { get; init; }

        public string? StagedTargets { get; init; }

        public int? StagedPerMille { get; init; }

        public string? PreviousTargets { get; init; }

        public required long MovedAt { get; init; }

        public required string MovedBy { get; init; }

        public State ToState() => new(
            Read(Targets)!, Read(StagedTargets) is { } staged ? new StoredStage(staged, StagedPerMille!.Value) : null, Read(PreviousTargets));

        public StoredAlias ToAlias(string organizationId)
        {
            var (targets, staged, previous) = ToState();
            return new StoredAlias(organizationId, Name, targets, staged, previous, MovedAt, MovedBy);
        }

        private static string[]? Read(string? json) => json is null ? null : JsonSerializer.Deserialize<string[]>(json);
    }
}
