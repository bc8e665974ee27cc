using Demarc.Control.Configuration;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Frees the seats of those who leave, after each change of the directory and of the rules.</summary>
internal sealed class SeatFollower
{
    private readonly Store _store;
    private readonly string _organizationId;
    private volatile SeatConfig? _seats;

    public SeatFollower(Store store, string organizationId, SeatConfig? seats)
    {
        (_store, _organizationId, _seats) = (store, organizationId, seats);
        store.Changes.Subscribe(ReleaseAsync);
    }

    /// <summary>Takes other rules; who has a seat that they no longer give loses it.</summary>
    public Task UseAsync(SeatConfig? seats)
    {
        _seats = seats;
        return ReleaseAsync();
    }

    private Task ReleaseAsync() => _seats is { } seats ? _store.Seats.ReleaseLeaversAsync(_organizationId, seats.Rules) : Task.CompletedTask;
}
