using Demarc.Governance.Evidence;
using Demarc.Governance.Spend;

namespace Demarc.Storage.Retention;

/// <summary>Takes people out of the directory: who they were is gone, the ids that records and the ledger have of them stay.</summary>
internal sealed class PersonErasure(Store store)
{
    // What of a person is in no table of its own goes with the row.
    private static readonly string[] Statements =
    [
        "UPDATE api_keys SET status = 'archived', name = '' WHERE organization_id = @OrganizationId AND principal_id = @id",
        "DELETE FROM role_assignments WHERE organization_id = @OrganizationId AND member_id = @id",
        "DELETE FROM group_members WHERE organization_id = @OrganizationId AND member_id = @id",
        "DELETE FROM project_members WHERE organization_id = @OrganizationId AND member_id = @id",
        "DELETE FROM workspace_members WHERE organization_id = @OrganizationId AND user_id = @id",
        "DELETE FROM identities WHERE organization_id = @OrganizationId AND user_id = @id",
        "DELETE FROM sign_ins WHERE organization_id = @OrganizationId AND user_id = @id",
        "DELETE FROM device_codes WHERE organization_id = @OrganizationId AND user_id = @id",
        // A change that waited says the address as a word of its own.
        """
        DELETE FROM pending_changes WHERE organization_id = @OrganizationId AND EXISTS (
          SELECT 1 FROM users u WHERE u.organization_id = @OrganizationId AND u.id = @id
            AND replace(' ' || lower(summary) || ' ', ' ' || u.email || ' ', '') <> ' ' || lower(summary) || ' ')
        """,
        // What they are told of a request carries their address.
        """
        DELETE FROM spend_alerts WHERE organization_id = @OrganizationId AND EXISTS (
          SELECT 1 FROM spend_limit_increase_requests i
          WHERE i.organization_id = @OrganizationId AND i.principal_id = @id AND spend_alerts.about IN (@approved || i.id, @denied || i.id))
        """,
        "DELETE FROM spend_limit_increase_requests WHERE organization_id = @OrganizationId AND principal_id = @id",
        "DELETE FROM spend_raises WHERE organization_id = @OrganizationId AND principal_id = @id",
    ];

    public async Task RunAsync(ErasureEntry entry, ActorRecord actor)
    {
        foreach (var id in entry.People)
        {
            var place = new { entry.OrganizationId, id, approved = SpendEvents.Approved + "/", denied = SpendEvents.Denied + "/" };
            await store.WriteAsync(async transaction =>
            {
                foreach (var statement in Statements)
                    await transaction.ExecuteAsync(statement, place).ConfigureAwait(false);
                if (await transaction.ExecuteAsync("DELETE FROM users WHERE organization_id = @OrganizationId AND id = @id", place).ConfigureAwait(false) > 0)
                    await transaction.ChangeAsync(entry.OrganizationId, actor, "demarc_user_removed", new() { ["user_id"] = id, ["erasure_id"] = entry.Id, ["reason"] = entry.Reason }).ConfigureAwait(false);
                return true;
            }).ConfigureAwait(false);
        }
    }
}
