using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Demarc.Control.Identity.SignIn;

/// <summary>
/// An OpenID Connect provider as Demarc asks it: the code flow with PKCE. Its discovery document and keys are kept, and read
/// again when a token names a key that they lack (<see cref="IssuerDocument"/>).
/// </summary>
internal sealed class Issuer : IDisposable
{
    private static readonly TimeSpan ClockSkew = TimeSpan.FromMinutes(2);
    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    private readonly HttpClient _http;
    private readonly TimeProvider _time;
    private readonly IssuerDocument _document;

    public Issuer(IssuerConfig config, HttpClient http, TimeProvider time) =>
        (Config, _http, _time, _document) = (config, http, time, new IssuerDocument(config.Issuer, http, time));

    public IssuerConfig Config { get; }

    public void Dispose() => _document.Dispose();

    /// <summary>Where the browser goes.</summary>
    public async Task<string> AuthorizeUrlAsync(PendingSignIn pending, string redirectUri, CancellationToken stop)
    {
        var metadata = await MetadataAsync(null, stop);
        return QueryHelpers.AddQueryString(metadata.AuthorizationEndpoint, new Dictionary<string, string?>
        {
            ["response_type"] = "code",
            ["client_id"] = Config.ClientId,
            ["redirect_uri"] = redirectUri,
            ["scope"] = string.Join(' ', Config.Scopes),
            ["state"] = pending.State,
            ["nonce"] = pending.Nonce,
            ["code_challenge"] = pending.Challenge,
            ["code_challenge_method"] = "S256",
        });
    }

    /// <summary>Who signed in, and what asks for them again.</summary>
    /// <exception cref="SignInException">The issuer, its token or a claim is not as it has to be; or nothing allows the person in.</exception>
    public async Task<(ProvidedIdentity Identity, Secret? Refresh)> IdentifyAsync(string code, PendingSignIn pending, string redirectUri, CancellationToken stop)
    {
        var metadata = await MetadataAsync(null, stop);
        using var tokens = await RedeemAsync(metadata, new()
        {
            ["grant_type"] = "authorization_code",
            ["code"] = code,
            ["redirect_uri"] = redirectUri,
            ["code_verifier"] = pending.Verifier,
        }, stop);
        if (Text(tokens.RootElement, "id_token") is not { } idToken)
            throw new SignInException("no_id_token", $"{Config.Name} answered without an id_token: does the scope hold openid?");
        var token = await ValidateAsync(idToken, metadata, stop);
        if (!PendingSignIn.Same(pending.Nonce, token.TryGetPayloadValue<string>("nonce", out var nonce) ? nonce : null))
            throw new SignInException("nonce", $"The id_token of {Config.Name} is not for this sign-in: its nonce differs");
        return (await IdentityAsync(metadata, token, tokens.RootElement, stop), Refresh(tokens.RootElement));
    }

    /// <summary>Who somebody is now, by what their sign-in left behind; the identity is null where the issuer says no more than that they are there.</summary>
    /// <exception cref="SignInException">They are not (<see cref="HasLeft"/>), or the issuer could not be asked.</exception>
    public async Task<(ProvidedIdentity? Identity, Secret? Refresh)> AskAgainAsync(Secret refresh, string subject, CancellationToken stop)
    {
        var metadata = await MetadataAsync(null, stop);
        using var tokens = await RedeemAsync(metadata, new() { ["grant_type"] = "refresh_token", ["refresh_token"] = refresh.Reveal() }, stop);
        var next = Refresh(tokens.RootElement);
        if (Text(tokens.RootElement, "id_token") is not { } idToken)
            return (null, next);
        var token = await ValidateAsync(idToken, metadata, stop);
        // OpenID Connect Core, 12.2.
        if (token.Subject != subject)
            throw new SignInException("refresh_subject", $"{Config.Name} answered for another subject than the one who signed in");
        return (await IdentityAsync(metadata, token, tokens.RootElement, stop), next);
    }

    /// <summary>Whether a refusal says that the person is no longer there, or may no longer sign in.</summary>
    public static bool HasLeft(SignInException refusal) => refusal.Code is "invalid_grant" or "not_allowed" or "refresh_subject";

    private async Task<ProvidedIdentity> IdentityAsync(OpenIdConnectConfiguration metadata, JsonWebToken token, JsonElement tokens, CancellationToken stop)
    {
        using var payload = JsonDocument.Parse(Base64UrlEncoder.Decode(token.EncodedPayload));
        var claims = payload.RootElement;
        var groups = IssuerClaims.Groups(claims, Config.Groups);
        if ((groups is null || Text(claims, Config.Email) is null) && metadata.UserInfoEndpoint is { Length: > 0 } userInfo && Text(tokens, "access_token") is { } accessToken)
        {
            using var told = await UserInfoAsync(userInfo, accessToken, stop);
            // OpenID Connect Core, 5.3.2: what is told of another subject must not be used.
            if (Text(told.RootElement, "sub") != token.Subject)
                throw new SignInException("userinfo_subject", $"userinfo of {Config.Name} is of another subject than the id_token");
            return IssuerClaims.Identity(Config, metadata.Issuer, token.Subject, [claims, told.RootElement]);
        }
        return IssuerClaims.Identity(Config, metadata.Issuer, token.Subject, [claims]);
    }

