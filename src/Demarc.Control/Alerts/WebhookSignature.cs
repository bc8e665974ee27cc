using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Identity;

namespace Demarc.Control.Alerts;

/// <summary>The signature of Standard Webhooks: HMAC-SHA256 over <c>id.timestamp.body</c> (source: Standard Webhooks, "Signature scheme").</summary>
public static class WebhookSignature
{
    private const string Prefix = "whsec_";

    /// <summary>The key of a secret <c>whsec_…</c>; null where it is none, or not of 24 to 64 bytes.</summary>
    public static byte[]? KeyOf(Secret secret)
    {
        var text = secret.Reveal();
        if (!text.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var key = new byte[text.Length];
        return Convert.TryFromBase64String(text[Prefix.Length..], key, out var length) && length is >= 24 and <= 64 ? key[..length] : null;
    }

    /// <summary><c>v1,…</c>, for the header <c>webhook-signature</c>.</summary>
    public static string Of(byte[] key, string id, string timestamp, string body) =>
        "v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"{id}.{timestamp}.{body}")));
}
