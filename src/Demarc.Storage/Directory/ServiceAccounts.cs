using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>A principal that is no person: <c>svac_…</c>.</summary>
public sealed record ServiceAccount
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>Unique in the organization.</summary>
    public required string Name { get; init; }

    /// <summary><c>active</c> or <c>inactive</c>; the keys of an inactive account do not hold.</summary>
    public required string Status { get; init; }

    /// <summary>What it may do beside what is assigned to it: <c>developer</c>, or <c>managed</c> for nothing.</summary>
    public required string Role { get; init; }

    /// <summary>Unix milliseconds.</summary>
    public required long CreatedAt { get; init; }
}

public sealed class ServiceAccounts
{
    private const string Select = "SELECT id, organization_id, name, status, role, created_at FROM service_accounts";

    private readonly Store _store;

    internal ServiceAccounts(Store store) => _store = store;

    /// <summary>Makes an active account; null when the name is taken in the organization.</summary>
    public Task<ServiceAccount?> CreateAsync(string organizationId, string name, ActorRecord actor, string role = "developer")
    {
        var account = new ServiceAccount
        {
            Id = Ids.New(Ids.ServiceAccount, _store.Time),
            OrganizationId = organizationId,
            Name = name,
            Status = "active",
            Role = role,
            CreatedAt = _store.Now,
        };
        return _store.MakeAsync(
            "INSERT INTO service_accounts (id, organization_id, name, status, role, created_at) VALUES (@Id, @OrganizationId, @Name, @Status, @Role, @CreatedAt)",
            account, organizationId, actor, "demarc_service_account_created", new() { ["service_account_id"] = account.Id, ["name"] = name, ["role"] = role });
    }

    public Task<ServiceAccount?> GetAsync(string organizationId, string id) =>
        _store.FindAsync<ServiceAccount>(Select + " WHERE organization_id = @organizationId AND id = @id", new { organizationId, id });

    public Task<ServiceAccount?> GetByNameAsync(string organizationId, string name) =>
        _store.FindAsync<ServiceAccount>(Select + " WHERE organization_id = @organizationId AND name = @name", new { organizationId, name });

    public async Task<Page<ServiceAccount>> ListAsync(string organizationId, PageRequest page) =>
        page.Cut(await _store.QueryAsync<ServiceAccount>(
            Select + " WHERE organization_id = @organizationId" + page.Where + page.Order,
            new { organizationId, page.AfterId, page.BeforeId }).ConfigureAwait(false));

    /// <summary>Changes what is not null; null when there is no such account.</summary>
    public Task<ServiceAccount?> UpdateAsync(
        string organizationId, string id, ActorRecord actor, string? name = null, string? status = null) =>
        _store.WriteAsync(async transaction =>
        {
            var account = await transaction.FindAsync<ServiceAccount>(
                """
                UPDATE service_accounts SET name = coalesce(@name, name), status = coalesce(@status, status)
                WHERE organization_id = @organizationId AND id = @id
                RETURNING id, organization_id, name, status, role, created_at
                """,
                new { organizationId, id, name, status }).ConfigureAwait(false);
            if (account == null)
                return null;
            await transaction.ChangeAsync(organizationId, actor, status == "inactive" ? "platform_service_account_archived" : "demarc_service_account_updated", new()
            {
                ["service_account_id"] = id,
                ["name"] = name,
                ["status"] = status,
            }).ConfigureAwait(false);
            return account;
        });
}