    /// <param name="lacking">What lacks a key that a token names; null for whatever is kept.</param>
    private async Task<OpenIdConnectConfiguration> MetadataAsync(OpenIdConnectConfiguration? lacking, CancellationToken stop)
    {
        OpenIdConnectConfiguration metadata;
        try
        {
            metadata = await _document.ReadAsync(lacking, stop);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new SignInException("issuer_unreachable", $"The discovery document of {Config.Name} cannot be read: {e.GetBaseException().Message}");
        }
        if (metadata.Issuer?.TrimEnd('/') != Config.Issuer.AbsoluteUri.TrimEnd('/'))
            throw new SignInException("issuer_mismatch", $"{Config.Name} calls itself {metadata.Issuer}, the configuration {Config.Issuer}");
        return metadata;
    }

    private async Task<JsonDocument> RedeemAsync(OpenIdConnectConfiguration metadata, Dictionary<string, string> form, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, metadata.TokenEndpoint);
        var methods = metadata.TokenEndpointAuthMethodsSupported;
        if (Config.PrivateKey is { } key)
        {
            (form["client_id"], form["client_assertion_type"]) = (Config.ClientId, ClientAssertion.Type);
            form["client_assertion"] = ClientAssertion.Sign(key, Config.ClientId, metadata.TokenEndpoint, _time);
        }
        else if (methods.Count > 0 && !methods.Contains("client_secret_basic"))
            (form["client_id"], form["client_secret"]) = (Config.ClientId, Config.ClientSecret!.Reveal());
        else
            // RFC 6749, 2.3.1: both are form-encoded first.
            request.Headers.Authorization = new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes(
                $"{Uri.EscapeDataString(Config.ClientId)}:{Uri.EscapeDataString(Config.ClientSecret!.Reveal())}")));
        request.Content = new FormUrlEncodedContent(form);
        return await AskAsync(request, "token", stop);
    }

    private async Task<JsonDocument> UserInfoAsync(string endpoint, string accessToken, CancellationToken stop)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, endpoint);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", accessToken);
        return await AskAsync(request, "userinfo", stop);
    }

    private async Task<JsonDocument> AskAsync(HttpRequestMessage request, string what, CancellationToken stop)
    {
        try
        {
            using var response = await _http.SendAsync(request, stop);
            var body = await response.Content.ReadAsByteArrayAsync(stop);
            var json = JsonDocument.Parse(body);
            if (response.IsSuccessStatusCode && json.RootElement.ValueKind == JsonValueKind.Object)
                return json;
            var error = json.RootElement.ValueKind == JsonValueKind.Object ? $"{Text(json.RootElement, "error")} {Text(json.RootElement, "error_description")}" : "";
            json.Dispose();
            throw new SignInException(
                error.StartsWith("invalid_grant", StringComparison.Ordinal) ? "invalid_grant" : "issuer_refused", $"{Config.Name} answered {(int)response.StatusCode} at its {what} endpoint: {ConfigText.Printable(error)}");
        }
        catch (Exception e) when (e is HttpRequestException or JsonException || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            throw new SignInException("issuer_unreachable", $"The {what} endpoint of {Config.Name} does not answer as it should: {e.GetBaseException().Message}");
        }
    }

    private async Task<JsonWebToken> ValidateAsync(string idToken, OpenIdConnectConfiguration metadata, CancellationToken stop)
    {
        var result = await TryAsync(idToken, metadata);
        // An issuer with one key need not name it (OpenID Connect Core, 10.1): its next one only shows as a wrong signature.
        if (result.Exception is SecurityTokenInvalidSignatureException && await MetadataAsync(metadata, stop) is var newer && newer != metadata)
            result = await TryAsync(idToken, newer);
        if (result.IsValid)
            return (JsonWebToken)result.SecurityToken;
        throw new SignInException(
            "id_token", $"The id_token of {Config.Name} does not hold. {TokenProblem.Explain(result.Exception, idToken, [metadata.Issuer], [Config.ClientId], Algorithms, ClockSkew, _time)}");
    }

    private Task<TokenValidationResult> TryAsync(string idToken, OpenIdConnectConfiguration metadata) =>
        new JsonWebTokenHandler().ValidateTokenAsync(idToken, new TokenValidationParameters
        {
            ValidIssuer = metadata.Issuer,
            ValidAudience = Config.ClientId,
            IssuerSigningKeys = metadata.SigningKeys,
            ValidAlgorithms = Algorithms,
            RequireSignedTokens = true,
            LifetimeValidator = TokenTimes.Within(ClockSkew, _time),
        });

    private static Secret? Refresh(JsonElement tokens) => Text(tokens, "refresh_token") is { } token ? new Secret(token) : null;

    private static string? Text(JsonElement json, string name) => IssuerClaims.Text(json, name);
}
