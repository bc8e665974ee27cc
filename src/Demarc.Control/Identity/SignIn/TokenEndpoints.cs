using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.SignIn;

/// <summary>Discovery (RFC 8414), the published keys, tokens and their end (RFC 7009).</summary>
public sealed class TokenEndpoints(SignInService signIn)
{
    private const string DeviceGrant = "urn:ietf:params:oauth:grant-type:device_code";

    // Two windows of one machine share a refresh token, and an answer can be lost.
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    /// <summary><c>GET /.well-known/oauth-authorization-server</c>.</summary>
    public Task DiscoverAsync(HttpContext http) => OAuthAnswer.WriteAsync(http, 200, JsonSerializer.SerializeToUtf8Bytes(new
    {
        issuer = signIn.Base,
        device_authorization_endpoint = signIn.Base + "/oauth/device_authorization",
        token_endpoint = signIn.Base + "/oauth/token",
        revocation_endpoint = signIn.Base + "/oauth/revoke",
        jwks_uri = signIn.Base + "/.well-known/jwks.json",
        grant_types_supported = (string[])[DeviceGrant, "refresh_token"],
        response_types_supported = Array.Empty<string>(),
        token_endpoint_auth_methods_supported = (string[])["none"],
        revocation_endpoint_auth_methods_supported = (string[])["none"],
    }));

    /// <summary><c>GET /.well-known/jwks.json</c>.</summary>
    public Task KeysAsync(HttpContext http) => OAuthAnswer.WriteAsync(http, 200, signIn.Tokens.KeySet());

    /// <summary><c>POST /oauth/token</c>.</summary>
    public async Task TokenAsync(HttpContext http)
    {
        if (signIn.Abuse.Tokens.IsSpent(SignInService.Address(http)))
            await OAuthAnswer.ErrorAsync(http, 429, "slow_down", "Too many tokens that do not hold from this address. Try again in ten minutes.");
        else if (await OAuthAnswer.FormAsync(http) is not { } form)
            await OAuthAnswer.ErrorAsync(http, 400, "invalid_request", "The form cannot be read.");
        else if (form["grant_type"] == DeviceGrant)
            await RedeemAsync(http, form["device_code"].ToString());
        else if (form["grant_type"] == "refresh_token")
            await RefreshAsync(http, form["refresh_token"].ToString());
        else
            await OAuthAnswer.ErrorAsync(http, 400, "unsupported_grant_type");
    }

    /// <summary><c>POST /oauth/revoke</c>: the same answer whatever the token is worth (RFC 7009, 2.2).</summary>
    public async Task RevokeAsync(HttpContext http)
    {
        if (await OAuthAnswer.FormAsync(http) is { } form && form["token"].ToString() is { Length: > 0 } token)
        {
            var id = AccessTokens.IsToken(token) ? signIn.Tokens.Read(token)?.SessionId
                : signIn.Refreshes.TryRead(token, out var guid, out _) ? Ids.From(Ids.SignIn, guid)
                : null;
            if (id is not null && await signIn.Store.SignIns.GetAsync(signIn.OrganizationId, id) is { } session)
                await signIn.Store.SignIns.EndAsync(signIn.OrganizationId, id, "signed_out", SignInService.Actor(http) with { Type = "user", Id = session.UserId, Email = session.Email });
        }
        await OAuthAnswer.WriteAsync(http, 200, "{}"u8.ToArray());
    }

    private async Task RedeemAsync(HttpContext http, string secret)
    {
        if (!signIn.Devices.TryRead(secret, out var id, out _) || await signIn.Store.DeviceCodes.GetAsync(signIn.OrganizationId, id) is not { } device)
        {
            signIn.Abuse.Tokens.Take(SignInService.Address(http));
            await OAuthAnswer.ErrorAsync(http, 400, "invalid_grant");
            return;
        }
        if (device.Status == "denied")
            await OAuthAnswer.ErrorAsync(http, 400, "access_denied", device.Reason);
        else if (device.ExpiresAt <= signIn.Time.GetUtcNow().ToUnixTimeMilliseconds())
            await OAuthAnswer.ErrorAsync(http, 400, "expired_token");
        else if (!signIn.Polled.Take(device.Id))
            await OAuthAnswer.ErrorAsync(http, 400, "slow_down");
        else if (device.Status == "pending")
            await OAuthAnswer.ErrorAsync(http, 400, "authorization_pending");
        else if (await signIn.Store.SignIns.BeginAsync(device, signIn.Config.Session, SignInService.Actor(http) with { Type = "user", Id = device.UserId! }) is { } session)
            await AnswerAsync(http, session);
        else
            await OAuthAnswer.ErrorAsync(http, 400, "invalid_grant");
    }

    private async Task RefreshAsync(HttpContext http, string secret)
    {
        var holds = signIn.Refreshes.TryRead(secret, out var id, out var generation);
        if (holds && !signIn.Abuse.Refreshes.Take(id.ToString("N")))
        {
            await OAuthAnswer.ErrorAsync(http, 429, "slow_down", "This sign-in has been refreshed too often. Try again in an hour.");
            return;
        }
        var session = holds
            ? await signIn.Store.SignIns.RefreshAsync(signIn.OrganizationId, Ids.From(Ids.SignIn, id), generation, Grace, SignInService.Actor(http) with { Type = "user" })
            : null;
        if (session is not null)
        {
            await AnswerAsync(http, session);
            return;
        }
        signIn.Abuse.Tokens.Take(SignInService.Address(http));
        var ended = id == default ? null : await signIn.Store.SignIns.GetAsync(signIn.OrganizationId, Ids.From(Ids.SignIn, id));
        await OAuthAnswer.ErrorAsync(
            http, 401, "invalid_grant", ended?.Status == "unseated" ? $"Your seat was released. {signIn.SeatHelp}" : "The sign-in has ended. Run /login to sign in again.");
    }

    private async Task AnswerAsync(HttpContext http, StoredSignIn session)
    {
        var now = signIn.Time.GetUtcNow();
        var end = DateTimeOffset.FromUnixTimeMilliseconds(session.ExpiresAt);
        if (now + signIn.Config.AccessToken < end)
            end = now + signIn.Config.AccessToken;
        var groups = await signIn.Store.Groups.NamesOfAsync(signIn.OrganizationId, session.UserId);
        _ = Ids.TryParse(Ids.SignIn, session.Id, out var id);
        await OAuthAnswer.WriteAsync(http, 200, JsonSerializer.SerializeToUtf8Bytes(new
        {
            access_token = signIn.Tokens.Issue(new AccessTokenClaims(
                signIn.Base, session.UserId, AccessTokens.Audience, session.Id, Ids.New("jti_", signIn.Time), now.ToUnixTimeSeconds(), end.ToUnixTimeSeconds(),
                session.Email, session.Name, [.. groups.Take(AccessTokens.MaxGroups)])),
            refresh_token = signIn.Refreshes.Of(id, session.Generation).Reveal(),
            token_type = "Bearer",
            expires_in = (long)(end - now).TotalSeconds,
            email = session.Email,
        }));
    }
}
