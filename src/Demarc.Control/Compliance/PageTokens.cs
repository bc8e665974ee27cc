using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Demarc.Control.Compliance;

/// <summary>
/// Opaque page tokens: <c>page_</c> and base64url over a value and its MAC, which also covers the listing it belongs to.
/// What was altered, or comes from another listing, is no token.
/// </summary>
/// <param name="key"><c>MasterKey.Derive("demarc cursor")</c>: every replica reads the others' tokens.</param>
public sealed class PageTokens(byte[] key)
{
    private const string Prefix = "page_";
    private const int MacSize = 16;

    /// <param name="listing">All that the token is bound to.</param>
    public string Make(string listing, string value)
    {
        var bytes = Encoding.UTF8.GetBytes(value);
        return Prefix + Base64Url.EncodeToString([.. bytes, .. Mac(listing, bytes)]);
    }

    /// <summary>The value; null for what is no token of that listing.</summary>
    public string? Read(string listing, string token)
    {
        if (!token.StartsWith(Prefix, StringComparison.Ordinal) || !Base64Url.IsValid(token.AsSpan(Prefix.Length), out var length) || length < MacSize)
            return null;
        var bytes = Base64Url.DecodeFromChars(token.AsSpan(Prefix.Length));
        var value = bytes.AsSpan(0, length - MacSize);
        return CryptographicOperations.FixedTimeEquals(Mac(listing, value), bytes.AsSpan(value.Length, MacSize)) ? Encoding.UTF8.GetString(value) : null;
    }

    private byte[] Mac(string listing, ReadOnlySpan<byte> value) =>
        HMACSHA256.HashData(key, (byte[])[.. SHA256.HashData(Encoding.UTF8.GetBytes(listing)), .. value])[..MacSize];
}
