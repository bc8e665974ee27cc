using System.Text.Json;
using Demarc.Governance.Evidence;

namespace Demarc.Storage.Directory;

/// <summary>An alias that is data rather than configuration.</summary>
/// <param name="Targets"><c>resource/deployment</c>, in order.</param>
/// <param name="MovedAt">Unix milliseconds.</param>
/// <param name="MovedBy">Id of the actor.</param>
public sealed record StoredAlias(string OrganizationId, string Name, string[] Targets, long MovedAt, string MovedBy);

public sealed class Aliases
{
    private readonly Store _store;

    internal Aliases(Store store) => _store = store;

    /// <summary>The aliases by name.</summary>
    public async Task<StoredAlias[]> ListAsync(string organizationId)
    {
        var rows = await _store.QueryAsync<Row>(
            "SELECT name, targets, moved_at, moved_by FROM aliases WHERE organization_id = @organizationId ORDER BY name",
            new { organizationId }).ConfigureAwait(false);
        return [.. rows.Select(row => new StoredAlias(
            organizationId, row.Name, JsonSerializer.Deserialize<string[]>(row.Targets)!, row.MovedAt, row.MovedBy))];
    }

    /// <summary>Makes or moves an alias. A recorded change, with the targets of before and after.</summary>
    public Task PutAsync(string organizationId, string name, string[] targets, ActorRecord actor) =>
        MoveAsync(organizationId, name, targets, actor);

    /// <summary>Removes an alias; false when there is none of that name.</summary>
    public Task<bool> DeleteAsync(string organizationId, string name, ActorRecord actor) =>
        MoveAsync(organizationId, name, null, actor);

    private Task<bool> MoveAsync(string organizationId, string name, string[]? targets, ActorRecord actor) =>
        _store.WriteAsync(async transaction =>
        {
            await transaction.LockAsync("aliases").ConfigureAwait(false);
            var before = await transaction.FindAsync<string>(
                "SELECT targets FROM aliases WHERE organization_id = @organizationId AND name = @name",
                new { organizationId, name }).ConfigureAwait(false);
            if (before == null && targets == null)
                return false;

            var after = targets == null ? null : JsonSerializer.Serialize(targets);
            await transaction.ExecuteAsync(
                after == null
                    ? "DELETE FROM aliases WHERE organization_id = @organizationId AND name = @name"
                    : """
                      INSERT INTO aliases (organization_id, name, targets, moved_at, moved_by)
                      VALUES (@organizationId, @name, @after, @Now, @Id)
                      ON CONFLICT (organization_id, name) DO UPDATE
                      SET targets = excluded.targets, moved_at = excluded.moved_at, moved_by = excluded.moved_by
                      """,
                new { organizationId, name, after, _store.Now, actor.Id }).ConfigureAwait(false);
            await transaction.ChangeAsync(organizationId, actor, "demarc_alias_updated", new()
            {
                ["alias"] = name,
                ["targets_before"] = before,
                ["targets_after"] = after,
            }).ConfigureAwait(false);
            return true;
        });

    private sealed record Row
    {
        public required string Name { get; init; }

        public required string Targets { get; init; }

        public required long MovedAt { get; init; }

        public required string MovedBy { get; init; }
    }
}
