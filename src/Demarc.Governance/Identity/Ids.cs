using System.Buffers.Binary;

namespace Demarc.Governance.Identity;

/// <summary>Prefixed ids over version 7 GUIDs: <c>prefix_</c> and 22 base 62 digits.</summary>
public static class Ids
{
    public const string User = "user_";
    public const string ServiceAccount = "svac_";
    public const string ApiKey = "apikey_";
    public const string Organization = "org_";
    public const string Workspace = "wrkspc_";
    public const string Project = "claude_proj_";
    public const string Request = "req_";
    public const string Session = "clls_";
    public const string SignIn = "signin_";
    public const string DeviceCode = "device_";
    public const string Message = "clsm_";
    public const string Activity = "activity_";
    public const string LegalHold = "hold_";
    public const string Review = "review_";

    /// <summary>A new id that sorts by time.</summary>
    public static string New(string prefix, TimeProvider time) => From(prefix, NewGuid(time.GetUtcNow()));

    /// <summary>A version 7 GUID (RFC 9562, 5.7): Unix milliseconds, then random bits.</summary>
    public static Guid NewGuid(DateTimeOffset now)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteInt64BigEndian(bytes, now.ToUnixTimeMilliseconds() << 16);
        Randomness.Fill(bytes[6..]);
        bytes[6] = (byte)((bytes[6] & 0x0f) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3f) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }

    public static string From(string prefix, Guid id)
    {
        Span<byte> bytes = stackalloc byte[16];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        return prefix + Base62.Encode(bytes);
    }

    /// <summary>The GUID of an id with that prefix; false when it is not one.</summary>
    public static bool TryParse(string prefix, ReadOnlySpan<char> id, out Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value = default;
        if (!id.StartsWith(prefix, StringComparison.Ordinal) || !Base62.TryDecode(id[prefix.Length..], bytes))
            return false;
        value = new Guid(bytes, bigEndian: true);
        return true;
    }
}
