using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Demarc.Control.Identity.Tokens;

/// <summary>A token does not hold; the message is for the operator's log, never for whoever sent it.</summary>
internal sealed class TokenException(string code, string message) : Exception(message)
{
    /// <summary>Stable; on record.</summary>
    public string Code { get; } = code;
}

/// <summary>The keys of an issuer of tokens, as its <see cref="IssuerDocument"/> has them, or as they stand in a file that is read once.</summary>
internal sealed class TokenKeys : IDisposable
{
    /// <summary>The code where nothing was verified, as the issuer's keys cannot be had.</summary>
    public const string Unreachable = "keys_unreachable";

    /// <summary>The vendor's federation allows as much (WIF reference, "Token exchange errors").</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    // What a public key verifies: with a shared secret, or with none, anybody could sign.
    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    private readonly TimeProvider _time;
    private readonly IssuerDocument? _document;
    private readonly OpenIdConnectConfiguration? _file;

    /// <param name="discovery">The address under which <c>/.well-known/openid-configuration</c> is.</param>
    public TokenKeys(Uri discovery, HttpClient http, TimeProvider time) => (_time, _document) = (time, new IssuerDocument(discovery, http, time));

    /// <param name="keySet">A JWKS (RFC 7517).</param>
    public TokenKeys(string keySet, TimeProvider time)
    {
        (_time, _file) = (time, new OpenIdConnectConfiguration());
        foreach (var key in new JsonWebKeySet(keySet).GetSigningKeys())
            _file.SigningKeys.Add(key);
    }

    public void Dispose() => _document?.Dispose();

    /// <summary>The token when its signature, issuer, audience and times hold, with its claims.</summary>
    /// <param name="issuers">Any of which it may name.</param>
    /// <param name="audiences">Any of which it may be for.</param>
    /// <exception cref="TokenException">It does not hold, or the keys cannot be read.</exception>
    public async Task<(JsonWebToken Token, JsonElement Claims)> ValidateAsync(string token, string[] issuers, string[] audiences, CancellationToken stop)
    {
        var published = await PublishedAsync(issuers[0], null, stop);
        var result = await TryAsync(token, issuers, audiences, published);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException && await PublishedAsync(issuers[0], published, stop) is var newer && newer != published)
            result = await TryAsync(token, issuers, audiences, newer);
        if (!result.IsValid)
            throw new TokenException(TokenProblem.Code(result.Exception), TokenProblem.Explain(result.Exception, token, issuers, audiences, Algorithms, ClockSkew, _time));
        var valid = (JsonWebToken)result.SecurityToken;
        using var payload = JsonDocument.Parse(Base64UrlEncoder.Decode(valid.EncodedPayload));
        return (valid, payload.RootElement.Clone());
    }

    private async Task<OpenIdConnectConfiguration> PublishedAsync(string issuer, OpenIdConnectConfiguration? lacking, CancellationToken stop)
    {
        if (_document is null)
            return _file!;
        try
        {
            return await _document.ReadAsync(lacking, stop);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new TokenException(Unreachable, $"The keys of {issuer} cannot be read: {e.GetBaseException().Message}");
        }
    }

    private Task<TokenValidationResult> TryAsync(string token, string[] issuers, string[] audiences, OpenIdConnectConfiguration published) =>
        new JsonWebTokenHandler { MapInboundClaims = false }.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuers = issuers,
            ValidAudiences = audiences,
            IssuerSigningKeys = published.SigningKeys,
            ValidAlgorithms = Algorithms,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            TryAllIssuerSigningKeys = false,
            LifetimeValidator = TokenTimes.Within(ClockSkew, _time),
        });
}
