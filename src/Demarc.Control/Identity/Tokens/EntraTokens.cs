using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Control.Identity.SignIn;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Identity.Tokens;

/// <summary>
/// Access tokens of Entra ID as credentials, as Foundry takes them: for the audience of Azure's AI services, of a tenant that the
/// configuration names. People are found by the object id that a token of theirs was first seen with, before that by address; apps and managed
/// identities are the service accounts that the configuration says. Sources: Microsoft identity platform, "Access token claims
/// reference", "Validate tokens".
/// </summary>
public sealed partial class EntraTokens
{
    private readonly Store _store;
    private readonly string _organizationId;
    private readonly HttpClient _http;
    private readonly ILogger _log;
    private volatile Tenant[] _tenants = [];

    public EntraTokens(Store store, string organizationId, HttpClient http, ILogger<EntraTokens> log) =>
        (_store, _organizationId, _http, _log) = (store, organizationId, http, log);

    /// <summary>Takes these tenants from now on; what was verified ends where its tenant is another or none.</summary>
    public Task UseAsync(EntraConfig[] tenants)
    {
        var before = _tenants;
        _tenants = [.. tenants.Select(config => Array.Find(before, t => t.Written == Write(config)) ?? new Tenant(config, KeysOf(config), Issuers(config), Write(config)))];
        var kept = _tenants.Intersect(before).Select(t => IssuerOf(t.Config)).ToHashSet(StringComparer.Ordinal);
        return _store.Principals.UseForeignAsync(_tenants.Length == 0 ? null : VerifyAsync, token => kept.Contains(token.Issuer));

        // Keys that were read stay: a tenant of which something else changed is not asked for them anew.
        TokenKeys KeysOf(EntraConfig config) => Array.Find(before, t => t.Config.TenantId == config.TenantId && t.Config.Authority == config.Authority)?.Keys
            ?? new TokenKeys(new Uri($"{config.Authority.AbsoluteUri.TrimEnd('/')}/{config.TenantId}/v2.0"), _http, _store.Time);
    }

    /// <summary>Whom a token stands for; null for one that does not hold or is nobody's here. The log says why.</summary>
    private async Task<ForeignToken?> VerifyAsync(string token)
    {
        if (TokenProblem.Unverified(token) is not { } unverified || Array.Find(_tenants, t => t.Issuers.Contains(unverified.Issuer)) is not { } tenant)
            return null;
        try
        {
            // Whose browser or machine goes away does not matter: the next asks for the same keys.
            var (valid, claims) = await tenant.Keys.ValidateAsync(token, tenant.Issuers, tenant.Config.Audiences, CancellationToken.None);
            if (Text(claims, "tid") != tenant.Config.TenantId)
                throw new TokenException("tenant", $"Its claim tid is {ConfigText.Printable(Text(claims, "tid") ?? "none")}; accepted: {tenant.Config.TenantId}");
            var subject = Text(claims, "oid") ?? throw new TokenException("oid", "It has no claim oid: it is for no user, application or managed identity");
            // Groups that are not named would be groups that no policy sees.
            if (IssuerClaims.IsOverage(claims))
                throw new TokenException("groups_overage", "It leaves groups out, as there are too many (_claim_names): emit only groups assigned to the application, or app roles");
            var end = new DateTimeOffset(valid.ValidTo, TimeSpan.Zero);
            // An optional claim says so; else an app has no scopes, and is its own subject.
            var isApp = Text(claims, "idtyp") == "app" || (Text(claims, "scp") is null && Text(claims, "sub") == subject);
            var principal = isApp ? await ApplicationAsync(tenant.Config, claims, subject) : await PersonAsync(tenant.Config, claims, subject);
            return new ForeignToken(
                IssuerOf(tenant.Config), principal, $"entra_{Text(claims, "uti") ?? subject}", end,
                [.. (IssuerClaims.Groups(claims, "groups") ?? []).Select(g => tenant.Config.Groups.GetValueOrDefault(g, g))],
                [.. (IssuerClaims.Groups(claims, "roles") ?? []).Where(tenant.Config.AppRoles.ContainsKey).Select(r => tenant.Config.AppRoles[r])]);
        }
        // Whether it holds is not known then: the caller says so, and not that it ended.
        catch (TokenException e) when (e.Code != TokenKeys.Unreachable)
        {
            LogRefused(e.Code, tenant.Config.TenantId, e.Message);
            return null;
        }
    }

    private async Task<string> ApplicationAsync(EntraConfig config, JsonElement claims, string subject)
    {
        var application = Text(claims, "azp") ?? Text(claims, "appid");
        var name = config.ServiceAccounts.GetValueOrDefault(subject) ?? (application is null ? null : config.ServiceAccounts.GetValueOrDefault(application))
            ?? throw new TokenException("application", $"No service account is named for the application {ConfigText.Printable(application ?? "none")} or the object {ConfigText.Printable(subject)} (entra.service_accounts)");
        return (await _store.ServiceAccounts.GetByNameAsync(_organizationId, name))?.Id
            ?? throw new TokenException("service_account", $"There is no service account {name}: demarc service-account create {name}");
    }

    private async Task<string> PersonAsync(EntraConfig config, JsonElement claims, string subject)
    {
        var email = Text(claims, "email") ?? Text(claims, "preferred_username") ?? Text(claims, "upn") ?? Text(claims, "unique_name");
        if (email is null || PrincipalRules.EmailProblem(email) is not null)
            throw new TokenException("address", "None of its claims email, preferred_username, upn and unique_name is an address");
        var issuer = IssuerOf(config);
        if (!config.MakesPeople && await _store.Identities.FindAsync(_organizationId, issuer, subject) is null && await _store.Users.GetByEmailAsync(_organizationId, email) is null)
            throw new TokenException("person", $"Nobody here has the address {ConfigText.Printable(email)}; entra.people: create makes whom the tenant gives a token");
        var name = Text(claims, "name") ?? email;
        var user = await _store.Identities.EnsureAsync(
            _organizationId, new ProvidedIdentity(issuer, subject, email, PrincipalRules.NameProblem(name) is null ? name : email, []), "developer", new ActorRecord("system", "entra"))
            ?? throw new TokenException("address_taken", "Its address belongs to somebody with another object id");
        return user.Id;
    }

    // Version 1 tokens, which Azure's AI services get by default, name another issuer than version 2.
    private static string[] Issuers(EntraConfig config)
    {
        var authority = config.Authority.AbsoluteUri.TrimEnd('/');
        return [$"{authority}/{config.TenantId}/v2.0", $"{(config.Authority.Host == EntraSection.PublicAuthority.Host ? "https://sts.windows.net" : authority)}/{config.TenantId}/"];
    }

    private static string? Text(JsonElement claims, string name) => IssuerClaims.Text(claims, name);

    private static string IssuerOf(EntraConfig config) => $"entra:{config.TenantId}";

    private static string Write(EntraConfig config) => JsonSerializer.Serialize(config);

    /// <param name="Written">All of the configuration, to tell one from another.</param>
    private sealed record Tenant(EntraConfig Config, TokenKeys Keys, string[] Issuers, string Written);

    [LoggerMessage(2431, LogLevel.Warning, "A token of Entra ID is refused ({Code}, tenant {Tenant}): {Reason}")]
    private partial void LogRefused(string code, string tenant, string reason);
}
