using Microsoft.Extensions.Logging;

namespace Demarc.Proxy.Refusals;

/// <summary>Whose turn it is to act on a refusal.</summary>
internal enum Blame
{
    Client,
    Operator,
    Provider,
}

/// <summary>
/// The closed set of answers that Demarc gives in place of a provider's. Status and type are chosen by how
/// Claude Code shows and retries them: a policy's refusal is 400 <c>policy_blocked</c> with
/// <c>x-should-retry: false</c> (one request, message as written).
/// </summary>
internal sealed class Refused
{
    private Refused(string id, int status, string type, Blame blame, LogLevel level, bool retry = false) =>
        (Id, Status, Type, Blame, Level, Retry) = (id, status, type, blame, level, retry);

    /// <summary>Stable; logged and recorded.</summary>
    public string Id { get; }

    public int Status { get; }

    /// <summary>The <c>error.type</c> of the envelope.</summary>
    public string Type { get; }

    public Blame Blame { get; }

    public LogLevel Level { get; }

    /// <summary>False adds <c>x-should-retry: false</c>.</summary>
    public bool Retry { get; }

    public static readonly Refused MissingKey = new("missing_key", 401, "authentication_error", Blame.Client, LogLevel.Debug);
    public static readonly Refused UnknownKey = new("unknown_key", 401, "authentication_error", Blame.Client, LogLevel.Information);
    public static readonly Refused ExpiredKey = new("expired_key", 401, "authentication_error", Blame.Client, LogLevel.Information);
    public static readonly Refused RevokedKey = new("revoked_key", 401, "authentication_error", Blame.Client, LogLevel.Information);
    public static readonly Refused Guessing = new("guessing", 429, "rate_limit_error", Blame.Client, LogLevel.Information);
    public static readonly Refused WrongKeyKind = new("wrong_key_kind", 403, "permission_error", Blame.Client, LogLevel.Information);
    public static readonly Refused DirectoryAway = new("directory_away", 503, "api_error", Blame.Operator, LogLevel.Error, retry: true);
    public static readonly Refused HeadersTooLarge = new("headers_too_large", 431, "invalid_request_error", Blame.Client, LogLevel.Information);
    public static readonly Refused BodyTooLarge = new("body_too_large", 413, "request_too_large", Blame.Client, LogLevel.Information);
    public static readonly Refused ContentType = new("content_type", 415, "invalid_request_error", Blame.Client, LogLevel.Information);
    public static readonly Refused Malformed = new("malformed", 400, "invalid_request_error", Blame.Client, LogLevel.Information);
    public static readonly Refused Policy = new("policy", 400, "policy_blocked", Blame.Client, LogLevel.Information);
    public static readonly Refused Capability = new("capability", 400, "invalid_request_error", Blame.Client, LogLevel.Information);
    public static readonly Refused DeploymentsFull = new("deployments_full", 429, "rate_limit_error", Blame.Operator, LogLevel.Warning, retry: true);
    public static readonly Refused SpendLimit = new("spend_limit", 429, "billing_error", Blame.Client, LogLevel.Information);
    public static readonly Refused SpendHeld = new("spend_held", 429, "rate_limit_error", Blame.Client, LogLevel.Information, retry: true);
    public static readonly Refused RateLimited = new("rate_limited", 429, "rate_limit_error", Blame.Client, LogLevel.Information, retry: true);
    public static readonly Refused UnknownRoute = new("unknown_route", 404, "not_found_error", Blame.Client, LogLevel.Debug);
    public static readonly Refused UnknownModel = new("unknown_model", 404, "not_found_error", Blame.Client, LogLevel.Debug);
    public static readonly Refused UpstreamCredential = new("upstream_credential", 502, "api_error", Blame.Operator, LogLevel.Error);
    public static readonly Refused UpstreamToken = new("upstream_token", 502, "api_error", Blame.Operator, LogLevel.Error, retry: true);
    public static readonly Refused UpstreamUnreachable = new("upstream_unreachable", 502, "api_error", Blame.Provider, LogLevel.Warning, retry: true);
    public static readonly Refused UpstreamTimeout = new("upstream_timeout", 504, "timeout_error", Blame.Provider, LogLevel.Warning, retry: true);
    public static readonly Refused UpstreamAnswer = new("upstream_answer", 502, "api_error", Blame.Provider, LogLevel.Warning, retry: true);
    public static readonly Refused RecordFailed = new("record_failed", 503, "api_error", Blame.Operator, LogLevel.Critical, retry: true);
}
