using System.Text.Json;
using Demarc.Control.Configuration;
using Xunit;

namespace Demarc.Tests.Configuration;

public sealed class ConfigProblemTests : IDisposable
{
    private const string Credential = "credential: { api_key: \"${FOUNDRY_KEY}\" }";

    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Yaml, the problem's path, part of its message.</summary>
    public static TheoryData<string, string, string> Errors { get; } = new()
    {
        { "listen: [", "", "not YAML" },
        { "a: b: c", "", "not YAML" },
        { "- list", "", "a list; a mapping is accepted" },
        { "text", "", "text; a mapping is accepted" },
        { "listen: 127.0.0.1:1\n---\nlisten: 127.0.0.1:2", "", "a second document" },
        { "listen: 127.0.0.1:1\nlisten: 127.0.0.1:2", "listen", "duplicate key, first on line 1" },
        { "organization: &o { name: x }", "organization", "anchors" },
        { "catalog: *x", "catalog", "anchors" },
        { "organization: { name: !!str x }", "organization.name", "tags" },
        { "? [a]\n: b", "", "a key is a list" },
        { new string('[', 40) + new string(']', 40), "", "nested deeper" },

        { "lisen: 127.0.0.1:1", "lisen", "unknown key 'lisen'; did you mean 'listen'?" },
        { "batches: 3", "batches", "unknown key 'batches'; accepted: listen, admin_listen" },
        { "\"a\\nb\": 3", "[\"a\\nb\"]", "unknown key 'a\\u000ab'" },
        { "organization: { nam: x }", "organization.nam", "did you mean 'name'?" },

        { "listen: 8443", "listen", "accepted: an IP address" },
        { "listen: 127.0.0.1:70000", "listen", "is no address" },
        { "listen: 1:80", "listen", "is no address" },
        { "listen: '::1:80'", "listen", "is no address" },
        { "listen: example.com:80", "listen", "is no address" },
        { "listen: [a]", "listen[0]", "is no address" },
        { "listen: []", "listen", "no address" },
        { "listen: { a: 1 }", "listen", "a mapping; text is accepted" },
        { "listen: [127.0.0.1:1, 127.0.0.1:1]", "listen[1]", "stands twice" },
        { "admin_listen: 127.0.0.1:8443", "admin_listen", "is in listen too" },
        { "shutdown: { notice: 5 }", "shutdown.notice", "accepted: 0s to 60m" },
        { "shutdown: { streams: 61m }", "shutdown.streams", "accepted: 0s to 60m" },
        { "billing: { currency: euro }", "billing.currency", "is no currency" },
        { "billing: { currency: EUR }", "billing.usd_rate", "required; accepted: how much" },
        { "billing: { currency: EUR, usd_rate: -1 }", "billing.usd_rate", "is no rate" },
        { "billing: { currency: EUR, usd_rate: 0 }", "billing.usd_rate", "is no rate" },
        { "billing: { usd_rate: 0.92 }", "billing.usd_rate", "a dollar is a dollar" },
        { "billing: { fiscal_month_start: 29 }", "billing.fiscal_month_start", "accepted: 1 to 28" },
        { "reports: { people: all }", "reports.people", "accepted: pseudonymous, named" },
        { "commitments: [{ name: a, amount_usd: ten, from: 2026-01-01, until: 2027-01-01, platforms: [foundry] }]", "commitments[0].amount_usd", "is no amount" },
        { "commitments: [{ name: a, amount_usd: 10, from: 2026-01-01, until: 2026-01-01, platforms: [foundry] }]", "commitments[0].until", "ends before it begins" },
        { "commitments: [{ name: a, amount_usd: 10, from: 2026-01-01, until: 2027-01-01 }]", "commitments[0]", "accepted: one of them" },
        { "commitments: [{ name: a, amount_usd: 10, from: 2026-01-01, until: 2027-01-01, resources: [b] }]", "commitments[0].resources[0]", "unknown resource 'b'" },
        { "commitments: [{ name: a, amount_usd: 10, from: 2026-01-01, until: 2027-01-01, platforms: [azure] }]", "commitments[0].platforms[0]", "unknown platform 'azure'" },
        { "network_rules: { a: 1 }", "network_rules", "a list is accepted" },
        { "network_rules: [{ action: allow, from: any }]", "network_rules[0].priority", "required; accepted: 1 to 65000" },
        { "network_rules: [{ priority: 0, action: allow, from: any }]", "network_rules[0].priority", "is no priority" },
        { "network_rules: [{ priority: 1, action: allow, from: any }, { priority: 1, action: deny, from: any }]", "network_rules[1].priority", "has priority 1 already" },
        { "network_rules: [{ priority: 1, action: permit, from: any }]", "network_rules[0].action", "accepted: allow, deny" },
        { "network_rules: [{ priority: 1, action: allow, from: 10.0.0.0/8 }]", "network_rules[0].from", "a list is accepted" },
        { "network_rules: [{ priority: 1, action: allow, from: [] }]", "network_rules[0].from", "no network" },
        { "network_rules: [{ priority: 1, action: allow, from: [10.0.0.1/8] }]", "network_rules[0].from[0]", "is no network" },
        { "network_rules: [{ priority: 1, action: allow, from: any, name: '' }]", "network_rules[0].name", "is no name" },
        { "tls: { certificate: tls/cert.pem, key: tls/key.pem, client_certificate: required }", "tls.client_certificate", "without client_ca" },
        { "tls: { certificate: tls/cert.pem, key: tls/key.pem, client_ca: tls/cert.pem, client_certificate: maybe }", "tls.client_certificate", "accepted: required, optional" },
        { "tls: { certificate: tls/cert.pem, key: tls/key.pem, client_ca: tls/key.pem }", "tls", "client_ca file holds no PEM certificate" },
        { "public_url: http://claude.contoso.example", "public_url", "in the clear" },
        { "public_url: claude.contoso.example", "public_url", "not an absolute web address" },
        { "public_url: ftp://claude.contoso.example", "public_url", "not an absolute web address" },
        { "public_url: https://x@claude.contoso.example", "public_url", "carries a user" },
        { "public_url: https://claude.contoso.example/?", "public_url", "query or a fragment" },
        { "public_url: https://claude.contoso.example/#a", "public_url", "query or a fragment" },
        { "public_url: \"https://${NAME}/\"", "public_url", "is not read here" },
        { "tls: cert.pem", "tls", "a mapping is accepted, with the keys certificate, key" },
        { "tls: { certificate: tls/cert.pem }", "tls.key", "required; accepted: the path of a PEM file" },
        { "tls: { certificate: gone.pem, key: tls/key.pem }", "tls.certificate", "cannot read the file 'gone.pem': it does not exist" },
        { "tls: { certificate: tls/key.pem, key: tls/key.pem }", "tls", "no PEM certificate" },
        { "tls: { certificate: tls/cert.pem, key: tls/cert.pem }", "tls", "no unencrypted PEM key" },
        { "trusted_proxies: 10.0.0.0/8", "trusted_proxies", "a list is accepted" },
        { "trusted_proxies: [10.0.0.0/8, 10.0.0.1/8]", "trusted_proxies[1]", "accepted: CIDR" },
        { "trusted_proxies: [10.0.0.1]", "trusted_proxies[0]", "accepted: CIDR" },
        { "max_body_bytes: 32MB", "max_body_bytes", "for example 32MiB" },
        { "max_body_bytes: 1000", "max_body_bytes", "1KiB to 1GiB" },
        { "max_body_bytes: 99999999999GiB", "max_body_bytes", "1KiB to 1GiB" },
        { "max_body_bytes: -5", "max_body_bytes", "1KiB to 1GiB" },
        { "organization: { name: \"a\\u0007b\" }", "organization.name", "'a\\u0007b' is no name" },
        { "organization: {}", "organization.name", "required" },
        { "alerts: { webhooks: [{ name: a, url: 'http://hooks.example.com', secret: '${FINOPS_WEBHOOK_SECRET}' }] }", "alerts.webhooks[0].url", "in the clear" },
        { "alerts: { webhooks: [{ name: a, url: 'https://hooks.example.com', secret: '${FOUNDRY_KEY}' }] }", "alerts.webhooks[0].secret", "whsec_ and base64" },
        { "alerts: { webhooks: [{ name: 'A B', url: 'https://hooks.example.com', secret: '${FINOPS_WEBHOOK_SECRET}' }] }", "alerts.webhooks[0].name", "is no name" },
        { "alerts: { email: { server: mail.example.com, from: a@example.com, to: [b@example.com] } }", "alerts.email.server", "HOST:PORT" },
        { "alerts: { email: { server: 'mail.example.com:587', from: nobody, to: [b@example.com] } }", "alerts.email.from", "is no e-mail address" },
        { "alerts: { email: { server: 'mail.example.com:587', from: a@example.com, to: [] } }", "alerts.email.to", "1 to 20" },
        { "alerts: { email: { server: 'mail.example.com:587', from: a@example.com, to: [b@example.com], user: a } }", "alerts.email", "go together" },
        { "policies: [{ limits: [{ per: person, period: monthly, amount_usd: -1 }] }]", "policies[0].limits[0].amount_usd", "never negative" },
        { "policies: [{ limits: [{ per: person, period: monthly, amount_usd: 0.001 }] }]", "policies[0].limits[0].amount_usd", "fraction of a cent" },
        { "policies: [{ limits: [{ per: person, period: monthly, amount_usd: 9223372037 }] }]", "policies[0].limits[0].amount_usd", "too large" },
        { "policies: [{ limits: [{ per: person, period: monthly, amount_usd: 1e3 }] }]", "policies[0].limits[0].amount_usd", "is no amount" },
        { "policies: [{ limits: [{ per: person, period: monthly, amount_usd: ten }] }]", "policies[0].limits[0].amount_usd", "is no amount" },
        { "policies: [{ limits: [{ per: team, period: monthly, amount_usd: 5 }] }]", "policies[0].limits[0].per", "person, key, pool" },
        { "policies: [{ limits: [{ per: person, period: yearly, amount_usd: 5 }] }]", "policies[0].limits[0].period", "daily, weekly, monthly" },
        { "policies: [{ limits: [{ per: person, period: daily, amount_usd: 5, mode: firm }] }]", "policies[0].limits[0].mode", "soft, hard, audit" },
        { "policies: [{ limits: [{ per: person, period: daily, amount_usd: 5, resource: mars }] }]", "policies[0].limits[0].resource", "unknown resource 'mars'" },
        { "policies: [{ limits: [{ per: person, period: daily, amount_usd: 5, workspace: w }] }]", "policies[0].limits[0].workspace", "unknown key 'workspace'" },
        { "policies: [{ rates: [{ per: person }] }]", "policies[0].rates[0]", "limits nothing" },
        { "policies: [{ rates: [{ per: team, concurrent: 1 }] }]", "policies[0].rates[0].per", "person, key, pool" },
        { "policies: [{ rates: [{ per: key, concurrent: 0 }] }]", "policies[0].rates[0].concurrent", "is no rate" },
        { "policies: [{ rates: [{ per: key, requests_per_minute: -1 }] }]", "policies[0].rates[0].requests_per_minute", "is no rate" },
        { "policies: [{ rates: [{ per: key, tokens_per_minute: 1.5 }] }]", "policies[0].rates[0].tokens_per_minute", "is no rate" },
        { "policies: [{ rates: [{ per: key, tokens_per_minute: 1000000001 }] }]", "policies[0].rates[0].tokens_per_minute", "is no rate" },

        { "store: mysql://db", "store", "sqlite:PATH or postgres://" },
        { "store: 'sqlite:'", "store", "sqlite:PATH or postgres://" },
        { "store: sqlite:${FOUNDRY_KEY}", "store", "is not read here" },
        { "store: postgres://db.contoso.example/demarc", "store", "names no user or no database" },
        { "store: postgres://demarc@db.contoso.example", "store", "names no user or no database" },
        { "journal: waiting", "journal", "the embedded store has a journal of its own" },
        { "durability: always", "durability", "accepted: answers (before any answer), strict (before anything is sent)" },
        { "outage: sometimes", "outage", "accepted: refuse, serve" },
        { "store: 'postgres://${FOUNDRY_KEY}:x@db.contoso.example/demarc'", "store", "outside of the password" },
        { "store: 'postgres://demarc:${GONE}@db.contoso.example/demarc'", "store", "the environment variable GONE is not set" },
        { "store: 'postgres://demarc:${file:secrets/gone}@db.contoso.example/demarc'", "store", "'secrets/gone'" },
        { "store: postgres://demarc@db.contoso.example/demarc?speed=high", "store", "an unknown option" },
        { "store: postgres://demarc@db.contoso.example:0/demarc", "store", "not a PostgreSQL address" },
        { "store: 'postgres://demarc:x${FOUNDRY_KEY}@db.contoso.example/demarc'", "store", "outside of the password" },
        { "store: 'postgres://demarc:${FOUNDRY-KEY}@db.contoso.example/demarc'", "store", "not a PostgreSQL address" },
        { "content: s3://bucket", "content", "file:DIRECTORY" },
        { "content: file://host/x", "content", "file:DIRECTORY" },
        { "master_key: ${SHORT_KEY}", "master_key", "base64 of at least 32 bytes" },
        { "master_key: ${FOUNDRY_KEY}", "master_key", "base64 of at least 32 bytes" },
        { "master_key: \"${file:secrets/empty}\"", "master_key", "empty or not UTF-8" },
        { "master_key: \"${file:secrets}\"", "master_key", "it is a directory" },
        { "catalog: gone.json", "catalog", "does not exist" },

        { Resource("name: V1"), "resources[0].name", "is no resource name" },
        { Resource("name: api"), "resources[0].name", "part of Demarc's own addresses" },
        { Resource("name: .well-known"), "resources[0].name", "part of Demarc's own addresses" },
        { Resource("name: \"a\\u0001\""), "resources[0].name", "'a\\u0001' is no resource name" },
        { Resource("name: \"a\\n\""), "resources[0].name", "is no resource name" },
        { Resource($"name: {new string('a', 64)}"), "resources[0].name", "at most 63" },
        { $"resources: [{{ platform: foundry, {Credential} }}]", "resources[0].name", "required" },
        { $"resources: [{{ name: a, {Credential} }}]", "resources[0].platform", "required; accepted: foundry, anthropic, anthropic-aws, bedrock, vertex" },
        { $"resources:\n- {{ name: a, platform: foundry, {Credential} }}\n- {{ name: a, platform: foundry, {Credential} }}", "resources[1].name", "on line 2 already" },
        { "resources: { a: b }", "resources", "a mapping; a list is accepted" },
        { "resources: [a]", "resources[0]", "text; a mapping is accepted" },
        { $"resources: [{{ name: a, platform: fondry, {Credential} }}]", "resources[0].platform", "did you mean 'foundry'?" },
        { Resource("name: a, endpoint: http://contoso.example"), "resources[0].endpoint", "in the clear to 'contoso.example'" },
        { Resource("name: a, endpoint: https://api.anthropic.com/v1/"), "resources[0].endpoint", "which Demarc adds itself" },
        { Resource("name: a, endpoint: 'https://u:p@contoso.example'"), "resources[0].endpoint", "carries a user" },
        { Resource("name: a, region: East US"), "resources[0].region", "is no region" },
        { Resource("name: a, agreements: [x, ~]"), "resources[0].agreements[1]", "is empty" },
        { $"resources: [{{ name: a, platform: foundry, rates: 15%, {Credential} }}]", "resources[0].rates", "a list is accepted" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ from: 2026-01-01 }}], {Credential} }}]", "resources[0].rates[0]", "either a discount" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: 10%, input: 1 }}], {Credential} }}]", "resources[0].rates[0]", "either a discount" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: -10% }}], {Credential} }}]", "resources[0].rates[0].discount", "is no discount" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: 0% }}], {Credential} }}]", "resources[0].rates[0].discount", "is no discount" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: 100.001% }}], {Credential} }}]", "resources[0].rates[0].discount", "is no discount" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: 0.15 }}], {Credential} }}]", "resources[0].rates[0].discount", "is no discount" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: 15%, speed: fast }}], {Credential} }}]", "resources[0].rates[0].speed", "belongs to prices" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: 15%, from: 2026-02-01, until: 2026-02-01 }}], {Credential} }}]", "resources[0].rates[0].until", "ends before it begins" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: 15%, from: 2026-02-30 }}], {Credential} }}]", "resources[0].rates[0].from", "is no day" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ discount: 15%, models: [] }}], {Credential} }}]", "resources[0].rates[0].models", "for no model" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ input: \"4\" }}], {Credential} }}]", "resources[0].rates[0].output", "required; accepted: US dollars" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ input: \"-4\", output: \"1\" }}], {Credential} }}]", "resources[0].rates[0].input", "is no price" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ input: \"4e3\", output: \"1\" }}], {Credential} }}]", "resources[0].rates[0].input", "is no price" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ input: \"4\", output: \"1000000\" }}], {Credential} }}]", "resources[0].rates[0].output", "is no price" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ input: \"0.0000000001\", output: \"1\" }}], {Credential} }}]", "resources[0].rates[0].input", "is no price" },
        { $"resources: [{{ name: a, platform: foundry, rates: [{{ input: \"4\", output: \"1\", speed: turbo }}], {Credential} }}]", "resources[0].rates[0].speed", "accepted: standard, fast" },
        { "resources: [{ name: a, platform: vertex, region: global, credential: { google: default } }]", "resources[0].project", "required; accepted: the id of a Google Cloud project" },
        { "resources: [{ name: a, platform: bedrock, credential: { aws: default } }]", "resources[0].region", "required; accepted: a region" },
        { "resources: [{ name: a, platform: anthropic-aws, region: us-east-1, workspace: main, credential: { aws: default } }]", "resources[0].workspace", "accepted: wrkspc_" },
        { Resource("name: a, project: p"), "resources[0].project", "a key of platform 'vertex'; leave it out for 'foundry'" },
        { Resource("name: a, api: messages"), "resources[0].api", "only platform 'bedrock' has a choice of APIs" },
        { "resources: [{ name: a, platform: bedrock, region: us-east-1, api: converse, credential: { aws: default } }]", "resources[0].api", "accepted: invoke" },
        { Resource("name: a, proxy: 'http://u:p@proxy.example:1'"), "resources[0].proxy", "without user and path" },
        { Resource("name: a, certificate_authorities: secrets/master-key"), "resources[0].certificate_authorities", "holds no certificate" },
        { "resources: [{ name: a, platform: foundry, credential: { aws: default } }]", "resources[0].credential", "unknown key; accepted: api_key, azure" },
        { "resources: [{ name: a, platform: foundry, credential: { azure: cli } }]", "resources[0].credential.azure", "accepted: default, { authority: https://HOST }" },
        { "resources: [{ name: a, platform: foundry, credential: { azure: { authority: 'http://x' } } }]", "resources[0].credential.azure.authority", "is no authority" },
        { "resources: [{ name: a, platform: foundry, credential: { azure: default, api_key: x } }]", "resources[0].credential", "more than one credential" },
        { "resources: [{ name: a, platform: bedrock, region: us-east-1, credential: { aws: { role_arn: claude } } }]", "resources[0].credential.aws.role_arn", "is no role" },
        { "resources: [{ name: a, platform: vertex, region: global, project: p, credential: { google: { file: catalog.json } } }]", "resources[0].credential.google.file", "is no credential file" },
        { "resources: [{ name: a, platform: foundry }]", "resources[0].credential", "required; accepted: { api_key" },
        { "resources: [{ name: a, platform: foundry, credential: { apikey: x } }]", "resources[0].credential.apikey", "did you mean 'api_key'?" },
        { "resources: [{ name: a, platform: foundry, credential: { api_key: \"${GONE}\" } }]", "resources[0].credential.api_key", "the environment variable GONE is not set" },
        { "resources: [{ name: a, platform: foundry, credential: { api_key: \"${EMPTY}\" } }]", "resources[0].credential.api_key", "the environment variable EMPTY is not set" },
        { "resources: [{ name: a, platform: foundry, credential: { api_key: \"${file:gone}\" } }]", "resources[0].credential.api_key", "cannot read the file 'gone'" },
        { "resources: [{ name: a, platform: foundry, credential: { api_key: \"x${FOUNDRY_KEY}\" } }]", "resources[0].credential.api_key", "a reference is the whole value" },
        { "resources: [{ name: a, platform: foundry, credential: { api_key: \"${TWO_LINES}\" } }]", "resources[0].credential.api_key", "no header can carry" },

        { Deployment("name: a/b, model: claude-sonnet-4-6, hosting: azure"), "resources[0].deployments[0].name", "is no deployment name" },
        { Deployment("name: a, model: claude-sonnet-4-6"), "resources[0].deployments[0].hosting", "required; accepted: azure, anthropic" },
        { Deployment("name: a, model: claude-sonnet-4-6, hosting: aws"), "resources[0].deployments[0].hosting", "platform 'foundry' does not run on 'aws'; accepted: azure, anthropic" },
        { Deployment("name: a, model: claude-sonnet-4-6, hosting: azur"), "resources[0].deployments[0].hosting", "unknown hosting 'azur'" },
        { Deployment("name: a, hosting: azure"), "resources[0].deployments[0].model", "required" },
        { Deployment("name: a, model: \"a\\tb\", hosting: azure"), "resources[0].deployments[0].model", "is no model id" },
        { Deployment("name: a, model: claude-sonnet-4-6, hosting: azure, scope: eu"), "resources[0].deployments[0].scope", "accepted: global, data-zone:us, region:NAME" },
        { Deployment("name: a, model: claude-sonnet-4-6, hosting: azure, scope: 'region:'"), "resources[0].deployments[0].scope", "unknown scope" },
        { Deployment("name: a, model: m, hosting: azure }, { name: a, model: m, hosting: azure"), "resources[0].deployments[1].name", "on line 1 already" },

        { Alias("[r/d]", "'a/b'"), "aliases[\"a/b\"]", "is no alias name" },
        { Alias("[r/d]", "r/d"), "aliases[\"r/d\"]", "is the full name of a deployment" },
        { Alias("[]"), "aliases.a", "stands for nothing" },
        { Alias("r/d"), "aliases.a", "text; a list is accepted" },
        { Alias("~"), "aliases.a", "stands for nothing" },
        { Alias("[r/d, r/d]"), "aliases.a[1]", "already" },
        { Alias("[r/e]"), "aliases.a[0]", "no deployment 'r/e' is configured" },
        { Alias("[d]"), "aliases.a[0]", "did you mean 'r/d'?" },
        { Alias("[[r/d, r/longer-nme]]"), "aliases.a[0][1]", "did you mean 'r/longer-name'?" },
        { Alias("[b], b: [r/d]"), "aliases.a[0]", "'b' is an alias itself" },
        { Alias("[[]]"), "aliases.a[0]", "an empty tier" },
        { Alias("[[[r/d]]]"), "aliases.a[0][0]", "a list within a tier" },
        { Alias("[{ deployment: r/d, weight: 0 }]"), "aliases.a[0].weight", "accepted: 1 to 1000" },
        { Alias("[{ weight: 2 }]"), "aliases.a[0].deployment", "required" },

        { "policies: [{ capture: most }]", "policies[0].capture", "accepted: full, metadata, none" },
        { "policies: [{ capture: none, match: {} }]", "policies[0].match", "names nobody" },
        { "policies: [{ capture: none, match: { groups: [] } }]", "policies[0].match.groups", "matches no one" },
        { "policies: [{ capture: none, match: { group: [a] } }]", "policies[0].match.group", "did you mean 'groups'?" },
        { "policies: [{ models: [[a]] }]", "policies[0].models[0]", "a list; text is accepted" },
        { "policies: { capture: none }", "policies", "a mapping; a list is accepted" },
    };

    [Theory]
    [MemberData(nameof(Errors))]
    public void An_error_names_its_field_and_what_is_accepted(string yaml, string path, string message)
    {
        var result = _folder.Read(yaml);

        Assert.Null(result.Config);
        Assert.Contains(result.Problems, p => p.Severity is ConfigSeverity.Error && p.Path == path && p.Message.Contains(message, StringComparison.Ordinal));
        Assert.Single(result.Problems, p => p.Severity is ConfigSeverity.Error);
        Assert.DoesNotContain(ConfigFolder.Canary, ConfigReport.Text("demarc.yaml", result) + ConfigReport.Json(result), StringComparison.Ordinal);
    }

    public static TheoryData<string, string, string> Warnings { get; } = new()
    {
        { "listen: 0.0.0.0:8443", "listen", "in the clear" },
        { "listen: '[::]:8443'", "listen", "in the clear" },
        { "trusted_proxies: [0.0.0.0/0]", "trusted_proxies[0]", "everyone may claim" },
        { "network_rules: [{ priority: 1, action: deny, from: any }]", "network_rules", "no rule allows anything" },
        { "resources: []", "resources", "nothing can be served" },
        { Resource("name: a"), "resources[0]", "has no deployments" },
        { "resources: [{ name: a, platform: anthropic, credential: { api_key: sk-canary-7c1f } }]", "resources[0].credential.api_key", "stands in the file itself" },
        { "store: postgres://demarc:sk-canary-7c1f@db.contoso.example/demarc", "store", "stands in the file itself" },
        { "master_key: AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=", "master_key", "stands in the file itself" },
        { Deployment("name: a, model: claude-9, hosting: azure"), "resources[0].deployments[0].model", "the catalog does not have the model 'claude-9'" },
        { "policies: [{ models: [claude-9] }]", "policies[0].models[0]", "no alias, deployment or model is named 'claude-9'" },
        { "policies: [{ models: [] }]", "policies[0].models", "no model at all" },
        { "policies: [{}]", "policies[0]", "asks nothing" },
    };

    [Theory]
    [MemberData(nameof(Warnings))]
    public void A_warning_leaves_the_configuration_usable(string yaml, string path, string message)
    {
        var result = _folder.Read(yaml);

        Assert.NotNull(result.Config);
        Assert.Contains(result.Problems, p => p.Severity is ConfigSeverity.Warning && p.Path == path && p.Message.Contains(message, StringComparison.Ordinal));
        Assert.DoesNotContain(ConfigFolder.Canary, ConfigReport.Text("demarc.yaml", result) + ConfigReport.Json(result), StringComparison.Ordinal);
    }

    [Fact]
    public void All_problems_are_told_at_once_with_line_and_column()
    {
        var result = _folder.Read("""
            listen: nowhere
            colour: blue
            resources:
              - name: contoso
                platform: foundry
                credential: { api_key: "${GONE}" }
                deployments:
                  - { name: a, model: claude-sonnet-4-6, hosting: azure }
                  - name: b
                    model: claude-sonnet-4-6
                    hosting: mars
            aliases:
              sonnet: [contoso/a, contoso/c]
            """);

        Assert.Equal(
            [
                ("listen", 1, 9), ("colour", 2, 1), ("resources[0].credential.api_key", 6, 28),
                ("resources[0].deployments[1].hosting", 11, 18), ("aliases.sonnet[1]", 13, 23),
            ],
            result.Problems.Select(p => (p.Path, p.Line, p.Column)));
    }

    [Fact]
    public void A_syntax_error_has_its_line()
    {
        var problem = Assert.Single(_folder.Read("listen: 127.0.0.1:1\nresources: [\n  - {\n").Problems);
        Assert.InRange(problem.Line, 2, 4);
    }

    [Fact]
    public void A_key_where_a_secret_may_have_slipped_is_not_repeated()
    {
        var result = _folder.Read($"resources: [{{ name: a, platform: foundry, credential: {{ {ConfigFolder.Canary} }} }}]");

        Assert.Contains(result.Problems, p => p is { Path: "resources[0].credential", Message: "unknown key; accepted: api_key, azure" });
        Assert.DoesNotContain(ConfigFolder.Canary, ConfigReport.Text("demarc.yaml", result), StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_absent_or_is_not_UTF_8_is_a_problem()
    {
        var absent = _folder.Read();
        Assert.Contains("does not exist", Assert.Single(absent.Problems).Message, StringComparison.Ordinal);
        Assert.Equal("", absent.Hash);

        File.WriteAllBytes(_folder.ConfigPath, [0x61, 0x3a, 0x20, 0xff]);
        Assert.Contains("not UTF-8", Assert.Single(_folder.Read().Problems).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_report_reads_as_text_and_as_json()
    {
        var result = _folder.Read("listen: 0.0.0.0:1\nlisen: x\n");

        var lines = ConfigReport.Text("demarc.yaml", result).Split('\n');
        Assert.Contains("demarc.yaml:1:9: warning: listen: without tls", lines.First(l => l.Contains(":1:9:", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Contains("demarc.yaml:2:1: error: lisen: unknown key 'lisen'; did you mean 'listen'?", lines);
        Assert.Equal($"demarc.yaml: not usable, 1 error, 2 warnings, {result.Hash}", lines[^2]);

        var json = JsonDocument.Parse(ConfigReport.Json(result)).RootElement;
        var last = json.EnumerateArray().Last();
        Assert.Equal(["path", "line", "column", "severity", "message"], last.EnumerateObject().Select(p => p.Name));
        Assert.Equal(("lisen", 2, 1, "error"), (last.GetProperty("path").GetString(), last.GetProperty("line").GetInt32(), last.GetProperty("column").GetInt32(), last.GetProperty("severity").GetString()));
    }

    [Fact]
    public void No_damage_to_a_file_makes_reading_fail()
    {
        var example = System.Text.Encoding.UTF8.GetBytes(ConfigFolder.Example());
        var state = 20261122u;
        for (var round = 0; round < 3000; round++)
        {
            var bytes = example.ToArray();
            for (var edits = 1 + Next(4); edits > 0; edits--)
            {
                var at = Next(bytes.Length);
                bytes = Next(3) switch
                {
                    0 => [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + 1 + Next(20))..], (byte)'\n'],
                    1 => [.. bytes[..at], (byte)"{}[]:,-&*!|>'\"%@`#?\n\t \\\0\x7f"[Next(25)], .. bytes[at..]],
                    _ => [.. bytes[..at], .. bytes[Next(bytes.Length)..]],
                };
            }
            File.WriteAllBytes(_folder.ConfigPath, bytes);
            var result = _folder.Read();
            Assert.Equal(result.Config is null, result.Problems.Any(p => p.Severity is ConfigSeverity.Error));
        }

        int Next(int below)
        {
            state = (state * 1664525) + 1013904223;
            return (int)((state >> 8) % (uint)below);
        }
    }

    private static string Resource(string fields) => $"resources: [{{ {fields}, platform: foundry, {Credential} }}]";

    private static string Deployment(string fields) => Resource($"name: r, deployments: [{{ {fields} }}]");

    private static string Alias(string targets, string name = "a") =>
        Deployment("name: d, model: m, hosting: azure }, { name: longer-name, model: m, hosting: azure") + $"\naliases: {{ {name}: {targets} }}";
}
