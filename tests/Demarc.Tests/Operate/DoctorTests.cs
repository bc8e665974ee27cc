using System.Text.Json;
using Demarc.Simulator;
using Demarc.Tests.Commands;
using Demarc.Tests.Exports;
using Demarc.Tests.Harness;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Demarc.Tests.Operate;

public sealed class DoctorTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-doctor-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_holds_is_said_and_what_does_not_is_said_with_what_to_do()
    {
        await using var simulator = await SimulatorHost.StartAsync();
        await using var collector = await Collector.StartAsync();
        await using var issuer = await Collector.StartAsync();
        // A proxy before Demarc that takes no large requests, and an issuer that says it is another.
        await using var ingress = await Collector.StartAsync();
        ingress.Answer = (http, _) => { http.Response.StatusCode = 413; return Task.CompletedTask; };
        issuer.Answer = (http, _) => http.Response.WriteAsync("""{"issuer":"https://somebody.example"}""");
        var closed = Ports.Free();
        await File.WriteAllTextAsync(Path.Combine(_folder, "demarc.yaml"), $$"""
            public_url: {{ingress.Url}}
            identity: { issuers: [ { name: it, issuer: "{{issuer.Url}}", client_id: demarc, client_secret: "${file:key}", allowed_groups: ["*"] } ] }
            resources:
              - { name: up, platform: anthropic, endpoint: "{{simulator.Url}}", credential: { api_key: "${file:key}" }, deployments: [ { name: m, model: claude-sonnet-4-6 } ] }
              - { name: down, platform: anthropic, endpoint: "http://127.0.0.1:{{closed}}", credential: { api_key: "${file:key}" }, deployments: [ { name: m, model: claude-sonnet-4-6 } ] }
            exports:
              - { name: soc, to: http, url: "{{collector.Url}}in", headers: { Authorization: "${file:key}" } }
              - { name: log, to: syslog, server: "127.0.0.1:{{closed}}", tls: false }
            """, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "key"), "canary-of-the-key", TestContext.Current.CancellationToken);

        var result = await DemarcCommand.RunAsync(_folder, "doctor", "--config", "demarc.yaml", "--data", "data", "--json");

        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("4 checks failed.", result.Errors, StringComparison.Ordinal);
        var findings = JsonSerializer.Deserialize<JsonElement>(result.Output).EnumerateArray().ToDictionary(f => (Text(f, "check"), Text(f, "subject")), f => f);
        Assert.Equal("good", Text(findings[("upstream", "up")], "status"));
        Assert.Equal("failed", Text(findings[("upstream", "down")], "status"));
        Assert.Contains("way out", Text(findings[("upstream", "down")], "fix"), StringComparison.Ordinal);
        Assert.Contains("https://somebody.example", Text(findings[("identity", "it")], "detail"), StringComparison.Ordinal);
        Assert.Equal("good", Text(findings[("export", "soc")], "status"));
        Assert.Equal("failed", Text(findings[("export", "log")], "status"));
        Assert.Contains("HTTP 413", Text(findings[("ingress", "127.0.0.1")], "detail"), StringComparison.Ordinal);
        Assert.Contains("max_body_bytes", Text(findings[("ingress", "127.0.0.1")], "fix"), StringComparison.Ordinal);
        Assert.Equal("good", Text(findings.Single(f => f.Key.Item1 == "clock").Value, "status"));
        Assert.Equal("warning", Text(findings.Single(f => f.Key.Item1 == "store").Value, "status"));
        // Nothing that anyone could keep: no key, and nothing to answer.
        Assert.All(collector.Taken.Concat(issuer.Taken).Concat(ingress.Taken), t => Assert.DoesNotContain("canary", string.Concat(t.Headers.Values) + t.Body, StringComparison.Ordinal));
        Assert.DoesNotContain(simulator.Log.Read(0), r => r.Headers.Any(h => h.Value.Contains("canary", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_request_as_large_as_sessions_make_them_reaches_a_serving_gateway()
    {
        await using var gateway = await GatewayFixture.StartAsync("listen: 127.0.0.1:0\nresources: []\n");
        await File.WriteAllTextAsync(Path.Combine(_folder, "demarc.yaml"), $"public_url: {gateway.Url}\n", TestContext.Current.CancellationToken);

        var findings = await DemarcCommand.JsonAsync(_folder, "doctor", "--config", "demarc.yaml", "--data", "data");

        var ingress = findings.EnumerateArray().Single(f => Text(f, "check") == "ingress");
        Assert.Equal(("good", "a request of 20 MiB reaches Demarc"), (Text(ingress, "status"), Text(ingress, "detail")));
    }

    private static string Text(JsonElement finding, string name) => finding.GetProperty(name).GetString()!;
}
