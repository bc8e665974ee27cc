using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Demarc.Simulator.Messages;
using Demarc.Simulator.Platforms;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Primitives;

namespace Demarc.Simulator.Tokens;

/// <summary>
/// Where clients get their tokens: Entra ID (<c>/{tenant}/oauth2/v2.0/token</c>), Azure's managed identity (IMDS
/// <c>/metadata/identity/oauth2/token</c>, App Service <c>/msi/token</c>), AWS STS (<c>/sts</c>), EC2 and container metadata
/// (<c>/latest/…</c>, <c>/ecs/credentials</c>), Google's token endpoint (<c>/google/token</c>) and metadata server
/// (<c>/computeMetadata/v1/…</c>).
/// </summary>
internal sealed class TokenEndpoints(SimulatorTokens tokens)
{
    private const string Role = "simulated-role";
    private const string Ec2 = "/latest/meta-data/iam/security-credentials";
    private const string GoogleToken = "/google/token";
    private const string Gce = "/computeMetadata/v1/";

    /// <summary>True with the answer on <paramref name="wire"/> when the request is for a token.</summary>
    public bool TryAnswer(Exchange exchange, WireAnswer wire)
    {
        var request = exchange.Http.Request;
        switch (request.Method, exchange.Path)
        {
            case ("POST", var path) when path.EndsWith("/oauth2/v2.0/token", StringComparison.Ordinal):
                Entra(exchange, wire, Form(exchange));
                return true;
            case ("GET", var path) when path.EndsWith("/v2.0/.well-known/openid-configuration", StringComparison.Ordinal):
                Json(wire, 200, EntraIssuer.Discovery(Authority(exchange), path.Split('/')[1]));
                return true;
            case ("GET", var path) when path.EndsWith("/discovery/v2.0/keys", StringComparison.Ordinal):
                Json(wire, 200, tokens.Entra.Keys());
                return true;
            case ("GET", "/metadata/identity/oauth2/token"):
                // Azure.Identity asks an address other than the machine's own for a token without the header, as pod identities allow.
                ManagedIdentity(wire, request.Host.Host != "169.254.169.254" || string.Equals(request.Headers["Metadata"], "true", StringComparison.OrdinalIgnoreCase), "imds");
                return true;
            case ("GET", "/msi/token"):
                ManagedIdentity(wire, request.Headers.ContainsKey("X-IDENTITY-HEADER"), "app-service");
                return true;
            case ("POST", "/sts"):
                Sts(exchange, wire, Form(exchange));
                return true;
            case ("PUT", "/latest/api/token"):
                Set(wire, 200, "text/plain", "instance-session");
                return true;
            case ("GET", Ec2 or Ec2 + "/"):
                Set(wire, 200, "text/plain", Role);
                return true;
            case ("GET", Ec2 + "/" + Role):
                AwsKeys(wire, "ec2", request.Headers["X-aws-ec2-metadata-token"] == "instance-session");
                return true;
            case ("GET", "/ecs/credentials"):
                AwsKeys(wire, "ecs", true);
                return true;
            case ("POST", GoogleToken):
                Google(wire, Form(exchange));
                return true;
            case ("GET", Gce + "instance/service-accounts/default/token"):
                MetadataServer(wire, request.Headers["Metadata-Flavor"] == "Google");
                return true;
            case ("GET", var path) when path.StartsWith(Gce, StringComparison.Ordinal) || (path == "/" && request.Headers["Metadata-Flavor"] == "Google"):
                wire.Headers.Add(new("Metadata-Flavor", "Google"));
                Set(wire, path == "/" ? 200 : 404, "text/plain", "computeMetadata/");
                return true;
            default:
                return false;
        }
    }

    private void Entra(Exchange exchange, WireAnswer wire, Dictionary<string, StringValues> form)
    {
        var proves = form.ContainsKey("client_secret") || (form.ContainsKey("client_assertion") && form.GetValueOrDefault("client_assertion_type") == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
        if (form.GetValueOrDefault("grant_type") != "client_credentials" || !proves)
        {
            Json(wire, 401, new JsonObject { ["error"] = "invalid_client", ["error_description"] = "AADSTS7000215: Invalid client secret provided." });
            return;
        }
        if (!form.GetValueOrDefault("scope").ToString().EndsWith("/.default", StringComparison.Ordinal))
        {
            Json(wire, 400, new JsonObject { ["error"] = "invalid_scope", ["error_description"] = "AADSTS1002012: The provided value for scope is not valid." });
            return;
        }
        // The application is its own object here: as each it can be told apart from the others.
        var application = form.GetValueOrDefault("client_id").ToString();
        var (token, _) = tokens.NewBearer("entra", tokens.Entra.Token(new Uri(Authority(exchange)), exchange.Path.Split('/')[1], new JsonObject
        {
            ["aud"] = form.GetValueOrDefault("scope").ToString()[..^"/.default".Length],
            ["appid"] = application,
            ["oid"] = application,
            ["sub"] = application,
            ["idtyp"] = "app",
        }, tokens.Lifetime));
        Json(wire, 200, new JsonObject { ["token_type"] = "Bearer", ["expires_in"] = Seconds, ["ext_expires_in"] = Seconds, ["access_token"] = token });
    }

    private void ManagedIdentity(WireAnswer wire, bool asksRightly, string service)
    {
        if (!asksRightly)
        {
            Json(wire, 400, new JsonObject { ["error"] = "invalid_request", ["error_description"] = "Required metadata header not specified" });
            return;
        }
        var (token, expires) = tokens.NewBearer(service);
        Json(wire, 200, new JsonObject
        {
            ["access_token"] = token,
            ["expires_in"] = Seconds.ToString(CultureInfo.InvariantCulture),
            ["expires_on"] = expires.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture),
            ["resource"] = "https://ai.azure.com",
            ["token_type"] = "Bearer",
        });
    }

