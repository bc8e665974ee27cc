using Demarc.Governance.Evidence;

namespace Demarc.Control.Telemetry;

/// <summary>Counts records on their way to the store. Only in the way where metrics are configured.</summary>
public sealed class MeteredSink(IEvidenceSink inner, RequestMetrics metrics) : IEvidenceSink
{
    public Task AppendAsync(EvidenceRecord record)
    {
        metrics.Count(record);
        var append = inner.AppendAsync(record);
        return append.IsCompletedSuccessfully ? append : WatchAsync(append);
    }

    public void Hurry() => inner.Hurry();

    public void Later(EvidenceRecord record) => inner.Later(record);

    public ValueTask<ContentKey> ContentKeyAsync(string organizationId, string sessionId, DateOnly day) => inner.ContentKeyAsync(organizationId, sessionId, day);

    public Task<CapturedHistory> HistoryAsync(string organizationId, string sessionId, long? after) => inner.HistoryAsync(organizationId, sessionId, after);

    private async Task WatchAsync(Task append)
    {
        try
        {
            await append;
        }
        catch
        {
            metrics.Failed();
            throw;
        }
    }
}
