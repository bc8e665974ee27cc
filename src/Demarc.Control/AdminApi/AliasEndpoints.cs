using Demarc.Control.Resources;
using Demarc.Storage;

namespace Demarc.Control.AdminApi;

/// <summary>
/// <c>/v1/organizations/aliases</c>: Demarc's own. Every change is on record with what held before and after; with
/// <c>?dry_run=true</c> it is shown (<see cref="AliasPreview"/>) and not made.
/// </summary>
public sealed class AliasEndpoints(Store store, Snapshots snapshots, SecondAdministrator second, TimeProvider time)
{
    /// <summary><c>{"data":[…]}</c>, by name.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request) =>
        AdminAnswer.Of(new { Data = await AliasObject.ListAsync(store, request.OrganizationId, snapshots.Current) });

    /// <summary>Makes or moves an alias: <c>{targets: [resource/deployment, …]}</c>; with <c>stage: "10%"</c>, for that share of sessions.</summary>
    public async Task<AdminAnswer> PutAsync(AdminRequest request)
    {
        var name = request.Path("name");
        var body = await BodyFields.ReadAsync(request.Http, "targets", "stage");
        var targets = body.Texts("targets");
        var stage = body.Text("stage", text => Shares.PerMille(text) is null ? $"give {Shares.Accepted}." : null);
        if (AliasRules.NameProblem(name) is { } problem)
            return AdminAnswer.Invalid("name", problem);
        if (body.Problem is not null)
            return body.Problem;
        if (AliasRules.PlaceOf(snapshots.Current, name) is { } place)
            return ReadOnly(place);
        if (AliasRules.TargetsProblem(snapshots.Current, targets) is { } wrong)
            return AdminAnswer.Invalid("targets", wrong);
        return await ChangeAsync(request, move => move.To(targets, stage is null ? null : Shares.PerMille(stage)));
    }

    /// <summary>Sends all sessions to what is staged.</summary>
    public Task<AdminAnswer> PromoteAsync(AdminRequest request) => ChangeAsync(request, move => move.Promote());

    /// <summary>Ends the stage, or goes back to the targets of before.</summary>
    public Task<AdminAnswer> RollbackAsync(AdminRequest request) => ChangeAsync(request, move => move.Rollback());

    /// <summary>Removes an alias: <c>{"type":"alias_deleted","name"}</c>.</summary>
    public async Task<AdminAnswer> DeleteAsync(AdminRequest request)
    {
        var name = request.Path("name");
        if (AliasRules.PlaceOf(snapshots.Current, name) is { } place)
            return ReadOnly(place);
        if (AliasRules.NameProblem(name) is not null || await store.Aliases.FindAsync(request.OrganizationId, name) is null)
            return Absent();
        if (await second.HoldAsync(request, "aliases", $"remove the alias {name}") is { } held)
            return held;
        if (!await store.Aliases.DeleteAsync(request.OrganizationId, name, request.Actor))
            return Absent();
        await snapshots.RefreshAsync();
        return AdminAnswer.Of(new { Type = "alias_deleted", Name = name });
    }

    private async Task<AdminAnswer> ChangeAsync(AdminRequest request, Func<AliasMove, AliasPlan> plan)
    {
        var name = request.Path("name");
        if (AliasRules.PlaceOf(snapshots.Current, name) is { } place)
            return ReadOnly(place);
        if (AliasRules.NameProblem(name) is not null)
            return Absent();
        var planned = plan(await AliasMove.OfAsync(store, request.OrganizationId, snapshots.Current, name, time));
        if (planned.Problem is { } problem)
            return planned.Outcome == Storage.Directory.AliasOutcome.Absent ? Absent() : AdminAnswer.Conflict(problem);
        if (request.Asks("dry_run"))
            return AdminAnswer.Of(planned.Preview);
        if (await second.HoldAsync(request, "aliases", $"alias {name}: {string.Join(", ", planned.Preview.Before)} -> {string.Join(", ", planned.Preview.After)}{(planned.Preview.Share is { } share ? $", for {share} of sessions" : "")}") is { } held)
            return held;
        if (AliasMove.Problem(await planned.ApplyAsync(request.Actor), name) is { } late)
            return AdminAnswer.Conflict(late);
        await snapshots.RefreshAsync();
        return AdminAnswer.Of(AliasObject.Of((await store.Aliases.FindAsync(request.OrganizationId, name))!));
    }

    private static AdminAnswer Absent() => AdminAnswer.NotFound("There is no alias of this name. GET /v1/organizations/aliases lists them.");

    private static AdminAnswer ReadOnly(string place) =>
        AdminAnswer.Conflict($"The configuration names this alias ({place}), so it is read-only here. Change it there.");
}
