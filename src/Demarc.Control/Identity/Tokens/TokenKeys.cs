using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;

namespace Demarc.Control.Identity.Tokens;

/// <summary>A token does not hold; the message is for the operator's log, never for whoever sent it.</summary>
internal sealed class TokenException(string code, string message) : Exception(message)
{
    /// <summary>Stable; on record.</summary>
    public string Code { get; } = code;
}

/// <summary>
/// The keys of an issuer of tokens: kept for a day, and read again when a token names one that they lack, which brings that about
/// once a minute at most. A set that stands in a file is read once.
/// </summary>
internal sealed class TokenKeys : IDisposable
{
    /// <summary>The code where nothing was verified, as the issuer's keys cannot be had.</summary>
    public const string Unreachable = "keys_unreachable";

    /// <summary>The vendor's federation allows as much (WIF reference, "Token exchange errors").</summary>
    public static readonly TimeSpan ClockSkew = TimeSpan.FromSeconds(30);

    // What a public key verifies: with a shared secret, or with none, anybody could sign.
    private static readonly string[] Algorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"];

    private static readonly TimeSpan Kept = TimeSpan.FromDays(1);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(1);

    private readonly TimeProvider _time;
    private readonly string? _address;
    private readonly HttpDocumentRetriever? _documents;
    private readonly SemaphoreSlim _reading = new(1, 1);
    private volatile Published? _published;
    private long _unknownAt;

    /// <param name="discovery">The address under which <c>/.well-known/openid-configuration</c> is.</param>
    public TokenKeys(Uri discovery, HttpClient http, TimeProvider time)
    {
        (_time, _address) = (time, $"{discovery.AbsoluteUri.TrimEnd('/')}/.well-known/openid-configuration");
        // http:// is accepted by the configuration for loopback alone.
        _documents = new HttpDocumentRetriever(http) { RequireHttps = discovery.Scheme == "https" };
    }

    /// <param name="keySet">A JWKS (RFC 7517).</param>
    public TokenKeys(string keySet, TimeProvider time) =>
        (_time, _published) = (time, new Published([.. new JsonWebKeySet(keySet).GetSigningKeys()], DateTimeOffset.MaxValue));

    public void Dispose() => _reading.Dispose();

    /// <summary>The token when its signature, issuer, audience and times hold, with its claims.</summary>
    /// <param name="issuers">Any of which it may name.</param>
    /// <param name="audiences">Any of which it may be for.</param>
    /// <exception cref="TokenException">It does not hold, or the keys cannot be read.</exception>
    public async Task<(JsonWebToken Token, JsonElement Claims)> ValidateAsync(string token, string[] issuers, string[] audiences, CancellationToken stop)
    {
        var keys = await KeysAsync(issuers[0], null, stop);
        var result = await TryAsync(token, issuers, audiences, keys);
        if (result.Exception is SecurityTokenSignatureKeyNotFoundException && await KeysAsync(issuers[0], keys, stop) is var newer && newer != keys)
            result = await TryAsync(token, issuers, audiences, newer);
        if (!result.IsValid)
            throw new TokenException(Code(result.Exception), Explain(result.Exception, token, issuers, audiences));
        var valid = (JsonWebToken)result.SecurityToken;
        using var payload = JsonDocument.Parse(Base64UrlEncoder.Decode(valid.EncodedPayload));
        return (valid, payload.RootElement.Clone());
    }

    /// <summary>The claims of a token that nobody has verified yet, to find whose it is; null for what is no token.</summary>
    public static JsonWebToken? Unverified(string token)
    {
        try
        {
            return new JsonWebToken(token);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    /// <param name="lacking">Keys that lack one that a token names; null for any that are kept.</param>
    private async Task<SecurityKey[]> KeysAsync(string issuer, SecurityKey[]? lacking, CancellationToken stop)
    {
        if (_published is { } published && published.Keys != lacking && _time.GetUtcNow() < published.Until)
            return published.Keys;
        if (_address is null)
            return _published!.Keys;
        await _reading.WaitAsync(stop);
        try
        {
            var now = _time.GetUtcNow();
            var isUnknown = lacking is not null && _published?.Keys == lacking;
            if (_published is { } kept && now < kept.Until && (!isUnknown || (_unknownAt != 0 && now.ToUnixTimeMilliseconds() - _unknownAt < AgainAfter.TotalMilliseconds)))
                return kept.Keys;
            if (isUnknown)
                _unknownAt = now.ToUnixTimeMilliseconds();
            var read = await OpenIdConnectConfigurationRetriever.GetAsync(_address, _documents, stop);
            return (_published = new Published([.. read.SigningKeys], now + Kept)).Keys;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new TokenException(Unreachable, $"The keys of {issuer} cannot be read: {e.GetBaseException().Message}");
        }
        finally
        {
            _reading.Release();
        }
    }

    private Task<TokenValidationResult> TryAsync(string token, string[] issuers, string[] audiences, SecurityKey[] keys) =>
        new JsonWebTokenHandler { MapInboundClaims = false }.ValidateTokenAsync(token, new TokenValidationParameters
        {
            ValidIssuers = issuers,
            ValidAudiences = audiences,
            IssuerSigningKeys = keys,
            ValidAlgorithms = Algorithms,
            RequireSignedTokens = true,
            RequireExpirationTime = true,
            TryAllIssuerSigningKeys = false,
            // Its own check reads the machine's clock.
            LifetimeValidator = (from, until, _, _) =>
            {
                var now = _time.GetUtcNow().UtcDateTime;
                return until is not null && until + ClockSkew > now && (from is null || from - ClockSkew <= now);
            },
        });

    private sealed record Published(SecurityKey[] Keys, DateTimeOffset Until);

    private static string Code(Exception? e) => e switch
    {
        SecurityTokenInvalidIssuerException => "issuer",
        SecurityTokenInvalidAudienceException => "audience",
        SecurityTokenInvalidLifetimeException or SecurityTokenExpiredException or SecurityTokenNotYetValidException or SecurityTokenNoExpirationException => "time",
        SecurityTokenInvalidAlgorithmException => "algorithm",
        SecurityTokenSignatureKeyNotFoundException => "key",
        _ => "signature",
    };

    // Which claim, which clock: an operator has to see both sides.
    private static string Explain(Exception? e, string token, string[] issuers, string[] audiences)
    {
        var said = Unverified(token);
        return Code(e) switch
        {
            "issuer" => $"It names the issuer {Configuration.ConfigText.Printable(said?.Issuer ?? "none")}; accepted: {string.Join(", ", issuers)}",
            "audience" => $"It is for {Configuration.ConfigText.Printable(string.Join(", ", said?.Audiences ?? []))}; accepted: {string.Join(", ", audiences)}",
            "time" => $"It holds from {said?.ValidFrom:O} to {said?.ValidTo:O}, by the clock of its issuer, give or take {ClockSkew.TotalSeconds} seconds",
            "algorithm" => $"It is signed with {Configuration.ConfigText.Printable(said?.Alg ?? "none")}; accepted: {string.Join(", ", Algorithms)}",
            "key" => $"It names the key {Configuration.ConfigText.Printable(said?.Kid ?? "none")}, which its issuer does not publish",
            _ => $"Its signature does not hold ({e?.GetType().Name})",
        };
    }
}
