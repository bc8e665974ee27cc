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
    public static string New(string prefix, TimeProvider time) => From(prefix, Guid.CreateVersion7(time.GetUtcNow()));

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
