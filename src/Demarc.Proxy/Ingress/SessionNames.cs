using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Wire;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary>
/// Names the session of a request: by the client's own id, which counts only beside organization and principal, so
/// that nobody writes into another's session. Without one, a captured conversation is told by its first message, and
/// uncaptured requests share one session per principal and UTC day (content leaves no trace, not even a hash).
/// </summary>
/// <param name="key"><c>MasterKey.Derive("demarc session")</c>.</param>
public sealed class SessionNames(byte[] key)
{
    private const int MaxClientSession = 256;

    // Sessions ask again and again; past the bound the cache starts over.
    private const int MaxCached = 20_000;

    private readonly ConcurrentDictionary<(string Principal, string Own), string> _names = new();

    public string For(Principal principal, IHeaderDictionary headers, RequestFacts facts, ReadOnlySpan<byte> body, CaptureMode capture, long at)
    {
        var own = ClientSession(headers, facts);
        if (own is null)
        {
            var day = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(at).UtcDateTime);
            own = capture == CaptureMode.Full && facts.Messages.Count > 0
                ? $"synthetic {MessageIdentity.Of(key, facts.Messages[0].Of(body)):x32}"
                : $"synthetic {day:yyyy-MM-dd}";
        }
        if (_names.TryGetValue((principal.Id, own), out var known))
            return known;
        if (_names.Count >= MaxCached)
            _names.Clear();
        return _names[(principal.Id, own)] = Name(principal, own);
    }

    private string Name(Principal principal, string own)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{principal.OrganizationId}\n{principal.Id}\n{own}"), mac);
        return Ids.From(Ids.Session, new Guid(mac[..16], bigEndian: true));
    }

    /// <summary>The client's own session id; null when it states none.</summary>
    public static string? ClientSession(IHeaderDictionary headers, RequestFacts facts)
    {
        if (headers["x-claude-code-session-id"] is [{ Length: > 0 and <= MaxClientSession } session, ..])
            return session;
        return facts.MetadataUserId is { } userId && userId.StartsWith('{') ? FromMetadata(userId) : null;
    }

    // Claude Code puts {"device_id","account_uuid","session_id"} into metadata.user_id, as a string.
    private static string? FromMetadata(string userId)
    {
        try
        {
            using var json = JsonDocument.Parse(userId);
            return json.RootElement.TryGetProperty("session_id", out var id) && id.ValueKind == JsonValueKind.String && id.GetString() is { Length: > 0 and <= MaxClientSession } text
                ? text
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
