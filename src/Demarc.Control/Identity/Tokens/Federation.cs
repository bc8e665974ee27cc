using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Control.Identity.SignIn;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Tokens;

/// <summary>What a workload asks for (WIF reference, "Token exchange request").</summary>
/// <param name="Assertion">The identity token.</param>
/// <param name="Rule"><c>fdrl_…</c>.</param>
/// <param name="OrganizationId"><c>org_…</c> or its UUID; null where it is not said.</param>
/// <param name="ServiceAccountId"><c>svac_…</c>; null where it is not said.</param>
/// <param name="WorkspaceId"><c>wrkspc_…</c> or <c>default</c>; null where it is not said.</param>
internal sealed record FederationRequest(string Assertion, string Rule, string? OrganizationId, string? ServiceAccountId, string? WorkspaceId);

/// <summary>A token that was given out.</summary>
internal sealed record IssuedToken(string Token, TimeSpan Lifetime);

/// <summary>Trades a workload's identity token for a short-lived one of a service account, by a rule of the configuration.</summary>
public sealed class Federation
{
    internal const string RulePrefix = "fdrl_";

    private readonly Store _store;
    private readonly AccessTokens _tokens;
    private readonly string _organizationId;
    private readonly HttpClient _http;
    private readonly Func<Uri> _url;
    private volatile InForce _inForce = new([], []);

    /// <param name="url">Where clients find the gateway; asked when it listens.</param>
    public Federation(Store store, string organizationId, MasterKey master, HttpClient http, Func<Uri> url) =>
        (_store, _organizationId, _http, _url, _tokens) = (store, organizationId, http, url, new AccessTokens(master, store.Time));

    /// <summary>Whether there is any rule to trade by.</summary>
    public bool IsConfigured => _inForce.Rules.Count > 0;

    /// <summary>Takes these issuers and rules, for trades from now on; what was given out holds until its end.</summary>
    public void Use(FederationConfig config)
    {
        var before = _inForce.Keys;
        // Keys that were read stay with an issuer that is as it was.
        var keys = config.Issuers.ToDictionary(i => i, i => before.GetValueOrDefault(i) ?? (i.KeySet is { } set ? new TokenKeys(set, _store.Time) : new TokenKeys(i.Discovery!, _http, _store.Time)));
        _inForce = new(config.Rules.ToDictionary(r => RulePrefix + r.Name, r => (r, config.Issuers.First(i => i.Name == r.Issuer))), keys);
    }

