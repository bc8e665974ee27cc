using System.Text.Json;
using Demarc.Governance.Identity;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.SignIn;

/// <summary>The machine's and the browser's half of a sign-in (RFC 8628): a code, the page where it is typed, the way to the issuer and back.</summary>
public sealed class DeviceEndpoints(SignInService signIn, SignInCompletion completion)
{
    /// <summary><c>POST /oauth/device_authorization</c>.</summary>
    public async Task AuthorizeAsync(HttpContext http)
    {
        if (!signIn.Abuse.DeviceCodes.Take(SignInService.Address(http)))
        {
            await OAuthAnswer.ErrorAsync(http, 429, "slow_down", "Too many sign-ins from this address. Try again in a minute.");
            return;
        }
        while (true)
        {
            var (id, code) = (Ids.NewGuid(signIn.Time.GetUtcNow()), SignInService.NewUserCode());
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
        if (signIn.Abuse.SignIns.IsSpent(address))
        {
            await SignInPages.CodeAsync(http, null, Names, 429, "Too many wrong codes from this address. Try again in ten minutes.");
            return;
        }
        var device = typed.Length > 20 ? null : await signIn.Store.DeviceCodes.FindWaitingAsync(signIn.OrganizationId, signIn.HashUserCode(typed));
        if (device is null)
        {
            signIn.Abuse.SignIns.Take(address);
            await SignInPages.CodeAsync(http, null, Names, 400, "No machine waits under this code. Check it, or run /login again: a code holds for ten minutes.");
            return;
        }
        var chosen = Names.Length == 1 ? Names[0] : Array.Find(Names, n => n == form["issuer"]);
        if (chosen is null)
        {
            await SignInPages.CodeAsync(http, typed, Names, 400, "Choose whose account you sign in with.");
            return;
        }
        var pending = PendingSignIn.Begin(device.Id, chosen, signIn.Time.GetUtcNow() + SignInService.CodeLifetime);
        await completion.RefusableAsync(http, pending, async () =>
        {
            if (Array.Find(signIn.Issuers, i => i.Config.Name == chosen) is { } issuer)
            {
                var url = await issuer.AuthorizeUrlAsync(pending, signIn.Base + SignInService.CallbackPath, http.RequestAborted);
                completion.Keep(http, pending);
                http.Response.StatusCode = 303;
                http.Response.Headers.Location = url;
                return;
            }
            pending = pending with { State = signIn.Saml!.NewRequestId() };
            completion.Keep(http, pending);
            await signIn.Saml.SendAsync(http, Array.Find(signIn.Saml.Providers, p => p.Config.Name == chosen)!, pending.State);
        });
    }

    /// <summary><c>GET /oauth/callback</c>: the issuer's answer.</summary>
    public async Task CallbackAsync(HttpContext http)
    {
        var query = http.Request.Query;
        if (completion.Take(http) is not { } pending || !PendingSignIn.Same(pending.State, query["state"]))
        {
            await completion.StrangerAsync(http);
            return;
        }
        await completion.RefusableAsync(http, pending, async () =>
        {
            var issuer = Array.Find(signIn.Issuers, i => i.Config.Name == pending.Issuer) ?? throw new SignInException("issuer_gone", $"There is no issuer {pending.Issuer} any more");
            // RFC 9207: where the answer says who gives it, it is who was asked.
            if (query["error"].ToString() is { Length: > 0 } error)
                throw new SignInException("issuer_error", $"{issuer.Config.Name} refused: {Configuration.ConfigText.Printable(error)}", "Your identity provider did not sign you in.");
            if (query["iss"].ToString() is { Length: > 0 } named && named.TrimEnd('/') != issuer.Config.Issuer.AbsoluteUri.TrimEnd('/'))
                throw new SignInException("issuer_mixed_up", $"The answer is of {Configuration.ConfigText.Printable(named)}, asked was {issuer.Config.Name}");
            var (identity, refresh) = await issuer.IdentifyAsync(query["code"].ToString(), pending, signIn.Base + SignInService.CallbackPath, http.RequestAborted);
            await completion.CompleteAsync(http, pending, identity, refresh is null || signIn.Config.Recheck is null ? null : signIn.Grants.Seal(refresh));
        });
    }

    private string[] Names => [.. signIn.Issuers.Select(i => i.Config.Name), .. signIn.Saml?.Providers.Select(p => p.Config.Name) ?? []];

    private bool IsSameOrigin(HttpRequest request) =>
        request.Headers.Origin.ToString() is { Length: > 0 } origin
            ? origin == signIn.Url().GetLeftPart(UriPartial.Authority)
            : request.Headers["Sec-Fetch-Site"] == "same-origin";
}
