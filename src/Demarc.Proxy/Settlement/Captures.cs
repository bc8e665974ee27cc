using Demarc.Governance;
using Demarc.Governance.Evidence;

namespace Demarc.Proxy.Settlement;

/// <summary>Begins the capture of requests: finds the key of their session and day, and what of their history is sealed already.</summary>
internal sealed class Captures(IEvidenceSink sink)
{
    private readonly SessionTips _tips = new();

    /// <summary>
    /// What of the request is to be sealed at its end; null where the store is away and the operator chose to serve: the exchange then
    /// says that it is not captured.
    /// </summary>
    /// <exception cref="RecordFailedException">The store is away, and nothing is served without it.</exception>
    public async ValueTask<SessionCapture?> BeginAsync(Exchange x)
    {
        var day = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(x.At).UtcDateTime);
        ContentKey key;
        SessionPlace place;
        try
        {
            place = await PlaceAsync(x);
            key = await sink.ContentKeyAsync(x.Principal.OrganizationId, x.SessionId, day);
        }
        catch (Exception e)
        {
            if (!x.Snapshot.ServesInOutage)
                throw new RecordFailedException(e);
            // A session that is new while the store is away has no key that anybody could open it with later.
            x.IsUncaptured = true;
            return null;
        }
        return new SessionCapture(_tips, key, x.SessionId, place, x.Body.Span, x.Facts, x.CaptureAlso);
    }

    // History that this process did not see is asked of the store before it is sealed: a message expires with its first capture.
    private async ValueTask<SessionPlace> PlaceAsync(Exchange x)
    {
        var place = new SessionPlace(_tips, x.SessionId, x.Body.Span, x.Facts);
        if (!place.HasUnknownHistory)
            return place;
        try
        {
            var history = await sink.HistoryAsync(x.Principal.OrganizationId, x.SessionId, _tips.ReadTo(x.SessionId));
            var read = new SessionHistory(place.Names);
            await foreach (var request in history.Requests)
                read.Add(request);
            _tips.Restore(x.SessionId, read);
            if (read.Last > 0)
                place = new SessionPlace(_tips, x.SessionId, x.Body.Span, x.Facts);
            if (history.IsCut)
                place.Withhold();
        }
        catch (Exception) when (x.Snapshot.ServesInOutage)
        {
            // While the store is away history is rather sealed twice than not at all.
        }
        return place;
    }
}
