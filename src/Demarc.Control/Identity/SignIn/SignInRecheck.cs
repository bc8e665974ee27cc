using Demarc.Governance.Evidence;
using Demarc.Storage.Directory;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Identity.SignIn;

/// <summary>
/// Asks issuers again whether those who signed in are still there (OpenID Connect Core, 12): who is not is signed out, and
/// the groups of the others follow.
/// </summary>
public sealed partial class SignInRecheck(SignInService signIn, ILogger<SignInRecheck> log)
{
    private const int AtOnce = 100;

    private static readonly ActorRecord Actor = new("system", "recheck");

    /// <summary>Null for never.</summary>
    public TimeSpan? Every => signIn.Config.Recheck;

    /// <summary>Asks for the sessions that are due; how many were ended.</summary>
    public async Task<int> RunOnceAsync(CancellationToken stop)
    {
        if (Every is not { } every)
            return 0;
        var ended = 0;
        foreach (var due in await signIn.Store.SignIns.DueAsync(signIn.OrganizationId, signIn.Time.GetUtcNow() - every, AtOnce))
        {
            stop.ThrowIfCancellationRequested();
            // Whichever replica says so first asks: a refresh token may hold once.
            if (Issuer(due) is { } issuer && await signIn.Store.SignIns.ClaimCheckAsync(due) && !await HoldsAsync(due, issuer, stop))
                ended++;
        }
        return ended;
    }

    private async Task<bool> HoldsAsync(DueCheck due, Issuer issuer, CancellationToken stop)
    {
        try
        {
            if (signIn.Grants.Open(due.GrantSealed) is not { } refresh)
                return true;
            var (identity, next) = await issuer.AskAgainAsync(refresh, due.Subject, stop);
            if (next is not null)
                await signIn.Store.SignIns.KeepGrantAsync(due, signIn.Grants.Seal(next));
            if (identity is not null)
                await signIn.EnsureAsync(identity, Actor);
            return true;
        }
        catch (SignInException e) when (SignIn.Issuer.HasLeft(e))
        {
            LogLeft(due.Id, e.Code, e.Message);
            await signIn.Store.SignIns.EndAsync(signIn.OrganizationId, due.Id, "left", Actor);
            return false;
        }
        catch (SignInException e)
        {
            // Not to be asked is no answer: the session holds until its end, and the issuer is asked again next time.
            LogNotAsked(due.Id, e.Code, e.Message);
            return true;
        }
    }

    private Issuer? Issuer(DueCheck due) => Array.Find(signIn.Issuers, i => i.Config.Issuer.AbsoluteUri.TrimEnd('/') == due.Issuer.TrimEnd('/'));

    [LoggerMessage(2421, LogLevel.Information, "The session {SignInId} has ended, as its issuer says so ({Code}): {Reason}")]
    private partial void LogLeft(string signInId, string code, string reason);

    [LoggerMessage(2422, LogLevel.Warning, "Whether the session {SignInId} still holds could not be asked ({Code}): {Reason}")]
    private partial void LogNotAsked(string signInId, string code, string reason);
}
