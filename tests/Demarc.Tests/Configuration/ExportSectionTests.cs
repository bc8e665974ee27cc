using Demarc.Control.Configuration;
using Demarc.Control.Exports;
using Demarc.Governance.Boundaries;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Configuration;

public sealed class ExportSectionTests : IDisposable
{
    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_example_of_the_page_on_SIEMs_is_read_without_a_problem()
    {
        var page = File.ReadAllText(Repository.Path("docs", "siem.md"));

        var result = _folder.Read(page.Split("```yaml\n")[1].Split("```")[0]);

        Assert.DoesNotContain(result.Problems, p => p.Severity == ConfigSeverity.Error);
        Assert.Equal(["soc", "archive"], result.Config!.Exports.Select(e => e.Name));
        Assert.Equal(new Uri("https://contoso-audit.s3.eu-central-1.amazonaws.com"), Assert.IsType<S3Destination>(result.Config.Exports[1]).Url);
    }

    [Fact]
    public void Every_kind_has_what_is_written()
    {
        var exports = _folder.Read(ConfigFolder.Example()).Config!.Exports;

        Assert.Equal(["http", "splunk", "syslog", "cef", "azure-monitor", "file", "azure-blob", "s3", "s3"], exports.Select(e => e.Kind));
        var http = (HttpDestination)exports[0];
        Assert.Equal((ConfigFolder.Canary + "-variable", new Uri("http://proxy.contoso.example:3128")), (http.Headers[0].Value.Reveal(), http.Place.Proxy!));
        Assert.Equal(new DateTimeOffset(2026, 11, 1, 0, 0, 0, TimeSpan.Zero).ToUnixTimeMilliseconds(), exports[1].From);
        Assert.Contains("BEGIN CERTIFICATE", ((SyslogDestination)exports[2]).CertificateAuthorities, StringComparison.Ordinal);
        Assert.Equal(("https://monitor.azure.com/.default", (UpstreamCredential)new AzureCredential(null)), (((MonitorDestination)exports[4]).Place.Service, ((MonitorDestination)exports[4]).Place.Credential!));
        Assert.Equal((Path.Combine(_folder.Root, "data/activities.ndjson"), 100L << 20), (((FileDestination)exports[5]).Path, ((FileDestination)exports[5]).RotateAt));
        Assert.Equal(("prod/", "contosoaudit"), (((BlobDestination)exports[6]).Prefix, ((BlobDestination)exports[6]).Account));
        Assert.Equal(new Uri("https://objects.contoso.example/audit"), ((S3Destination)exports[8]).Url);
        // Nobody prints a secret by printing a destination.
        Assert.DoesNotContain(exports, e => e.ToString()!.Contains(ConfigFolder.Canary, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("{ to: http, url: https://a.example }", "exports[0].name", "required")]
    [InlineData("{ name: x, url: https://a.example }", "exports[0].to", "required")]
    [InlineData("{ name: x, to: kafka }", "exports[0].to", "unknown kind of destination 'kafka'")]
    [InlineData("{ name: x, to: http, url: http://siem.example }", "exports[0].url", "in the clear")]
    [InlineData("{ name: x, to: http, url: https://a.example, body: xml }", "exports[0].body", "unknown form 'xml'")]
    [InlineData("{ name: x, to: http, url: https://a.example, headers: { Content-Type: \"${FOUNDRY_KEY}\" } }", "exports[0].headers.Content-Type", "no header that can be set")]
    [InlineData("{ name: x, to: http, url: https://a.example, headers: { A: \"${NOT_SET}\" } }", "exports[0].headers.A", "NOT_SET is not set")]
    [InlineData("{ name: x, to: http, url: https://a.example, token: y }", "exports[0].token", "unknown key 'token'")]
    [InlineData("{ name: x, to: splunk, url: https://a.example }", "exports[0].token", "required")]
    [InlineData("{ name: x, to: syslog, server: siem.example }", "exports[0].server", "HOST:PORT")]
    [InlineData("{ name: x, to: syslog, server: siem.example:1, tls: maybe }", "exports[0].tls", "'maybe' is neither; accepted: true, false")]
    [InlineData("{ name: x, to: azure-monitor, endpoint: https://a.example, rule: r, stream: s, credential: { azure: default } }", "exports[0].rule", "'r' is no immutable id")]
    [InlineData("{ name: x, to: file, path: a, rotate_at: 1 }", "exports[0].rotate_at", "'1' is no size")]
    [InlineData("{ name: x, to: file, path: a, keep: -1 }", "exports[0].keep", "'-1' is no number of files")]
    [InlineData("{ name: x, to: azure-blob, url: https://a.example, credential: { account_key: \"${FOUNDRY_KEY}\" } }", "exports[0].credential.account_key", "not base64")]
    [InlineData("{ name: x, to: s3, bucket: audit, region: eu-central-1, prefix: ../x, credential: { aws: default } }", "exports[0].prefix", "is no prefix")]
    [InlineData("{ name: x, to: s3, bucket: audit, region: eu-central-1, prefix: \"a b\", credential: { aws: default } }", "exports[0].prefix", "'a b' is no prefix")]
    [InlineData("{ name: x, to: s3, bucket: audit, region: eu-central-1, credential: { access_key_id: a } }", "exports[0].credential.secret_access_key", "required")]
    [InlineData("{ name: x, to: file, path: a, from: yesterday }", "exports[0].from", "'yesterday' is no time")]
    [InlineData("{ name: x, to: file, path: a, activity_types: [A b] }", "exports[0].activity_types[0]", "'A b' is no activity type")]
    [InlineData("{ name: x, to: file, path: a, activity_types: [a], exclude_activity_types: [b] }", "exports[0].exclude_activity_types", "one of both")]
    [InlineData("{ name: x, to: file, path: a }, { name: x, to: file, path: b }", "exports[1]", "names a destination already")]
    public void What_is_wrong_is_said_with_its_place(string items, string path, string words)
    {
        var problems = _folder.Read($"exports: [{items}]").Problems.Where(p => p.Severity == ConfigSeverity.Error).ToArray();

        Assert.Contains(problems, p => p.Path == path && p.Message.Contains(words, StringComparison.Ordinal));
        Assert.DoesNotContain(problems, p => p.Message.Contains(ConfigFolder.Canary, StringComparison.Ordinal));
    }
}
