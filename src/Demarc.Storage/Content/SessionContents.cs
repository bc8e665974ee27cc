using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;

namespace Demarc.Storage.Content;

/// <summary>Opens what was captured of one session; the key of a day is asked for once.</summary>
public sealed class SessionContents(Store store, string organizationId, string sessionId)
{
    private readonly Dictionary<DateOnly, ContentKey?> _keys = [];

    /// <summary>Null when nothing was captured, or when it or its key has been erased.</summary>
    /// <exception cref="System.Security.Cryptography.CryptographicException">It was altered, or sealed elsewhere.</exception>
    public async Task<byte[]?> OpenAsync(SessionRequest request)
    {
        if (request.Content is not { Length: > 0 } content)
            return null;
        var day = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(request.At).UtcDateTime);
        if (!_keys.TryGetValue(day, out var key))
            _keys.Add(day, key = await store.ExistingContentKeyAsync(organizationId, sessionId, day).ConfigureAwait(false));
        return key?.Open(content, organizationId, sessionId, new Guid(request.RequestId, bigEndian: true));
    }
}
