using Microsoft.IdentityModel.Tokens;

namespace Demarc.Control.Identity;

/// <summary>Whether a token holds now, by the clock that the process is given: the library's own check reads the machine's.</summary>
internal static class TokenTimes
{
    /// <param name="skew">How far the issuer's clock may be from this one.</param>
    public static LifetimeValidator Within(TimeSpan skew, TimeProvider time) => (from, until, _, _) =>
    {
        // A token without a beginning comes with the least date there is, from which nothing can be taken.
        var now = time.GetUtcNow().UtcDateTime;
        return until > now - skew && (from is null || from <= now + skew);
    };
}
