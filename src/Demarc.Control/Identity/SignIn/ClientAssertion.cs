using System.Security.Cryptography;
using Demarc.Governance.Identity;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Demarc.Control.Identity.SignIn;

/// <summary>How Demarc proves itself to an issuer without a shared secret: <c>private_key_jwt</c> (OpenID Connect Core, section 9).</summary>
internal static class ClientAssertion
{
    public const string Type = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(2);

    /// <summary>Whether a PEM holds a key that can sign.</summary>
    public static bool CanSign(Secret pem) => Load(pem) is not null;

    public static string Sign(Secret pem, string clientId, string tokenEndpoint, TimeProvider time)
    {
        var key = Load(pem) ?? throw new InvalidOperationException("The private key was checked when the configuration was read.");
        var now = time.GetUtcNow().UtcDateTime;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = clientId,
            Audience = tokenEndpoint,
            IssuedAt = now,
            Expires = now + Lifetime,
            Claims = new Dictionary<string, object> { ["sub"] = clientId, ["jti"] = Ids.New("jti_", time) },
            SigningCredentials = new SigningCredentials(key, key is RsaSecurityKey ? SecurityAlgorithms.RsaSha256 : SecurityAlgorithms.EcdsaSha256),
        });
    }

    private static SecurityKey? Load(Secret pem)
    {
        try
        {
            var rsa = RSA.Create();
            rsa.ImportFromPem(pem.Reveal());
            return new RsaSecurityKey(rsa);
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return LoadEc(pem);
        }
    }

    private static ECDsaSecurityKey? LoadEc(Secret pem)
    {
        try
        {
            var ec = ECDsa.Create();
            ec.ImportFromPem(pem.Reveal());
            return ec.KeySize == 256 ? new ECDsaSecurityKey(ec) : null;
        }
        catch (Exception e) when (e is ArgumentException or CryptographicException)
        {
            return null;
        }
    }
}
