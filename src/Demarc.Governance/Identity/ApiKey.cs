using System.Security.Cryptography;
using System.Text;

namespace Demarc.Governance.Identity;

/// <summary>What a key may do.</summary>
public enum ApiKeyKind
{
    /// <summary>Ask models: <c>demarc_key_…</c>.</summary>
    Inference,

    /// <summary>Administer through <c>/v1/organizations/…</c>: <c>demarc_admin_…</c>.</summary>
    Admin,

    /// <summary>Read activities and transcripts through <c>/v1/compliance/…</c>: <c>demarc_compliance_…</c>.</summary>
    Compliance,
}

/// <summary>
/// An API key: <c>demarc_{kind}_</c> and 72 base 62 digits over 16 bytes of id, 24 random bytes and a
/// 13-byte MAC. The MAC turns forgeries away without a look at the store; the store keeps a SHA-256 hash
/// of the whole key (160 bits of entropy and more need no slow hash).
/// </summary>
public static class ApiKey
{
    private const int IdSize = 16;
    private const int RandomSize = 24;
    private const int MacSize = 13;
    private const int Size = IdSize + RandomSize + MacSize;

    /// <summary>Every key is shorter than this, so that a longer credential is refused unread.</summary>
    public const int MaxLength = 128;

    public static string Prefix(ApiKeyKind kind) => kind switch
    {
        ApiKeyKind.Inference => "demarc_key_",
        ApiKeyKind.Admin => "demarc_admin_",
        ApiKeyKind.Compliance => "demarc_compliance_",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>The kind's name in records and APIs: <c>inference</c>, <c>admin</c> or <c>compliance</c>.</summary>
    public static string KindName(ApiKeyKind kind) => kind switch
    {
        ApiKeyKind.Inference => "inference",
        ApiKeyKind.Admin => "admin",
        ApiKeyKind.Compliance => "compliance",
        _ => throw new ArgumentOutOfRangeException(nameof(kind)),
    };

    /// <summary>False for a name that <see cref="KindName"/> does not give.</summary>
    public static bool TryKind(string name, out ApiKeyKind kind)
    {
        kind = Array.Find(Kinds, k => KindName(k) == name);
        return KindName(kind) == name;
    }

    /// <summary>A new key under the MAC key <c>MasterKey.Derive("demarc api key")</c>.</summary>
    public static (string Id, Secret Key) Create(ApiKeyKind kind, byte[] macKey, TimeProvider time)
    {
        Span<byte> bytes = stackalloc byte[Size];
        var id = Ids.NewGuid(time.GetUtcNow());
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        RandomNumberGenerator.Fill(bytes.Slice(IdSize, RandomSize));
        Mac(kind, bytes[..^MacSize], macKey, bytes[^MacSize..]);
        return (Ids.From(Ids.ApiKey, id), new Secret(Prefix(kind) + Base62.Encode(bytes)));
    }

    /// <summary>The key's id and kind when the MAC holds. Says nothing about whether the key is still good.</summary>
    public static bool TryRead(ReadOnlySpan<char> key, byte[] macKey, out string id, out ApiKeyKind kind)
    {
        id = "";
        kind = default;
        foreach (var candidate in Kinds)
        {
            if (!key.StartsWith(Prefix(candidate), StringComparison.Ordinal))
                continue;
            Span<byte> bytes = stackalloc byte[Size];
            Span<byte> mac = stackalloc byte[MacSize];
            if (!Base62.TryDecode(key[Prefix(candidate).Length..], bytes))
                return false;
            Mac(candidate, bytes[..^MacSize], macKey, mac);
            if (!CryptographicOperations.FixedTimeEquals(mac, bytes[^MacSize..]))
                return false;
            id = Ids.From(Ids.ApiKey, new Guid(bytes[..IdSize], bigEndian: true));
            kind = candidate;
            return true;
        }
        return false;
    }

    /// <summary>The form in which the store keeps a key.</summary>
    public static byte[] Hash(ReadOnlySpan<char> key)
    {
        Span<byte> utf8 = stackalloc byte[MaxLength * 3];
        return SHA256.HashData(utf8[..Encoding.UTF8.GetBytes(key, utf8)]);
    }

    /// <summary>What a listing shows of a key: its start and its last four characters.</summary>
    public static string Hint(string key) => string.Concat(key.AsSpan(0, key.LastIndexOf('_') + 4), "...", key.AsSpan(key.Length - 4));

    private static readonly ApiKeyKind[] Kinds = [ApiKeyKind.Inference, ApiKeyKind.Admin, ApiKeyKind.Compliance];

    private static void Mac(ApiKeyKind kind, ReadOnlySpan<byte> bytes, byte[] macKey, Span<byte> mac)
    {
        Span<byte> input = stackalloc byte[1 + IdSize + RandomSize];
        input[0] = (byte)kind;
        bytes.CopyTo(input[1..]);
        Span<byte> full = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(macKey, input, full);
        full[..MacSize].CopyTo(mac);
    }
}
