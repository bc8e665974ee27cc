using Demarc.Governance.Evidence;
using Demarc.Storage.Projections;

namespace Demarc.Storage.Evidence;

/// <summary>A savepoint of the writer's group transaction; lives on the writer's thread.</summary>
internal sealed class SqliteTransactionScope(SqliteWriter writer) : StoreTransaction(writer.Connection, writer.Time)
{
    public override Task AppendAsync(EvidenceRecord record)
    {
        writer.Insert(record);
        Appended = true;
        return Task.CompletedTask;
    }

    public override Task ExecuteManyAsync(BulkStatement statement, IReadOnlyList<object?[]> rows)
    {
        writer.Execute(statement, rows);
        return Task.CompletedTask;
    }

    // A SQLite file has one writer at a time anyway.
    public override Task LockAsync(string table) => Task.CompletedTask;

    // Other processes follow the version itself.
    protected override Task NotifyAsync() => Task.CompletedTask;
}
