using System.Net;
using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Npgsql;
using Xunit;

namespace Demarc.Tests.Configuration;

public sealed class ConfigExampleTests : IDisposable
{
    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_documented_example_is_read_without_a_problem()
    {
        var result = _folder.Read(ConfigFolder.Example());

        Assert.Empty(result.Problems);
        var config = result.Config!;
        Assert.Equal("0.0.0.0:8443", Assert.Single(config.Listen).ToString());
        Assert.Equal(new Uri("https://claude.contoso.example"), config.PublicUrl);
        Assert.Equal(_folder.Tls with { ClientAuthorities = Path.Combine(_folder.Root, "tls/client-ca.pem"), ClientRevocations = Path.Combine(_folder.Root, "tls/client.crl") }, config.Tls);
        Assert.Equal("10.0.0.0/8", Assert.Single(config.TrustedProxies).ToString());
        Assert.Equal("127.0.0.1:8444", Assert.Single(config.AdminListen).ToString());
        Assert.Null(config.Network.Refuse(IPAddress.Parse("10.1.2.3"), "it"));
        Assert.Equal("network_rules[0]", config.Network.Refuse(IPAddress.Parse("10.1.99.3"), "it")!.Rule);
        Assert.Equal("resources[0].network_rules", config.Resources[0].Network.Refuse(IPAddress.Parse("10.2.0.1"), "it")!.Rule);
        Assert.Equal(Path.Combine(_folder.Root, "data/content"), config.ContentDirectory);
        Assert.Equal(Convert.ToBase64String(new byte[32]), config.MasterKey!.Reveal());
        Assert.Equal(Path.Combine(_folder.Root, "catalog.json"), config.CatalogPath);
        Assert.Equal(32 << 20, config.MaxBodyBytes);
        Assert.Equal("Contoso", config.OrganizationName);
        Assert.Equal(new LogConfig(false, new WitnessFile("/mnt/write-once/demarc-checkpoints.txt"), TimeSpan.FromHours(1)), config.Log);
        Assert.Equal(
            [
                ("contoso-eastus2", Platform.Foundry), ("anthropic-main", Platform.Anthropic), ("foundry-entra", Platform.Foundry),
                ("claude-aws", Platform.AnthropicAws), ("bedrock-us", Platform.Bedrock), ("bedrock-key", Platform.Bedrock), ("google-eu", Platform.Vertex),
            ],
            config.Resources.Select(r => (r.Name, r.Platform)));
        Assert.Equal(new AzureCredential(null), config.Resources[2].Credential);
        Assert.Equal(new Uri("http://proxy.contoso.example:3128"), config.Resources[2].Proxy);
        Assert.Contains("BEGIN CERTIFICATE", config.Resources[2].CertificateAuthorities, StringComparison.Ordinal);
        Assert.Equal("wrkspc_01AbCdEf23GhIj", config.Resources[3].Workspace);
        Assert.Equal(new AwsCredential("arn:aws:iam::123456789012:role/claude", "contoso"), config.Resources[4].Credential);
        Assert.Equal(new GoogleCredential(Path.Combine(_folder.Root, "secrets/google.json")), config.Resources[6].Credential);
        Assert.Equal((TimeSpan.FromHours(12), TimeSpan.FromHours(1)), (config.Identity!.Session, config.Identity.AccessToken));
        var issuer = Assert.Single(config.Identity.Issuers);
        Assert.Equal(("contoso", new Uri("https://login.contoso.example"), "demarc", "groups", "email"), (issuer.Name, issuer.Issuer, issuer.ClientId, issuer.Groups, issuer.Email));
        Assert.Equal(["claude-developers"], issuer.AllowedGroups);
        Assert.Equal("""{"permissions":{"deny":["Read(./.env)"]},"cleanupPeriodDays":7}""", config.Policies[1].Settings);
        Assert.Equal("""{"disableAutoUpdates":true}""", config.Policies[1].Desktop);
        Assert.Equal(new BillingConfig("EUR", 920_000_000, 1), config.Billing);
        Assert.False(config.NamesPeople);
        Assert.Equal([500_000_000_000_000, 100_000_000_000_000], config.Commitments.Select(c => c.AmountNano));
        Assert.Equal(120_000_000_000_000, config.Commitments[0].DrawnElsewhereNano);
        Assert.Equal([0, 12_500], config.Resources[0].Rates.Select(r => r.DiscountPerHundredThousand));
        Assert.Equal((2_400_000_000L, 8_000_000_000_000L), (config.Resources[0].Rates[0].Price!.Value.Input, config.Resources[0].Rates[0].WebSearch));
        Assert.Equal(ConfigFolder.Canary + "-variable", ((KeyCredential)config.Resources[0].Credential).Key.Reveal());
        Assert.Equal(ConfigFolder.Canary + "-file", ((KeyCredential)config.Resources[1].Credential).Key.Reveal());
        var azure = config.Resources[0].Deployments[1];
        Assert.Equal(new DeploymentConfig("sonnet-us", "claude-sonnet-4-6", "data-zone:us", Hosting.Azure, azure.Line) { RateLimit = new(600, 2_000_000, null), Facts = azure.Facts }, azure);
        Assert.Equal(("edge.private_network", "Private endpoint pe-claude"), (Assert.Single(azure.Facts).Fact.ToString(), azure.Facts[0].Reason));
        Assert.Equal(new DeploymentConfig("claude-sonnet-4-6", "claude-sonnet-4-6", "global", Hosting.Anthropic, config.Resources[1].Deployments[0].Line), config.Resources[1].Deployments[0]);
        Assert.Equal(
            [
                new AliasTargetConfig("contoso-eastus2/claude-sonnet-4-6", 0, 3),
                new AliasTargetConfig("contoso-eastus2/sonnet-us", 1, 1),
                new AliasTargetConfig("anthropic-main/claude-sonnet-4-6", 1, 2),
            ],
            config.Aliases[0].Targets);
        Assert.Equal(CaptureMode.None, config.Policies[1].Capture);
        Assert.Equal(["sonnet", "claude-haiku-4-5-20251001"], config.Policies[1].Models!);
    }

