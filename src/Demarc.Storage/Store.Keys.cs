using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Storage;

/// <summary>The key store: what opens content and salts of the log, apart from both, so that destroying it erases them.</summary>
public abstract partial class Store
{
    private protected const string SaltColumns = "organization_id:t number:i salts:b";

    private protected static object?[][] SaltRows(string organizationId, long number, byte[][] pages) =>
        [.. pages.Select((page, i) => new object?[] { organizationId, number + i, page })];

    /// <summary>Writes to the key store in one transaction. What is deleted there is gone from its file when the task completes.</summary>
    internal abstract Task<T> WriteKeysAsync<T>(Func<StoreTransaction, Task<T>> write);

    /// <summary>Reads the key store.</summary>
    internal abstract Task<T[]> QueryKeysAsync<T>(string sql, object? parameters = null);

    /// <summary>The wrapped key of the place; of several that race to keep one, all get the first.</summary>
    internal abstract Task<byte[]> KeepContentKeyAsync(string organizationId, string sessionId, string day, byte[] wrapped);

    /// <summary>The wrapped key of the place, or null.</summary>
    internal abstract Task<byte[]?> FindContentKeyAsync(string organizationId, string sessionId, string day);

    /// <summary>The salts of 256 leaves from 256 times that number on; null when none are kept.</summary>
    internal abstract Task<byte[]?> FindLeafSaltsAsync(string organizationId, long number);

    /// <summary>Keeps pages of salts from that number on, but for those that are kept already; durable when the task completes.</summary>
    internal abstract Task KeepLeafSaltsAsync(string organizationId, long number, byte[][] pages);

    /// <summary>Destroys the salts of some leaves of a page, by their places in it.</summary>
    internal Task ClearLeafSaltsAsync(string organizationId, long number, IEnumerable<int> places) => WriteKeysAsync(async transaction =>
    {
        var page = $"{KeyTable("leaf_salts")} SET salts = @salts WHERE organization_id = @organizationId AND number = @number";
        // An update, for its lock: of two that clear salts of one page, neither puts back what the other one cleared.
        var locked = page.Replace("@salts", "salts", StringComparison.Ordinal);
        if (await transaction.FindAsync<byte[]>($"UPDATE {locked} RETURNING salts", new { organizationId, number }).ConfigureAwait(false) is not { } salts)
            return 0;
        foreach (var place in places)
            salts.AsSpan(place * RecordCommitment.SaltSize, RecordCommitment.SaltSize).Clear();
        return await transaction.ExecuteAsync($"UPDATE {page}", new { organizationId, number, salts }).ConfigureAwait(false);
    });
}
