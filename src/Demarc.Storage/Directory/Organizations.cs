using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>An organization: <c>org_…</c>.</summary>
public sealed record Organization
{
    public required string Id { get; init; }

    public required string Name { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }
}

public sealed class Organizations
{
    private const string Select = "SELECT organization_id AS id, name, created_at FROM organizations";

    private readonly Store _store;

    internal Organizations(Store store) => _store = store;

    /// <summary>The organizations, oldest first.</summary>
    public Task<Organization[]> ListAsync() => _store.QueryAsync<Organization>(Select + " ORDER BY organization_id");

    /// <summary>The first organization, made when the store has none yet. Safe when several starts race.</summary>
    public Task<Organization> EnsureFirstAsync(string name, ActorRecord actor) => _store.WriteAsync(async transaction =>
    {
        var id = Ids.New(Ids.Organization, _store.Time);
        // One statement decides, so that of two replicas that start at once only one makes it.
        await transaction.LockAsync("organizations").ConfigureAwait(false);
        var made = await transaction.ExecuteAsync(
            """
            INSERT INTO organizations (organization_id, name, created_at)
            SELECT @id, @name, @Now WHERE NOT EXISTS (SELECT 1 FROM organizations)
            """,
            new { id, name, _store.Now }).ConfigureAwait(false);
        if (made > 0)
            await transaction.ChangeAsync(id, actor, "demarc_organization_created", new() { ["name"] = name }).ConfigureAwait(false);
        return (await transaction.FindAsync<Organization>(Select + " ORDER BY organization_id LIMIT 1").ConfigureAwait(false))!;
    });
}
