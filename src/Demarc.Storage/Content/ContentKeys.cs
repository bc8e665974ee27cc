using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using Demarc.Governance.Evidence;

namespace Demarc.Storage.Content;

/// <summary>
/// Content keys by session and UTC day: made on first use, durable before anything is sealed with them, and cached.
/// </summary>
internal sealed class ContentKeys(Store store, MasterKey master)
{
    /// <summary>Two generations of this many are cached: about 2 KB a key in use.</summary>
    private const int GenerationSize = 5_000;

    private readonly Lock _turn = new();
    private ConcurrentDictionary<Place, Task<ContentKey>> _young = new();
    private ConcurrentDictionary<Place, Task<ContentKey>> _old = new();

    public ValueTask<ContentKey> GetAsync(string organizationId, string sessionId, DateOnly day)
    {
        var place = new Place(organizationId, sessionId, day);
        if (!_young.TryGetValue(place, out var key))
            key = Admit(place);
        return key.IsCompletedSuccessfully ? new(key.Result) : new(key);
    }

    public async Task<ContentKey?> FindAsync(string organizationId, string sessionId, DateOnly day)
    {
        var place = new Place(organizationId, sessionId, day);
        var wrapped = await store.FindContentKeyAsync(organizationId, sessionId, Text(day)).ConfigureAwait(false);
        return wrapped == null ? null : Unwrap(wrapped, place);
    }

    /// <summary>What is destroyed in the store is forgotten here.</summary>
    public void Forget(IReadOnlyCollection<string> sessions)
    {
        var gone = sessions.ToHashSet();
        lock (_turn)
        {
            foreach (var cache in new[] { _young, _old })
            {
                foreach (var place in cache.Keys.Where(place => gone.Contains(place.SessionId)))
                    cache.TryRemove(place, out _);
            }
        }
    }

    private Task<ContentKey> Admit(Place place)
    {
        // Under the lock, so that concurrent first uses share one key and one write.
        lock (_turn)
        {
            if (_young.TryGetValue(place, out var key))
                return key;
            if (_young.Count >= GenerationSize)
            {
                _old = _young;
                _young = new();
            }
            if (!_old.TryRemove(place, out key))
                key = LoadAsync(place);
            return _young[place] = key;
        }
    }

    private async Task<ContentKey> LoadAsync(Place place)
    {
        // Away from the caller's lock.
        await Task.Yield();
        try
        {
            var day = Text(place.Day);
            var wrapped = await store.FindContentKeyAsync(place.OrganizationId, place.SessionId, day).ConfigureAwait(false);
            if (wrapped == null)
            {
                var secret = RandomNumberGenerator.GetBytes(ContentKey.Size);
                wrapped = await store.KeepContentKeyAsync(
                    place.OrganizationId, place.SessionId, day,
                    master.Wrap(secret, place.OrganizationId, place.SessionId, place.Day)).ConfigureAwait(false);
                CryptographicOperations.ZeroMemory(secret);
            }
            return Unwrap(wrapped, place);
        }
        catch
        {
            // A failure is not remembered: the next use tries again.
            lock (_turn)
            {
                _young.TryRemove(place, out _);
                _old.TryRemove(place, out _);
            }
            throw;
        }
    }

    private ContentKey Unwrap(byte[] wrapped, Place place)
    {
        var unwrapped = master.Unwrap(wrapped, place.OrganizationId, place.SessionId, place.Day);
        var key = new ContentKey(unwrapped);
        CryptographicOperations.ZeroMemory(unwrapped);
        return key;
    }

    private static string Text(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private readonly record struct Place(string OrganizationId, string SessionId, DateOnly Day);
}