    private void Sts(Exchange exchange, WireAnswer wire, Dictionary<string, StringValues> form)
    {
        var action = form.GetValueOrDefault("Action").ToString();
        var refusal = action switch
        {
            "AssumeRole" => SigV4Check.Find(exchange, tokens, "sts"),
            "AssumeRoleWithWebIdentity" when form.GetValueOrDefault("WebIdentityToken").Count > 0 => null,
            _ => new Refusal(400, "invalid_request_error", "InvalidAction"),
        };
        if (refusal is not null)
        {
            Set(wire, refusal.Status, "text/xml", $"<ErrorResponse><Error><Type>Sender</Type><Code>{refusal.Exception}</Code><Message>{refusal.Message}</Message></Error></ErrorResponse>");
            return;
        }
        var (id, key) = tokens.NewAwsKey("sts");
        Set(wire, 200, "text/xml", $"""
            <{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result><Credentials><AccessKeyId>{id}</AccessKeyId><SecretAccessKey>{key.Secret}</SecretAccessKey><SessionToken>{key.Session}</SessionToken><Expiration>{Rfc3339(key.Expires)}</Expiration></Credentials></{action}Result></{action}Response>
            """);
    }

    private void AwsKeys(WireAnswer wire, string service, bool mayAsk)
    {
        if (!mayAsk)
        {
            Set(wire, 401, "text/plain", "Unauthorized");
            return;
        }
        var (id, key) = tokens.NewAwsKey(service);
        Json(wire, 200, new JsonObject
        {
            ["Code"] = "Success",
            ["Type"] = "AWS-HMAC",
            ["LastUpdated"] = Rfc3339(key.Expires - tokens.Lifetime),
            ["AccessKeyId"] = id,
            ["SecretAccessKey"] = key.Secret,
            ["Token"] = key.Session,
            ["Expiration"] = Rfc3339(key.Expires),
        });
    }

    private void Google(WireAnswer wire, Dictionary<string, StringValues> form)
    {
        var problem = form.GetValueOrDefault("grant_type") != "urn:ietf:params:oauth:grant-type:jwt-bearer"
            ? "Invalid grant_type"
            : GoogleAssertion.Problem(form.GetValueOrDefault("assertion").ToString(), tokens, GoogleToken);
        if (problem is not null)
        {
            Json(wire, 400, new JsonObject { ["error"] = "invalid_grant", ["error_description"] = problem });
            return;
        }
        var (token, _) = tokens.NewBearer("google");
        Json(wire, 200, new JsonObject { ["access_token"] = token, ["expires_in"] = Seconds, ["token_type"] = "Bearer" });
    }

    private void MetadataServer(WireAnswer wire, bool mayAsk)
    {
        wire.Headers.Add(new("Metadata-Flavor", "Google"));
        if (!mayAsk)
        {
            Set(wire, 403, "text/plain", "Missing Metadata-Flavor");
            return;
        }
        var (token, _) = tokens.NewBearer("gce");
        Json(wire, 200, new JsonObject { ["access_token"] = token, ["expires_in"] = Seconds, ["token_type"] = "Bearer" });
    }

    private static string Authority(Exchange exchange) => $"{exchange.Http.Request.Scheme}://{exchange.Http.Request.Host}";

    private int Seconds => (int)tokens.Lifetime.TotalSeconds;

    private static string Rfc3339(DateTimeOffset moment) => moment.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static Dictionary<string, StringValues> Form(Exchange exchange) => QueryHelpers.ParseQuery("?" + Encoding.UTF8.GetString(exchange.Body.Span));

    private static void Json(WireAnswer wire, int status, JsonObject json) => Set(wire, status, "application/json", json.ToJsonString());

    private static void Set(WireAnswer wire, int status, string type, string body)
    {
        (wire.Status, wire.ContentType) = (status, type);
        wire.SetWhole(Encoding.UTF8.GetBytes(body));
    }
}
