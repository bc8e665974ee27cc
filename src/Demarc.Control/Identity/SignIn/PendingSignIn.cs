using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

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

/// <summary>Seals a pending sign-in, base64url.</summary>
internal sealed class SignInSeal(MasterKey master)
{
    private readonly ByteSeal _seal = new(master.Derive("demarc sign-in cookie"));

    public string Seal(PendingSignIn pending) => Base64Url.EncodeToString(_seal.Seal(JsonSerializer.SerializeToUtf8Bytes(pending)));

    /// <summary>Null for what was not sealed here.</summary>
    public PendingSignIn? Open(string? text)
    {
        try
        {
            return _seal.Open(Base64Url.DecodeFromChars(text)) is { } opened ? JsonSerializer.Deserialize<PendingSignIn>(opened) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

/// <summary>Seals what an issuer gave to ask it again: a refresh token.</summary>
internal sealed class GrantSeal(MasterKey master)
{
    private readonly ByteSeal _seal = new(master.Derive("demarc issuer grant"));

    public byte[] Seal(Secret refresh) => _seal.Seal(Encoding.UTF8.GetBytes(refresh.Reveal()));

    /// <summary>Null for what was not sealed here.</summary>
    public Secret? Open(byte[] grant) => _seal.Open(grant) is { } opened ? new Secret(Encoding.UTF8.GetString(opened)) : null;
}
