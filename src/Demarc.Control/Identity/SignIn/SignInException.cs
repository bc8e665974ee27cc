namespace Demarc.Control.Identity.SignIn;

/// <summary>A sign-in that does not come about.</summary>
/// <param name="code">Stable, for records.</param>
/// <param name="message">For the operator's log: which claim, which clock, which certificate.</param>
/// <param name="shown">For the person; null for no more than that it failed.</param>
/// <param name="isError">Whether something went wrong; not so where all is well but the person has no seat.</param>
internal sealed class SignInException(string code, string message, string? shown = null, bool isError = true) : Exception(message)
{
    /// <summary>Whom no group lets in.</summary>
    /// <param name="place">Where the issuer names the groups, of which there were <paramref name="count"/>.</param>
    public static SignInException NotAllowed(string issuer, string place, int count) => new(
        "not_allowed", $"None of the {count} groups that {issuer} names at {place} is in allowed_groups",
        "Your account is known, but it is in no group that may use this gateway. Ask your administrator for access.");

    /// <summary>Refuses an address that an issuer may not vouch for.</summary>
    public static void RequireDomain(string issuer, string email, string[] domains)
    {
        var domain = email[(email.LastIndexOf('@') + 1)..].ToLowerInvariant();
        if (domains.Length > 0 && !domains.Contains(domain))
            throw new SignInException("email_domain", $"{issuer} names an address of {Configuration.ConfigText.Printable(domain)}, and may vouch for {string.Join(", ", domains)} (email_domains)");
    }

    public string Code { get; } = code;

    public string? Shown { get; } = shown;

    public bool IsError { get; } = isError;
}
