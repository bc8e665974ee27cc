using Demarc.Control.Resources;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.AdminApi;

/// <summary>An alias on the wire: the names clients ask for, and the deployments that answer.</summary>
/// <param name="Targets"><c>resource/deployment</c>, in the order in which they are asked.</param>
/// <param name="Source"><c>configuration</c>, and then read-only here, or <c>data</c>.</param>
/// <param name="Place"><c>file:line</c> for one of the configuration.</param>
/// <param name="Staged">Where a share of the sessions goes already; null for none.</param>
/// <param name="Previous">What a rollback goes back to when nothing is staged; null for nothing.</param>
/// <param name="MovedAt">When one that is data was last changed, and <paramref name="MovedBy"/> whom (an id).</param>
public sealed record AliasObject(
    string Type, string Name, string[] Targets, string Source, string? Place, AliasStage? Staged, string[]? Previous, string? MovedAt, string? MovedBy)
{
    public static AliasObject Of(AliasSnapshot alias) =>
        new("alias", alias.Name, [.. alias.Targets.Select(t => t.Deployment.FullName)], "configuration", alias.Place, null, null, null, null);

    public static AliasObject Of(StoredAlias alias) => new(
        "alias", alias.Name, alias.Targets, "data", null,
        alias.Staged is { } staged ? new AliasStage(staged.Targets, Shares.Text(staged.PerMille)) : null,
        alias.Previous, Rfc3339.Text(alias.MovedAt), alias.MovedBy);

    /// <summary>Every alias by name; one of the configuration hides one of the same name that is data.</summary>
    public static async Task<AliasObject[]> ListAsync(Store store, string organizationId, GatewaySnapshot snapshot)
    {
        var configured = snapshot.Aliases.Where(a => a.Place is not null).Select(Of).ToArray();
        var stored = (await store.Aliases.ListAsync(organizationId)).Where(a => configured.All(c => c.Name != a.Name)).Select(Of);
        return [.. configured.Concat(stored).OrderBy(a => a.Name, StringComparer.Ordinal)];
    }
}
