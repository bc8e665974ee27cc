using Demarc.Control.AdminApi;
using Demarc.Control.Identity.SignIn;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Identity.Tokens;

/// <summary>
/// <c>POST /v1/oauth/token</c> (WIF reference, "Token exchange request"): every refusal is the same 401, whatever was wrong, as
/// another would tell which rules there are; the log and the activity have the reason. 503 while an issuer's keys cannot be read.
/// </summary>
public sealed partial class FederationEndpoints(Federation federation, Store store, string organizationId, ILogger<FederationEndpoints> log)
{
    private const string Grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    private static readonly string[] Fields = ["grant_type", "assertion", "federation_rule_id", "organization_id", "service_account_id", "workspace_id"];

    /// <summary><c>{access_token, token_type, expires_in, scope}</c>.</summary>
    /// <param name="id">The request's, as the log and the activity of a refusal have it.</param>
    public async Task<AdminAnswer> TokenAsync(HttpContext http, string id)
    {
        // Rules can come and go while the process runs.
        if (!federation.IsConfigured)
            return AdminAnswer.NotFound("No identity tokens are traded here (federation).");
        var address = AbuseLimits.Of(http.Connection.RemoteIpAddress);
        if (store.Abuse.IdentityTokens.IsSpent(address))
            return new(429, null, "rate_limit_error", "Too many identity tokens that do not hold came from this address. Try again in ten minutes.");
        var (request, problem) = await ReadAsync(http.Request);
        if (request is null)
            return problem!;
        var actor = new ActorRecord("anonymous", "anonymous", IpAddress: http.Connection.RemoteIpAddress?.ToString(), UserAgent: http.Request.Headers.UserAgent);
        try
        {
            var issued = await federation.ExchangeAsync(request, actor, http.RequestAborted);
            return AdminAnswer.Of(new { AccessToken = issued.Token, TokenType = "Bearer", ExpiresIn = (int)issued.Lifetime.TotalSeconds, Scope = "workspace:developer" });
        }
        catch (TokenException e)
        {
            // Nothing is known of the token then, and the pipeline that sent it guesses nothing: it tries again.
            var isUnknown = e.Code == TokenKeys.Unreachable;
            if (!isUnknown)
                store.Abuse.IdentityTokens.Take(address);
            LogRefused(id, e.Code, e.Message);
            await store.RecordAsync(organizationId, actor, "demarc_workload_token_refused", new() { ["reason"] = e.Code, ["reference"] = id });
            return isUnknown
                ? new(503, null, "api_error", "Identity tokens cannot be verified at the moment. Try again; your administrator finds the reason in the gateway's log.")
                : new(401, null, "authentication_error", "Authentication failed");
        }
    }

    private static async Task<(FederationRequest? Request, AdminAnswer? Problem)> ReadAsync(HttpRequest http)
    {
        string? grant, assertion, rule, organization, account, workspace;
        if (http.HasFormContentType)
        {
            if (await OAuthAnswer.FormAsync(http.HttpContext) is not { } form)
                return (null, AdminAnswer.Invalid("The form cannot be read."));
            (grant, assertion, rule, organization, account, workspace) = (form["grant_type"], form["assertion"], form["federation_rule_id"], form["organization_id"], form["service_account_id"], form["workspace_id"]);
        }
        else
        {
            var body = await BodyFields.ReadAsync(http, Fields);
            (grant, assertion, rule) = (body.Required("grant_type"), body.Required("assertion"), body.Required("federation_rule_id"));
            (organization, account, workspace) = (body.Text("organization_id"), body.Text("service_account_id"), body.Text("workspace_id"));
            if (body.Problem is not null)
                return (null, body.Problem);
        }
        return grant != Grant ? (null, AdminAnswer.Invalid("grant_type", $"give {Grant}."))
            : string.IsNullOrEmpty(assertion) ? (null, AdminAnswer.Invalid("assertion", "this field is required: the identity token."))
            : rule?.StartsWith(Federation.RulePrefix, StringComparison.Ordinal) is not true ? (null, AdminAnswer.Invalid("federation_rule_id", $"give {Federation.RulePrefix} and the rule's name."))
            : (new FederationRequest(assertion, rule, organization, account, workspace), null);
    }

    [LoggerMessage(2432, LogLevel.Warning, "An identity token is refused ({Reference}, {Code}): {Reason}")]
    private partial void LogRefused(string reference, string code, string reason);
}
