using Demarc.Control.Resources;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>An alias on the wire: the names clients ask for, and the deployments that answer.</summary>
/// <param name="Targets"><c>resource/deployment</c>, in the order in which they are asked.</param>
/// <param name="Source"><c>configuration</c>, and then read-only here, or <c>data</c>.</param>
/// <param name="Place"><c>file:line</c> for one of the configuration.</param>
/// <param name="MovedAt">When one that is data was last moved, and <paramref name="MovedBy"/> whom (an id).</param>
public sealed record AliasObject(string Type, string Name, string[] Targets, string Source, string? Place, string? MovedAt, string? MovedBy)
{
    public static AliasObject Of(AliasSnapshot alias) =>
        new("alias", alias.Name, [.. alias.Targets.Select(t => t.Deployment.FullName)], "configuration", alias.Place, null, null);

    public static AliasObject Of(StoredAlias alias) =>
        new("alias", alias.Name, alias.Targets, "data", null, Rfc3339.Text(alias.MovedAt), alias.MovedBy);

    /// <summary>Every alias by name; one of the configuration hides one of the same name that is data.</summary>
    public static async Task<AliasObject[]> ListAsync(Store store, string organizationId, GatewaySnapshot snapshot)
    {
        var configured = snapshot.Aliases.Where(a => a.Place is not null).Select(Of).ToArray();
        var stored = (await store.Aliases.ListAsync(organizationId)).Where(a => configured.All(c => c.Name != a.Name)).Select(Of);
        return [.. configured.Concat(stored).OrderBy(a => a.Name, StringComparer.Ordinal)];
    }
}

/// <summary><c>/v1/organizations/aliases</c>: Demarc's own. Moving an alias is a recorded change with its targets of before and after.</summary>
public sealed class AliasEndpoints(Store store, Snapshots snapshots)
{
    /// <summary><c>{"data":[…]}</c>, by name.</summary>
    public async Task<AdminAnswer> ListAsync(AdminRequest request) =>
        AdminAnswer.Of(new { Data = await AliasObject.ListAsync(store, request.OrganizationId, snapshots.Current) });

    /// <summary>Makes or moves an alias: <c>{targets: [resource/deployment, …]}</c>.</summary>
    public async Task<AdminAnswer> PutAsync(AdminRequest request)
    {
        var name = request.Path("name");
        var body = await BodyFields.ReadAsync(request.Http, "targets");
        var targets = body.Texts("targets");
        if (AliasRules.NameProblem(name) is { } problem)
            return AdminAnswer.Invalid("name", problem);
        if (body.Problem is not null)
            return body.Problem;
        if (AliasRules.PlaceOf(snapshots.Current, name) is { } place)
            return ReadOnly(place);
        if (AliasRules.TargetsProblem(snapshots.Current, targets) is { } wrong)
            return AdminAnswer.Invalid("targets", wrong);
        await store.Aliases.PutAsync(request.OrganizationId, name, targets, request.Actor);
        await snapshots.RefreshAsync();
        return AdminAnswer.Of((await AliasObject.ListAsync(store, request.OrganizationId, snapshots.Current)).First(a => a.Name == name));
    }

    /// <summary>Removes an alias: <c>{"type":"alias_deleted","name"}</c>.</summary>
    public async Task<AdminAnswer> DeleteAsync(AdminRequest request)
    {
        var name = request.Path("name");
        if (AliasRules.PlaceOf(snapshots.Current, name) is { } place)
            return ReadOnly(place);
        if (AliasRules.NameProblem(name) is not null || !await store.Aliases.DeleteAsync(request.OrganizationId, name, request.Actor))
            return AdminAnswer.NotFound("There is no alias of this name. GET /v1/organizations/aliases lists them.");
        await snapshots.RefreshAsync();
        return AdminAnswer.Of(new { Type = "alias_deleted", Name = name });
    }

    private static AdminAnswer ReadOnly(string place) =>
        AdminAnswer.Conflict($"The configuration names this alias ({place}), so it is read-only here. Change it there.");
}
