using System.Text.Json;
using Demarc.Governance.Identity;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Identity.SignIn;

/// <summary>The machine's and the browser's half of a sign-in (RFC 8628): a code, the page where it is typed, the way to the issuer and back.</summary>
public sealed partial class DeviceEndpoints(SignInService signIn, ILogger<DeviceEndpoints> log)
{
    private const string Role = "developer";

    private bool IsSecure => signIn.Url().Scheme == "https";

    private string CookieName => IsSecure ? "__Host-demarc-sign-in" : "demarc-sign-in";

    /// <summary><c>POST /oauth/device_authorization</c>.</summary>
    public async Task AuthorizeAsync(HttpContext http)
    {
        if (!signIn.Opened.Take(SignInService.Address(http)))
        {
            await OAuthAnswer.ErrorAsync(http, 429, "slow_down", "Too many sign-ins from this address. Try again in a minute.");
            return;
        }
        while (true)
        {
            var (id, code) = (Guid.CreateVersion7(signIn.Time.GetUtcNow()), SignInService.NewUserCode());
            if (!await signIn.Store.DeviceCodes.OpenAsync(
                signIn.OrganizationId, id, signIn.HashUserCode(code), SignInService.CodeLifetime, http.Connection.RemoteIpAddress?.ToString(), http.Request.Headers.UserAgent))
                continue;
            await OAuthAnswer.WriteAsync(http, 200, JsonSerializer.SerializeToUtf8Bytes(new
            {
                device_code = signIn.Devices.Of(id).Reveal(),
                user_code = code,
                verification_uri = signIn.Base + SignInService.CodePath,
                verification_uri_complete = $"{signIn.Base}{SignInService.CodePath}?user_code={code}",
                expires_in = (int)SignInService.CodeLifetime.TotalSeconds,
                interval = (int)SignInService.PollInterval.TotalSeconds,
                login_notice = signIn.Config.LoginNotice,
            }));
            return;
        }
    }

    /// <summary><c>GET /device</c>: looks nothing up, so that it tells nobody which codes there are.</summary>
    public Task PageAsync(HttpContext http) =>
        SignInPages.CodeAsync(http, http.Request.Query["user_code"], Names);

    /// <summary><c>POST /device</c>: to the issuer, for a code that a machine waits under.</summary>
    public async Task SubmitAsync(HttpContext http)
    {
        if (!IsSameOrigin(http.Request))
        {
            await SignInPages.MessageAsync(http, 403, "Not from here", "This form was sent from another site. Open the page that your terminal names, and send it from there.");
            return;
        }
        if (!http.Request.HasFormContentType || await OAuthAnswer.FormAsync(http) is not { } form)
        {
            await SignInPages.CodeAsync(http, null, Names, 400, "Type the code that your terminal shows.");
            return;
        }
        string typed = form["user_code"].ToString(), address = SignInService.Address(http);
        if (signIn.Failed.IsSpent(address))
        {
            await SignInPages.CodeAsync(http, null, Names, 429, "Too many wrong codes from this address. Try again in ten minutes.");
            return;
        }
        var device = typed.Length > 20 ? null : await signIn.Store.DeviceCodes.FindWaitingAsync(signIn.OrganizationId, signIn.HashUserCode(typed));
        if (device is null)
        {
            signIn.Failed.Take(address);
            await SignInPages.CodeAsync(http, null, Names, 400, "No machine waits under this code. Check it, or run /login again: a code holds for ten minutes.");
            return;
        }
        var issuer = signIn.Issuers.Length == 1 ? signIn.Issuers[0] : Array.Find(signIn.Issuers, i => i.Config.Name == form["issuer"]);
        if (issuer is null)
        {
            await SignInPages.CodeAsync(http, typed, Names, 400, "Choose whose account you sign in with.");
            return;
        }
        var pending = PendingSignIn.Begin(device.Id, issuer.Config.Name, signIn.Time.GetUtcNow() + SignInService.CodeLifetime);
        await RefusableAsync(http, pending, async () =>
        {
            var url = await issuer.AuthorizeUrlAsync(pending, signIn.Base + SignInService.CallbackPath, http.RequestAborted);
            http.Response.Cookies.Append(CookieName, signIn.Seal.Seal(pending), Cookie(SignInService.CodeLifetime));
            http.Response.StatusCode = 303;
            http.Response.Headers.Location = url;
        });
    }

