using System.Text.Json;

namespace Demarc.Storage.Directory;

/// <summary>Who belongs to a group or a project.</summary>
internal static class Members
{
    /// <summary>A statement for all who come, and one for all who go.</summary>
    /// <param name="table">The table of memberships, and in <paramref name="column"/> the id of what has them.</param>
    public static async Task ChangeAsync(Store store, StoreTransaction transaction, string table, string column, string organizationId, string id, string[] add, string[] remove)
    {
        if (add.Length > 0)
            await transaction.ExecuteAsync(
                $"""
                INSERT INTO {table} (organization_id, {column}, member_id)
                WITH named (member_id) AS {store.TextsOfJson("members")} SELECT @organizationId, @id, member_id FROM named WHERE true ON CONFLICT DO NOTHING
                """,
                new { organizationId, id, members = JsonSerializer.Serialize(add) }).ConfigureAwait(false);
        if (remove.Length > 0)
            await transaction.ExecuteAsync(
                $"DELETE FROM {table} WHERE organization_id = @organizationId AND {column} = @id AND {store.IsAmong("member_id", "members")}",
                new { organizationId, id, members = JsonSerializer.Serialize(remove) }).ConfigureAwait(false);
    }
}
