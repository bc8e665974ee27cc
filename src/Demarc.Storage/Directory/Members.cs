namespace Demarc.Storage.Directory;

/// <summary>Who belongs to a group or a project.</summary>
internal static class Members
{
    /// <param name="table">The table of memberships, and in <paramref name="column"/> the id of what has them.</param>
    public static async Task ChangeAsync(StoreTransaction transaction, string table, string column, string organizationId, string id, string[] add, string[] remove)
    {
        foreach (var memberId in add)
            await transaction.ExecuteAsync(
                $"INSERT INTO {table} (organization_id, {column}, member_id) VALUES (@organizationId, @id, @memberId) ON CONFLICT DO NOTHING",
                new { organizationId, id, memberId }).ConfigureAwait(false);
        foreach (var memberId in remove)
            await transaction.ExecuteAsync(
                $"DELETE FROM {table} WHERE organization_id = @organizationId AND {column} = @id AND member_id = @memberId",
                new { organizationId, id, memberId }).ConfigureAwait(false);
    }
}
