using System.Data.Common;
using System.Text.Json;
using Dapper;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Projections;

namespace Demarc.Storage;

/// <summary>One write transaction of either store; see <see cref="Store.WriteAsync"/>.</summary>
/// <param name="within">Seconds for a statement; null for as long as the database's library waits by itself.</param>
internal abstract class StoreTransaction(DbConnection connection, TimeProvider time, int? within = null)
{
    /// <summary>Whether the transaction raised a version, so that followers are told once it is durable.</summary>
    public bool Changed { get; private set; }

    /// <summary>Whether the transaction appended records.</summary>
    public bool Appended { get; protected set; }

    public Task<int> ExecuteAsync(string sql, object? parameters = null) => connection.ExecuteAsync(sql, parameters, commandTimeout: within);

    public async Task<T[]> QueryAsync<T>(string sql, object? parameters = null) =>
        [.. await connection.QueryAsync<T>(sql, parameters, commandTimeout: within).ConfigureAwait(false)];

    public Task<T?> FindAsync<T>(string sql, object? parameters = null) =>
        connection.QueryFirstOrDefaultAsync<T>(sql, parameters, commandTimeout: within);

    /// <summary>Appends to the log; throws <see cref="AlreadyRecordedException"/> for a second begin or finish.</summary>
    public abstract Task AppendAsync(EvidenceRecord record);

    /// <summary>Runs one statement for each of many rows.</summary>
    public abstract Task ExecuteManyAsync(BulkStatement statement, IReadOnlyList<object?[]> rows);

    /// <summary>Holds off other writers of a table until the transaction ends.</summary>
    public abstract Task LockAsync(string table);

    /// <summary>Records a change of the directory: an activity, and a version that every replica follows.</summary>
    public async Task ChangeAsync(string organizationId, ActorRecord actor, string type, Dictionary<string, string?> fields)
    {
        Changed = true;
        await RecordAsync(organizationId, actor, type, fields).ConfigureAwait(false);
        await ExecuteAsync(
            """
            INSERT INTO changes (organization_id, version) VALUES (@organizationId, 1)
            ON CONFLICT (organization_id) DO UPDATE SET version = changes.version + 1
            """,
            new { organizationId }).ConfigureAwait(false);
        await NotifyAsync().ConfigureAwait(false);
    }

    /// <summary>Appends an event to the log.</summary>
    public Task RecordAsync(string organizationId, ActorRecord actor, string type, Dictionary<string, string?> fields)
    {
        var now = time.GetUtcNow();
        return AppendAsync(new EvidenceRecord
        {
            OrganizationId = organizationId,
            Kind = RecordKind.Event,
            RequestId = Ids.NewGuid(now),
            At = now.ToUnixTimeMilliseconds(),
            Body = JsonSerializer.SerializeToUtf8Bytes(
                new EventRecord { Type = type, Actor = actor, Fields = fields }, RecordJson.Default.EventRecord),
        });
    }

    protected abstract Task NotifyAsync();
}
