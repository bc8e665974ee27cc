using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.SignIn;

/// <summary>What clients ask about the gateway itself.</summary>
public static class ClientEndpoints
{
    private const string Protocol =
        """
        # What this gateway serves to Claude Code and Claude Desktop

        POST /v1/messages                    Anthropic Messages; a key or an access token as the bearer
        POST /v1/messages/count_tokens
        GET  /v1/models
        GET  /.well-known/oauth-authorization-server   where the following are (RFC 8414)
        POST /oauth/device_authorization     begins a sign-in (RFC 8628): device_code, user_code, verification_uri, login_notice
        GET  /device                         the page on which a person types the code
        POST /oauth/token                    device_code, or refresh_token: each refresh token holds once
        POST /oauth/revoke                   ends the session of an access or refresh token (RFC 7009)
        GET  /.well-known/jwks.json          the keys of access tokens (JWT, ES256)
        GET  /managed/settings               {uuid, checksum, settings}; ETag; 304; 404 where no policy has any
        GET  /user/bootstrap                 what Claude Desktop runs with; 404 where no policy lets it in
        GET  /api/oauth/usage                what was spent of whose limits

        A refusal by policy is 400 policy_blocked with x-should-retry: false, a spend limit 429 billing_error, a sign-in
        that has ended 401 authentication_error. Unknown fields, headers and betas pass as they are.

        """;

    /// <summary><c>GET /protocol</c>.</summary>
    public static Task ProtocolAsync(HttpContext http)
    {
        http.Response.ContentType = "text/markdown; charset=utf-8";
        return http.Response.WriteAsync(Protocol, http.RequestAborted);
    }
}