    /// <exception cref="TokenException">The trade is refused.</exception>
    internal async Task<IssuedToken> ExchangeAsync(FederationRequest request, ActorRecord actor, CancellationToken stop)
    {
        var inForce = _inForce;
        if (!inForce.Rules.TryGetValue(request.Rule, out var found))
            throw new TokenException("rule", $"There is no rule {ConfigText.Printable(request.Rule)}");
        var (rule, issuer) = found;
        var (token, claims) = await inForce.Keys[issuer].ValidateAsync(request.Assertion, [issuer.Issuer], [rule.Audience], stop);
        Match(rule, claims);

        var account = await _store.ServiceAccounts.GetByNameAsync(_organizationId, rule.ServiceAccount)
            ?? throw new TokenException("service_account", $"There is no service account {rule.ServiceAccount}: demarc service-account create {rule.ServiceAccount}");
        if (account.Status != "active")
            throw new TokenException("service_account", $"The service account {account.Name} is not active");
        if (request.ServiceAccountId is { } asked && asked != account.Id)
            throw new TokenException("service_account_id", $"The request names {ConfigText.Printable(asked)}, and the rule is for {account.Id}");
        if (request.OrganizationId is { } organization && organization != _organizationId && !(Guid.TryParse(organization, out var uuid) && Ids.From(Ids.Organization, uuid) == _organizationId))
            throw new TokenException("organization_id", $"The request names {ConfigText.Printable(organization)}, and this is {_organizationId}");
        var workspace = await WorkspaceAsync(rule, request.WorkspaceId);

        var now = _store.Time.GetUtcNow();
        var end = now + rule.Lifetime;
        var issued = new FederatedToken(Ids.New(FederatedTokens.IdPrefix, _store.Time), _organizationId, account.Id, workspace, rule.Name, issuer.Issuer, token.Subject ?? "", end.ToUnixTimeMilliseconds());
        var use = rule.Once && token.Id is { Length: > 0 } id ? SHA256.HashData(Encoding.UTF8.GetBytes($"{issuer.Issuer}\n{id}")) : null;
        if (!await _store.FederatedTokens.IssueAsync(issued, use, new DateTimeOffset(token.ValidTo, TimeSpan.Zero).Add(TokenKeys.ClockSkew).ToUnixTimeMilliseconds(), actor with { Type = "service_account", Id = account.Id }))
            throw new TokenException("replayed", $"The identity token with the jti {ConfigText.Printable(token.Id)} was traded before (federation.rules.once)");
        return new IssuedToken(
            _tokens.Issue(new AccessTokenClaims(
                _url().AbsoluteUri.TrimEnd('/'), account.Id, AccessTokens.Audience, issued.Id, Ids.New("jti_", _store.Time), now.ToUnixTimeSeconds(), end.ToUnixTimeSeconds(), null, account.Name, [])),
            rule.Lifetime);
    }

    private async Task<string?> WorkspaceAsync(FederationRuleConfig rule, string? asked)
    {
        var workspace = rule.Workspace is null ? null
            : await _store.Workspaces.FindAsync(_organizationId, rule.Workspace) ?? throw new TokenException("workspace", $"There is no workspace {rule.Workspace}: demarc workspace create {rule.Workspace}");
        if (asked is not null && asked != (workspace?.Id ?? "default"))
            throw new TokenException("workspace_id", $"The request names {ConfigText.Printable(asked)}, and the rule is for {workspace?.Id ?? "default"}");
        return workspace?.Id;
    }

    private static void Match(FederationRuleConfig rule, JsonElement claims)
    {
        var subject = IssuerClaims.Text(claims, "sub") ?? "";
        var holds = rule.Subject is null || (rule.Subject.EndsWith('*') ? subject.StartsWith(rule.Subject[..^1], StringComparison.Ordinal) : subject == rule.Subject);
        if (!holds)
            throw new TokenException("match_subject", $"Its claim sub is {ConfigText.Printable(subject)}; the rule {rule.Name} wants {rule.Subject}");
        foreach (var (claim, wanted) in rule.Claims)
        {
            var values = Values(claims, claim);
            if (!values.Contains(wanted))
                throw new TokenException("match_claims", $"Its claim {claim} is {ConfigText.Printable(values.Length == 0 ? "none" : string.Join(", ", values))}; the rule {rule.Name} wants {wanted}");
        }
    }

    // A name, or a pointer, as platforms nest their own: /kubernetes.io/namespace.
    private static string[] Values(JsonElement claims, string name)
    {
        if (IssuerClaims.Find(claims, name) is not { } at)
            return [];
        return at.ValueKind switch
        {
            JsonValueKind.String => [at.GetString()!],
            JsonValueKind.Number => [at.GetRawText()],
            JsonValueKind.True or JsonValueKind.False => [at.GetBoolean().ToString(CultureInfo.InvariantCulture).ToLowerInvariant()],
            JsonValueKind.Array => [.. at.EnumerateArray().Where(e => e.ValueKind == JsonValueKind.String).Select(e => e.GetString()!)],
            _ => [],
        };
    }

    private sealed record InForce(Dictionary<string, (FederationRuleConfig Rule, FederationIssuerConfig Issuer)> Rules, Dictionary<FederationIssuerConfig, TokenKeys> Keys);
}
