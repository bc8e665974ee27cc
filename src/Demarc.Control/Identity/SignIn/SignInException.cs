namespace Demarc.Control.Identity.SignIn;

/// <summary>A sign-in that does not come about.</summary>
/// <param name="code">Stable, for records.</param>
/// <param name="message">For the operator's log: which claim, which clock, which certificate.</param>
/// <param name="shown">For the person; null for no more than that it failed.</param>
internal sealed class SignInException(string code, string message, string? shown = null) : Exception(message)
{
    public string Code { get; } = code;

    public string? Shown { get; } = shown;
}
