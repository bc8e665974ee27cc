using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Resources;

/// <summary>A change of an alias that can be looked at before it is made.</summary>
/// <param name="Outcome">Why it cannot be made, where it cannot, which <paramref name="Problem"/> says in words; else null, as then the problem is.</param>
/// <param name="Preview">What it would do; empty where it cannot be made.</param>
/// <param name="ApplyAsync">Makes it, unless the alias was changed after it was looked at.</param>
public sealed record AliasPlan(AliasOutcome Outcome, string? Problem, AliasPreview Preview, Func<ActorRecord, Task<AliasOutcome>> ApplyAsync);

/// <summary>The changes that an alias can go through, each planned on what the store has now.</summary>
public sealed class AliasMove
{
    private readonly Store _store;
    private readonly string _organizationId;
    private readonly GatewaySnapshot _snapshot;
    private readonly StoredAlias? _stored;
    private readonly string _name;
    private readonly DateOnly _day;

    private AliasMove(Store store, string organizationId, GatewaySnapshot snapshot, StoredAlias? stored, string name, DateOnly day) =>
        (_store, _organizationId, _snapshot, _stored, _name, _day) = (store, organizationId, snapshot, stored, name, day);

    /// <param name="name">One that the configuration does not name.</param>
    public static async Task<AliasMove> OfAsync(Store store, string organizationId, GatewaySnapshot snapshot, string name, TimeProvider time)
    {
        var stored = await store.Aliases.ListAsync(organizationId);
        // The snapshot may have been built before the last change: the store's word counts.
        var configured = snapshot.With([.. snapshot.Aliases.Where(a => a.Place is not null)]);
        return new AliasMove(
            store, organizationId, configured.With(stored), Array.Find(stored, s => s.Name == name), name,
            DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime));
    }

    /// <summary>To other targets, for all sessions or a share of them.</summary>
    /// <param name="targets">Deployments that exist.</param>
    public AliasPlan To(string[] targets, int? perMille) =>
        perMille is not { } share ? Planned(targets, null, actor => _store.Aliases.PutAsync(_organizationId, _name, targets, actor, Seen))
        : _stored is null ? Cannot(AliasOutcome.Absent)
        : Planned(targets, share, actor => _store.Aliases.StageAsync(_organizationId, _name, new StoredStage(targets, share), actor, Seen));

    /// <summary>All sessions to what is staged.</summary>
    public AliasPlan Promote() =>
        _stored is null ? Cannot(AliasOutcome.Absent)
        : _stored.Staged is not { } staged ? Cannot(AliasOutcome.NothingStaged)
        : Planned(staged.Targets, null, actor => _store.Aliases.PromoteAsync(_organizationId, _name, actor, Seen));

    /// <summary>The stage ends; where there is none, all sessions go back to the targets of before.</summary>
    public AliasPlan Rollback() =>
        _stored is null ? Cannot(AliasOutcome.Absent)
        : (_stored.Staged is null ? _stored.Previous : _stored.Targets) is not { } back ? Cannot(AliasOutcome.NothingBefore)
        : Planned(back, null, actor => _store.Aliases.RollbackAsync(_organizationId, _name, actor, Seen));

    /// <summary>The outcome in words, with what to do; null when it is done.</summary>
    public static string? Problem(AliasOutcome outcome, string name) => outcome switch
    {
        AliasOutcome.Done => null,
        AliasOutcome.Absent => $"There is no alias {name}. Make it first; a share of its sessions can be staged then.",
        AliasOutcome.ChangedMeanwhile => $"Somebody changed {name} meanwhile: nothing is done. Look at it again.",
        AliasOutcome.NothingStaged => $"{name} has nothing staged. Stage other targets for a share of its sessions first, or move it.",
        AliasOutcome.NothingBefore => $"{name} has stood for nothing else: there is nothing to go back to.",
        _ => throw new ArgumentOutOfRangeException(nameof(outcome)),
    };

    private long Seen => _stored?.MovedAt ?? 0;

    private AliasPlan Planned(string[] targets, int? perMille, Func<ActorRecord, Task<AliasOutcome>> apply)
    {
        var known = _snapshot.Resources.SelectMany(r => r.Deployments).Select(d => d.FullName).ToHashSet();
        return targets.FirstOrDefault(t => !known.Contains(t)) is { } gone
            ? Cannot(AliasOutcome.NothingBefore) with { Problem = $"{_name} would go to {gone}, which the configuration no longer has. Move it to a deployment that exists." }
            : new AliasPlan(AliasOutcome.Done, null, AliasPreview.Of(_snapshot, _name, targets, perMille, _day), apply);
    }

    private AliasPlan Cannot(AliasOutcome outcome) =>
        new(outcome, Problem(outcome, _name), new AliasPreview("alias_preview", _name, [], [], null, null, [], []), _ => Task.FromResult(outcome));
}
