using Demarc.Governance.Evidence;

namespace Demarc.Storage.Evidence;

/// <summary>Something the SQLite writer does within a group transaction.</summary>
internal abstract class SqliteJob
{
    /// <summary>Why this job alone failed; the others of its group stand.</summary>
    protected Exception? Failure { get; private set; }

    public void Run(SqliteWriter writer)
    {
        try
        {
            Write(writer);
        }
        catch (Exception e) when (!SqliteWriter.EndsGroup(e))
        {
            Failure = e;
        }
    }

    /// <summary>The group's transaction ended: <paramref name="failure"/> is null when it is durable.</summary>
    public abstract void Complete(Exception? failure);

    protected abstract void Write(SqliteWriter writer);
}

/// <summary>One record of the log.</summary>
internal sealed class SqliteAppend(EvidenceRecord record) : SqliteJob
{
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task Done => _done.Task;

    public override void Complete(Exception? failure)
    {
        if ((Failure ?? failure) is { } e)
            _done.SetException(e);
        else
            _done.SetResult();
    }

    protected override void Write(SqliteWriter writer) => writer.Insert(record);
}

/// <summary>Any other write, in a savepoint of its own.</summary>
internal sealed class SqliteWork<T>(Func<SqliteTransactionScope, Task<T>> write, Action<SqliteTransactionScope> durable) : SqliteJob
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SqliteTransactionScope? _scope;
    private T _result = default!;

    public Task<T> Done => _done.Task;

    public override void Complete(Exception? failure)
    {
        if ((Failure ?? failure) is { } e)
        {
            _done.SetException(e);
            return;
        }
        durable(_scope!);
        _done.SetResult(_result);
    }

    protected override void Write(SqliteWriter writer) => writer.InSavepoint(() =>
    {
        _scope = new SqliteTransactionScope(writer);
        // SQLite completes every call synchronously, so the task is done unless the delegate awaited something else.
        var task = write(_scope);
        if (!task.IsCompleted)
            throw new InvalidOperationException("A write awaits its own transaction only: it would hold up every other writer.");
        _result = task.GetAwaiter().GetResult();
    });
}
