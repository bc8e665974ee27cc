using Demarc.Governance.Evidence;

namespace Demarc.Storage.Evidence;

/// <summary>An append waiting for its batch.</summary>
internal sealed class AppendJob(EvidenceRecord record) : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)
{
    public EvidenceRecord Record { get; } = record;
}