    /// <summary><c>GET /oauth/callback</c>: the issuer's answer.</summary>
    public async Task CallbackAsync(HttpContext http)
    {
        var query = http.Request.Query;
        var pending = signIn.Seal.Open(http.Request.Cookies[CookieName]);
        http.Response.Cookies.Append(CookieName, "", Cookie(TimeSpan.Zero));
        if (pending is null || pending.ExpiresAt < signIn.Time.GetUtcNow().ToUnixTimeSeconds() || !PendingSignIn.Same(pending.State, query["state"]))
        {
            signIn.Failed.Take(SignInService.Address(http));
            LogStranger(SignInService.Address(http));
            await SignInPages.MessageAsync(http, 400, "Start again", "This sign-in was not begun in this browser, or is too old. Run /login again and open the page that it names.");
            return;
        }
        await RefusableAsync(http, pending, async () =>
        {
            var issuer = Array.Find(signIn.Issuers, i => i.Config.Name == pending.Issuer) ?? throw new SignInException("issuer_gone", $"There is no issuer {pending.Issuer} any more");
            // RFC 9207: where the answer says who gives it, it is who was asked.
            if (query["error"].ToString() is { Length: > 0 } error)
                throw new SignInException("issuer_error", $"{issuer.Config.Name} refused: {Configuration.ConfigText.Printable(error)}", "Your identity provider did not sign you in.");
            if (query["iss"].ToString() is { Length: > 0 } named && named.TrimEnd('/') != issuer.Config.Issuer.AbsoluteUri.TrimEnd('/'))
                throw new SignInException("issuer_mixed_up", $"The answer is of {Configuration.ConfigText.Printable(named)}, asked was {issuer.Config.Name}");
            var identity = await issuer.IdentifyAsync(query["code"].ToString(), pending, signIn.Base + SignInService.CallbackPath, http.RequestAborted);
            var user = await signIn.Store.Identities.EnsureAsync(signIn.OrganizationId, identity, Role, SignInService.Actor(http))
                ?? throw new SignInException("address_taken", $"The address of this subject of {issuer.Config.Name} belongs to somebody with another subject", "Your address belongs to another account. Ask your administrator.");
            if (user.Status != "active")
                throw new SignInException("inactive", $"{user.Id} is not active", "Your account is not active here. Ask your administrator.");
            if (!await signIn.Store.DeviceCodes.DecideAsync(signIn.OrganizationId, pending.DeviceId, user.Id, identity.Issuer))
                throw new SignInException("decided", "The device code was decided already, or is too old", "This code was used already, or is too old. Run /login again.");
            await SignInPages.MessageAsync(http, 200, "Signed in", $"You are signed in as {user.Email}. Go back to your terminal; this page can be closed.");
        });
    }

    private string[] Names => [.. signIn.Issuers.Select(i => i.Config.Name)];

    private async Task RefusableAsync(HttpContext http, PendingSignIn pending, Func<Task> step)
    {
        try
        {
            await step();
        }
        catch (SignInException e)
        {
            var reference = Ids.New(Ids.Request, signIn.Time);
            LogRefused(reference, e.Code, e.Message);
            signIn.Failed.Take(SignInService.Address(http));
            await signIn.Store.DeviceCodes.DecideAsync(signIn.OrganizationId, pending.DeviceId, null, pending.Issuer);
            await signIn.Store.RecordAsync(signIn.OrganizationId, SignInService.Actor(http), "demarc_sign_in_refused", new() { ["reason"] = e.Code, ["issuer"] = pending.Issuer, ["reference"] = reference });
            await SignInPages.MessageAsync(http, 403, "Not signed in", $"{e.Shown ?? "The sign-in failed. Your administrator finds the reason in the gateway's log."} ({reference})");
        }
    }

    private CookieOptions Cookie(TimeSpan age) => new() { HttpOnly = true, Secure = IsSecure, SameSite = SameSiteMode.Lax, Path = "/", MaxAge = age };

    private bool IsSameOrigin(HttpRequest request) =>
        request.Headers.Origin.ToString() is { Length: > 0 } origin
            ? origin == signIn.Url().GetLeftPart(UriPartial.Authority)
            : request.Headers["Sec-Fetch-Site"] == "same-origin";

    [LoggerMessage(2401, LogLevel.Warning, "Sign-in refused ({Reference}, {Code}): {Reason}")]
    private partial void LogRefused(string reference, string code, string reason);

    [LoggerMessage(2402, LogLevel.Warning, "An identity provider's answer came to a browser that had not asked, from {Address}")]
    private partial void LogStranger(string address);
}
