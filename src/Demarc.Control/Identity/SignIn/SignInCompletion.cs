using Demarc.Governance.Identity;
using Demarc.Storage.Directory;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Identity.SignIn;

/// <summary>The end of a sign-in, whoever says who somebody is: the browser's cookie, the person, the seat, the machine that waits.</summary>
public sealed partial class SignInCompletion(SignInService signIn, ILogger<SignInCompletion> log)
{
    private bool IsSecure => signIn.Url().Scheme == "https";

    private string CookieName => IsSecure ? "__Host-demarc-sign-in" : "demarc-sign-in";

    /// <summary>Keeps a sign-in with the browser that began it.</summary>
    internal void Keep(HttpContext http, PendingSignIn pending) =>
        http.Response.Cookies.Append(CookieName, signIn.Seal.Seal(pending), Cookie(SignInService.CodeLifetime));

    /// <summary>The sign-in that this browser began, once; null for none, or one that is too old.</summary>
    internal PendingSignIn? Take(HttpContext http)
    {
        var pending = signIn.Seal.Open(http.Request.Cookies[CookieName]);
        http.Response.Cookies.Append(CookieName, "", Cookie(TimeSpan.Zero));
        return pending?.ExpiresAt < signIn.Time.GetUtcNow().ToUnixTimeSeconds() ? null : pending;
    }

    /// <summary>Answers a browser that did not begin what it ends.</summary>
    internal Task StrangerAsync(HttpContext http)
    {
        signIn.Abuse.SignIns.Take(SignInService.Address(http));
        LogStranger(SignInService.Address(http));
        return SignInPages.MessageAsync(http, 400, "Start again", "This sign-in was not begun in this browser, or is too old. Run /login again and open the page that it names.");
    }

    /// <param name="grant">What asks the issuer again later; null for nothing.</param>
    /// <exception cref="SignInException">The person may not.</exception>
    internal async Task CompleteAsync(HttpContext http, PendingSignIn pending, ProvidedIdentity identity, byte[]? grant)
    {
        if (!signIn.Abuse.Accounts.Take($"{identity.Issuer} {identity.Subject}"))
            throw new SignInException("too_many", $"More than 30 sign-ins of one account of {pending.Issuer} within an hour", "Your account has signed in too often. Try again in an hour.");
        var user = await signIn.EnsureAsync(identity, SignInService.Actor(http))
            ?? throw new SignInException("address_taken", $"The address of this subject of {pending.Issuer} belongs to somebody with another subject", "Your address belongs to another account. Ask your administrator.");
        if (user.Status != "active")
            throw new SignInException("inactive", $"{user.Id} is not active", "Your account is not active here. Ask your administrator.");
        await SeatAsync(http, user);
        if (!await signIn.Store.DeviceCodes.DecideAsync(signIn.OrganizationId, pending.DeviceId, user.Id, identity.Issuer, grant: grant))
            throw new SignInException("decided", "The device code was decided already, or is too old", "This code was used already, or is too old. Run /login again.");
        await SignInPages.MessageAsync(http, 200, "Signed in", $"You are signed in as {user.Email}. Go back to your terminal; this page can be closed.");
    }

    /// <summary>Runs a step that can be refused: the operator learns why, the browser no more than helps its person.</summary>
    /// <param name="pending">Null where it is not known yet whose it is.</param>
    internal async Task RefusableAsync(HttpContext http, PendingSignIn? pending, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (SignInException e)
        {
            var reference = Ids.New(Ids.Request, signIn.Time);
            LogRefused(reference, e.Code, e.Message);
            signIn.Abuse.SignIns.Take(SignInService.Address(http));
            if (pending is not null)
                await signIn.Store.DeviceCodes.DecideAsync(signIn.OrganizationId, pending.DeviceId, null, pending.Issuer, e.Shown);
            await signIn.Store.RecordAsync(signIn.OrganizationId, SignInService.Actor(http), "demarc_sign_in_refused", new() { ["reason"] = e.Code, ["issuer"] = pending?.Issuer, ["reference"] = reference });
            if (!e.IsError)
                await SignInPages.MessageAsync(http, 200, "No seat yet", $"{e.Shown} ({reference})");
            else
                await SignInPages.MessageAsync(http, 403, "Not signed in", $"{e.Shown ?? "The sign-in failed. Your administrator finds the reason in the gateway's log."} ({reference})");
        }
    }

    private async Task SeatAsync(HttpContext http, User user)
    {
        if (signIn.Seats is not { } seats)
            return;
        var outcome = await signIn.Store.Seats.TakeAsync(signIn.OrganizationId, user.Id, seats.Rules, SignInService.Actor(http, user));
        if (outcome == SeatOutcome.NotEntitled)
            throw new SignInException("no_seat", $"{user.Id} is in none of seats.groups and was given no seat by hand", $"Your account is fine, but you have no seat here yet. {signIn.SeatHelp}", isError: false);
        if (outcome == SeatOutcome.Full)
            throw new SignInException("seats_full", $"All {seats.Rules.Maximum} seats are held, none is left for {user.Id}", $"Your account is fine, but all {seats.Rules.Maximum} seats are taken. {signIn.SeatHelp}", isError: false);
    }

    private CookieOptions Cookie(TimeSpan age) => new() { HttpOnly = true, Secure = IsSecure, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = age };

    [LoggerMessage(2401, LogLevel.Warning, "Sign-in refused ({Reference}, {Code}): {Reason}")]
    private partial void LogRefused(string reference, string code, string reason);

    [LoggerMessage(2402, LogLevel.Warning, "An identity provider's answer came to a browser that had not asked, from {Address}")]
    private partial void LogStranger(string address);
}