    [Theory]
    [InlineData("zzzzzzzz: 1", "")]
    [InlineData("tls: { zzzzzzzz: 1 }", "tls.")]
    [InlineData("organization: { zzzzzzzz: 1 }", "organization.")]
    [InlineData("identity: { zzzzzzzz: 1 }", "identity.")]
    [InlineData("identity: { issuers: [{ zzzzzzzz: 1 }] }", "")]
    [InlineData("log: { zzzzzzzz: 1 }", "log.")]
    [InlineData("billing: { zzzzzzzz: 1 }", "billing.")]
    [InlineData("reports: { zzzzzzzz: 1 }", "reports.")]
    [InlineData("commitments: [{ zzzzzzzz: 1 }]", "commitments.")]
    [InlineData("network_rules: [{ zzzzzzzz: 1 }]", "")]
    [InlineData("resources: [{ zzzzzzzz: 1 }]", "")]
    [InlineData("resources: [{ credential: { zzzzzzzz: 1 } }]", "credential.")]
    [InlineData("resources: [{ deployments: [{ zzzzzzzz: 1 }] }]", "")]
    [InlineData("resources: [{ rates: [{ zzzzzzzz: 1 }] }]", "")]
    [InlineData("policies: [{ zzzzzzzz: 1 }]", "")]
    [InlineData("policies: [{ match: { zzzzzzzz: 1 } }]", "match.")]
    [InlineData("policies: [{ require: { zzzzzzzz: 1 } }]", "require.")]
    [InlineData("policies: [{ deny: { zzzzzzzz: 1 } }]", "deny.")]
    [InlineData("policies: [{ limits: [{ zzzzzzzz: 1 }] }]", "limits.")]
    [InlineData("policies: [{ rates: [{ zzzzzzzz: 1 }] }]", "rates.")]
    [InlineData("refusals: { zzzzzzzz: 1 }", "refusals.")]
    [InlineData("alerts: { zzzzzzzz: 1 }", "alerts.")]
    [InlineData("alerts: { webhooks: [{ zzzzzzzz: 1 }] }", "alerts.webhooks.")]
    [InlineData("alerts: { email: { zzzzzzzz: 1 } }", "alerts.email.")]
    [InlineData("agreements: [{ zzzzzzzz: 1 }]", "")]
    [InlineData("metrics: { zzzzzzzz: 1 }", "metrics.")]
    [InlineData("metrics: { otlp: { zzzzzzzz: 1 } }", "metrics.otlp.")]
    [InlineData("store_credential: { zzzzzzzz: 1 }", "store_credential.")]
    [InlineData("exports: [{ name: x, to: http, zzzzzzzz: 1 }]", "")]
    [InlineData("exports: [{ name: x, to: splunk, zzzzzzzz: 1 }]", "")]
    [InlineData("exports: [{ name: x, to: syslog, zzzzzzzz: 1 }]", "")]
    [InlineData("exports: [{ name: x, to: cef, zzzzzzzz: 1 }]", "")]
    [InlineData("exports: [{ name: x, to: azure-monitor, zzzzzzzz: 1 }]", "")]
    [InlineData("exports: [{ name: x, to: file, zzzzzzzz: 1 }]", "")]
    [InlineData("exports: [{ name: x, to: azure-blob, zzzzzzzz: 1 }]", "")]
    [InlineData("exports: [{ name: x, to: s3, zzzzzzzz: 1 }]", "")]
    [InlineData("aliases: { a: { zzzzzzzz: 1 } }", "")]
    [InlineData("retention: { zzzzzzzz: 1 }", "retention.")]
    [InlineData("zero_retention: { zzzzzzzz: 1 }", "zero_retention.")]
    [InlineData("policies: [{ retention: { zzzzzzzz: 1 } }]", "retention.")]
    public void Every_accepted_key_is_in_the_example_and_documented(string yaml, string prefix)
    {
        const string list = "; accepted: ";
        var message = _folder.Read(yaml).Problems.Single(p => p.Message.StartsWith("unknown key", StringComparison.Ordinal)).Message;
        var page = ConfigFolder.Page();

        foreach (var key in message[(message.IndexOf(list, StringComparison.Ordinal) + list.Length)..].Split(", "))
        {
            Assert.Matches($@"(^|[\s{{]){key}:", ConfigFolder.Example());
            Assert.Contains(page.Split("## Every key")[1].Split('`'), word => word == prefix + key || word.StartsWith($"{prefix}{key}.", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_referenced_database_password_reaches_the_server_as_it_is()
    {
        var store = Assert.IsType<PostgresStoreConfig>(_folder.Read(ConfigFolder.Example()).Config!.Store);

        Assert.Equal("postgres://demarc@db.contoso.example:5432/demarc", store.Address);
        var connection = new NpgsqlConnectionStringBuilder(store.ConnectionString.Reveal());
        Assert.Equal(
            ("db.contoso.example", 5432, "demarc", "demarc", _folder.Variables["DATABASE_PASSWORD"], SslMode.VerifyFull),
            (connection.Host, connection.Port, connection.Username, connection.Database, connection.Password, connection.SslMode));
    }

    [Theory]
    [InlineData("")]
    [InlineData("# nothing yet\n")]
    [InlineData("tls:\nresources: ~\naliases: null\n")]
    public void An_empty_file_has_the_defaults_and_a_warning(string yaml)
    {
        var result = _folder.Read(yaml);

        Assert.Contains("no resources", Assert.Single(result.Problems).Message, StringComparison.Ordinal);
        Assert.Equal("127.0.0.1:8443", Assert.Single(result.Config!.Listen).ToString());
        Assert.Equal(new SqliteStoreConfig(Path.Combine(_folder.Root, "data", "demarc.db")), result.Config.Store);
        Assert.Equal(33554432, result.Config.MaxBodyBytes);
    }

    [Fact]
    public void Endpoints_follow_from_the_platform()
    {
        var config = _folder.Read("""
            resources:
              - { name: contoso, platform: foundry, credential: { api_key: "${FOUNDRY_KEY}" } }
              - { name: direct, platform: anthropic, credential: { api_key: "${FOUNDRY_KEY}" } }
              - { name: aws, platform: anthropic-aws, region: us-west-2, workspace: wrkspc_1, credential: { aws: default } }
              - { name: bedrock, platform: bedrock, region: eu-west-1, credential: { aws: default } }
              - { name: mantle, platform: bedrock, api: messages, region: eu-west-1, credential: { aws: default } }
              - { name: google, platform: vertex, region: europe-west1, project: p, credential: { google: default } }
              - { name: google-global, platform: vertex, region: global, project: p, credential: { google: default } }
              - { name: google-eu, platform: vertex, region: eu, project: p, credential: { google: default } }
              - { name: local, platform: anthropic, endpoint: "http://127.0.0.1:9/base/", credential: { api_key: "${FOUNDRY_KEY}" } }
            """).Config!;

        Assert.Equal(
            ["https://contoso.services.ai.azure.com/anthropic", "https://api.anthropic.com/", "https://aws-external-anthropic.us-west-2.api.aws/",
                "https://bedrock-runtime.eu-west-1.amazonaws.com/", "https://bedrock-mantle.eu-west-1.api.aws/anthropic",
                "https://europe-west1-aiplatform.googleapis.com/", "https://aiplatform.googleapis.com/", "https://aiplatform.eu.rep.googleapis.com/",
                "http://127.0.0.1:9/base"],
            config.Resources.Select(r => r.Endpoint.AbsoluteUri));
    }

    [Theory]
    [InlineData("localhost:0", "127.0.0.1", 0)]
    [InlineData("[::1]:8443", "::1", 8443)]
    [InlineData("0.0.0.0:65535", "0.0.0.0", 65535)]
    public void Addresses_to_listen_on_are_read(string written, string host, int port) =>
        Assert.Equal(new ListenConfig(host, port), Assert.Single(_folder.Read($"listen: '{written}'").Config!.Listen));

    [Theory]
    [InlineData("33554432", 33554432)]
    [InlineData("64 MiB", 64 << 20)]
    [InlineData("1GiB", 1 << 30)]
    [InlineData("1KiB", 1024)]
    public void Sizes_are_read(string written, long bytes) =>
        Assert.Equal(bytes, _folder.Read($"max_body_bytes: {written}").Config!.MaxBodyBytes);

    [Fact]
    public void The_hash_is_over_the_file_as_written_and_not_over_its_secrets()
    {
        var first = _folder.Read(ConfigFolder.Example()).Hash;
        _folder.Variables["FOUNDRY_KEY"] = "another";
        Assert.Equal(first, _folder.Read().Hash);
        Assert.Equal("sha256:", first[..7]);
        Assert.NotEqual(first, _folder.Read(ConfigFolder.Example() + "# a comment\n").Hash);
        Assert.Equal("sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", _folder.Read("foo").Hash);
    }

    [Fact]
    public void Printing_the_configuration_shows_no_secret()
    {
        var result = _folder.Read(ConfigFolder.Example() + "\n");
        var config = result.Config!;
        var master = config.MasterKey!.Reveal();

        var printed = string.Join('\n',
            [
                config.ToString(), JsonSerializer.Serialize(config), JsonSerializer.Serialize<object>(config.Store),
                config.Store.ToString(), .. config.Resources.Select(r => r.ToString()),
                JsonSerializer.Serialize(result), ConfigReport.Text("demarc.yaml", result),
            ]);

        Assert.Contains("contoso-eastus2", printed, StringComparison.Ordinal);
        Assert.Contains("***", printed, StringComparison.Ordinal);
        Assert.DoesNotContain(ConfigFolder.Canary, printed, StringComparison.Ordinal);
        Assert.DoesNotContain(master, printed, StringComparison.Ordinal);
    }
}
