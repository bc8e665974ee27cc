using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;

namespace Demarc.Control.Identity.SignIn;

/// <summary>
/// A sign-in between the page and the issuer's answer. It is kept by the browser that began it, sealed in a cookie, so that
/// an answer that another browser brings is for nobody.
/// </summary>
/// <param name="DeviceId">The waiting machine, <c>device_…</c>.</param>
/// <param name="Issuer">Its name in the configuration.</param>
/// <param name="Verifier">PKCE's (RFC 7636).</param>
/// <param name="ExpiresAt">Unix seconds.</param>
internal sealed record PendingSignIn(string DeviceId, string Issuer, string State, string Nonce, string Verifier, long ExpiresAt)
{
    public static PendingSignIn Begin(string deviceId, string issuer, DateTimeOffset end) =>
        new(deviceId, issuer, Random(), Random(), Random(), end.ToUnixTimeSeconds());

    /// <summary>The S256 challenge of the verifier.</summary>
    public string Challenge => Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(Verifier)));

    /// <summary>Whether a secret that came back is the one that was sent.</summary>
    public static bool Same(string sent, string? came) =>
        came is not null && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(sent), Encoding.UTF8.GetBytes(came));

    private static string Random() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));
}

/// <summary>Seals a pending sign-in: AES-256-GCM, base64url.</summary>
internal sealed class SignInSeal(MasterKey master)
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private readonly byte[] _key = master.Derive("demarc sign-in cookie");

    public string Seal(PendingSignIn pending)
    {
        var text = JsonSerializer.SerializeToUtf8Bytes(pending);
        var output = new byte[NonceSize + TagSize + text.Length];
        RandomNumberGenerator.Fill(output.AsSpan(0, NonceSize));
        using var aes = new AesGcm(_key, TagSize);
        aes.Encrypt(output.AsSpan(0, NonceSize), text, output.AsSpan(NonceSize + TagSize), output.AsSpan(NonceSize, TagSize));
        return Base64Url.EncodeToString(output);
    }

    /// <summary>Null for what was not sealed here.</summary>
    public PendingSignIn? Open(string? text)
    {
        try
        {
            var input = Base64Url.DecodeFromChars(text);
            if (input.Length <= NonceSize + TagSize)
                return null;
            var output = new byte[input.Length - NonceSize - TagSize];
            using var aes = new AesGcm(_key, TagSize);
            aes.Decrypt(input.AsSpan(0, NonceSize), input.AsSpan(NonceSize + TagSize), input.AsSpan(NonceSize, TagSize), output);
            return JsonSerializer.Deserialize<PendingSignIn>(output);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }
}
