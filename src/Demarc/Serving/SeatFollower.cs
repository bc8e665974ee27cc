using Demarc.Control.Configuration;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Frees the seats of those who leave, after each change of the directory.</summary>
internal static class SeatFollower
{
    public static void FollowSeats(this Store store, SeatConfig? seats, string organizationId)
    {
        if (seats is not null)
            store.Changes.Subscribe(() => store.Seats.ReleaseLeaversAsync(organizationId, seats.Rules));
    }
}
