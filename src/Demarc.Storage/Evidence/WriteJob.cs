using Demarc.Governance.Evidence;

namespace Demarc.Storage.Evidence;

/// <summary>An append waiting for its batch. Completed on a worker, where what waits for it may go on at once.</summary>
internal sealed class AppendJob(EvidenceRecord record) : TaskCompletionSource
{
    public EvidenceRecord Record { get; } = record;
}
