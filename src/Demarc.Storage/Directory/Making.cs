using Demarc.Governance.Evidence;

namespace Demarc.Storage.Directory;

/// <summary>Making what has a name of its own in its organization.</summary>
internal static class Making
{
    /// <summary>Inserts a row and records that; null when the name is taken.</summary>
    /// <param name="insert">The statement, without what to do where there is one already.</param>
    public static Task<T?> MakeAsync<T>(this Store store, string insert, T row, string organizationId, ActorRecord actor, string activity, Dictionary<string, string?> fields)
        where T : class =>
        store.WriteAsync<T?>(async transaction =>
        {
            if (await transaction.ExecuteAsync(insert + " ON CONFLICT DO NOTHING", row).ConfigureAwait(false) == 0)
                return null;
            await transaction.ChangeAsync(organizationId, actor, activity, fields).ConfigureAwait(false);
            return row;
        });
}
