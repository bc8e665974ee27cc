using Demarc.Governance.Evidence;

namespace Demarc.Storage.Evidence;

/// <summary>An append waiting for its batch. Completed on a worker, where what waits for it may go on at once.</summary>
internal sealed class AppendJob(EvidenceRecord record) : TaskCompletionSource
{
    public EvidenceRecord Record { get; } = record;

    /// <summary>True for what nobody waits for yet: it is made durable with what comes next, or by itself a little later.</summary>
    public bool Lingers => Record.Kind == RecordKind.Begun;
}
