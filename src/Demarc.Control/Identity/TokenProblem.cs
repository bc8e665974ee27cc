using Demarc.Control.Configuration;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Demarc.Control.Identity;

/// <summary>Why a token does not hold, for the operator: which claim, which clock, which key, and what would be accepted.</summary>
internal static class TokenProblem
{
    /// <summary>Stable; on record.</summary>
    public static string Code(Exception? e) => e switch
    {
        SecurityTokenInvalidIssuerException => "issuer",
        SecurityTokenInvalidAudienceException => "audience",
        SecurityTokenInvalidLifetimeException or SecurityTokenExpiredException or SecurityTokenNotYetValidException or SecurityTokenNoExpirationException => "time",
        SecurityTokenInvalidAlgorithmException => "algorithm",
        SecurityTokenSignatureKeyNotFoundException => "key",
        _ => "signature",
    };

    /// <param name="skew">How far the clocks may differ.</param>
    public static string Explain(Exception? e, string token, string[] issuers, string[] audiences, string[] algorithms, TimeSpan skew, TimeProvider time)
    {
        var said = Unverified(token);
        return Code(e) switch
        {
            "issuer" => $"It names the issuer {ConfigText.Printable(said?.Issuer ?? "none")}; accepted: {string.Join(", ", issuers)}",
            "audience" => $"It is for {ConfigText.Printable(string.Join(", ", said?.Audiences ?? []))}; accepted: {string.Join(", ", audiences)}",
            "time" => $"It holds from {said?.ValidFrom:O} to {said?.ValidTo:O}, by the clock of its issuer, give or take {skew.TotalSeconds} seconds; the clock here says {time.GetUtcNow().UtcDateTime:O}",
            "algorithm" => $"It is signed with {ConfigText.Printable(said?.Alg ?? "none")}; accepted: {string.Join(", ", algorithms)}",
            "key" => $"It names the key {ConfigText.Printable(said?.Kid ?? "none")}, which its issuer does not publish",
            _ => $"Its signature does not hold ({e?.GetType().Name})",
        };
    }

    /// <summary>The claims of a token that nobody has verified; null for what is no token.</summary>
    public static JsonWebToken? Unverified(string token)
    {
        try
        {
            return new JsonWebToken(token);
        }
        catch (ArgumentException)
        {
            // No token at all: there is nothing to name of it.
            return null;
        }
    }
}
