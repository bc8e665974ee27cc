using System.Text.Json;
using Xunit;

namespace Demarc.Tests.Commands;

/// <summary>What an architect asks of a configuration before anything is served from it.</summary>
public sealed class WhereTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-where-").FullName;

    public WhereTests()
    {
        File.WriteAllText(Path.Combine(_folder, "upstream.key"), "upstream\n");
        Write("""
            agreements:
              - { name: anthropic-commercial, party: anthropic, zdr: { executed: 2026-01-01 } }
            resources:
              - name: contoso
                platform: foundry
                region: eastus2
                agreements: [anthropic-commercial]
                credential: { api_key: "${file:upstream.key}" }
                deployments:
                  - { name: sonnet-us, model: claude-sonnet-4-6, hosting: azure, scope: "data-zone:us" }
                  - { name: sonnet, model: claude-sonnet-4-6, hosting: anthropic, facts: { edge.logs: { value: metrics, reason: "Diagnostics are off", agreement: anthropic-commercial } } }
              - name: direct
                platform: anthropic
                agreements: [anthropic-commercial]
                credential: { api_key: "${file:upstream.key}" }
                deployments: [{ name: sonnet-4-6, model: claude-sonnet-4-6 }]
            aliases:
              best: { failover: any, tiers: [contoso/sonnet-us, contoso/sonnet, direct/sonnet-4-6] }
            policies:
              - match: { groups: [payments] }
                require: { zdr: true }
            """);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_fact_of_a_deployment_has_its_status_and_source_and_what_was_true_earlier()
    {
        var table = await DemarcCommand.DoneAsync(_folder, "where", "--config", "demarc.yaml");
        Assert.Contains("on-request or no (?)", table, StringComparison.Ordinal);
        Assert.Contains("contoso/sonnet-us", table, StringComparison.Ordinal);

        var facts = await DemarcCommand.DoneAsync(_folder, "where", "contoso/sonnet", "--config", "demarc.yaml");
        Assert.Contains("Diagnostics are off (resources[0].deployments[1].facts.edge.logs, anthropic-commercial; the catalog says metrics or content)", facts, StringComparison.Ordinal);
        Assert.Matches(@"storage +zdr +on-request or no +disputed +\d{4}-\d\d-\d\d +on-request: API and data retention, 2026-08-31", facts);
        Assert.Matches(@"2025-11-18 +2026-07-05 +storage.zdr +no +", facts);

        var json = JsonSerializer.Deserialize<JsonElement>(await DemarcCommand.DoneAsync(_folder, "where", "--config", "demarc.yaml", "--json"));
        Assert.Equal(3, json.GetArrayLength());
        foreach (var fact in json.EnumerateArray().SelectMany(d => d.GetProperty("hops").EnumerateArray()).SelectMany(h => h.GetProperty("facts").EnumerateArray()))
        {
            var status = fact.GetProperty("status").GetString();
            Assert.Equal(status is "unknown", fact.GetProperty("statements").GetArrayLength() == 0);
            Assert.All(fact.GetProperty("statements").EnumerateArray(), s => Assert.NotEqual(0, s.GetProperty("sources").GetArrayLength()));
        }
    }

    [Fact]
    public async Task The_decision_for_a_person_names_every_deployment_that_was_rejected_and_why()
    {
        await DemarcCommand.DoneAsync(_folder, "user", "create", "dana@contoso.example", "--name", "Dana", "--config", "demarc.yaml");
        await DemarcCommand.DoneAsync(_folder, "group", "create", "payments", "--config", "demarc.yaml");
        var free = await DemarcCommand.DoneAsync(_folder, "where", "--as", "dana@contoso.example", "--model", "best", "--config", "demarc.yaml");
        Assert.Contains("sent to contoso/sonnet-us", free, StringComparison.Ordinal);

        await DemarcCommand.DoneAsync(_folder, "group", "add", "payments", "dana@contoso.example", "--config", "demarc.yaml");
        var bound = await DemarcCommand.DoneAsync(_folder, "where", "--as", "dana@contoso.example", "--model", "best", "--config", "demarc.yaml");
        Assert.Contains("sent to direct/sonnet-4-6", bound, StringComparison.Ordinal);
        Assert.Matches(@"contoso/sonnet-us +no +zdr_deployment +policies\[0\]\.require\.zdr +storage\.zdr of .* is disputed", bound);
        var json = JsonSerializer.Deserialize<JsonElement>(await DemarcCommand.DoneAsync(_folder, "where", "--as", "dana@contoso.example", "--model", "best", "--config", "demarc.yaml", "--json"));
        Assert.Equal(["direct/sonnet-4-6"], json.GetProperty("plan").EnumerateArray().Select(d => d.GetString()));
        Assert.Equal(JsonValueKind.Null, json.GetProperty("refusal").ValueKind);
    }

    [Fact]
    public async Task The_decision_for_a_project_takes_its_classification_into_account()
    {
        Write(File.ReadAllText(Path.Combine(_folder, "demarc.yaml")).Replace("match: { groups: [payments] }", "match: { classifications: [restricted] }", StringComparison.Ordinal));
        string[] ask = ["where", "--as", "dana@contoso.example", "--model", "best", "--config", "demarc.yaml"];
        await DemarcCommand.DoneAsync(_folder, "user", "create", "dana@contoso.example", "--config", "demarc.yaml");
        await DemarcCommand.DoneAsync(_folder, "workspace", "create", "Research", "--config", "demarc.yaml");
        await DemarcCommand.DoneAsync(_folder, "project", "create", "atlas", "--classification", "restricted", "--workspace", "Research", "--config", "demarc.yaml");
        Assert.Contains("You are in no project \"atlas\"", await DemarcCommand.FailsAsync(1, _folder, [.. ask, "--project", "atlas"]), StringComparison.Ordinal);

        await DemarcCommand.DoneAsync(_folder, "group", "create", "payments", "--config", "demarc.yaml");
        await DemarcCommand.DoneAsync(_folder, "group", "add", "payments", "dana@contoso.example", "--config", "demarc.yaml");
        await DemarcCommand.DoneAsync(_folder, "project", "add", "atlas", "payments", "--config", "demarc.yaml");
        var bound = JsonSerializer.Deserialize<JsonElement>(await DemarcCommand.DoneAsync(_folder, [.. ask, "--project", "atlas", "--json"]));
        Assert.Equal(["direct/sonnet-4-6"], bound.GetProperty("plan").EnumerateArray().Select(d => d.GetString()));
        Assert.Equal(("atlas", "Research"), (bound.GetProperty("project").GetString(), bound.GetProperty("workspace").GetString()));
        Assert.Contains("sent to contoso/sonnet-us", await DemarcCommand.DoneAsync(_folder, ask), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("require: { zdr: true }", "require: { zdr: true, inference: [ue] }", "policies[0].require.inference[0]: unknown geography or region 'ue'", 1)]
    [InlineData("require: { zdr: true }", "require: { zdr: true, inference: [eu] }", "policies[0]: no deployment satisfies this policy", 0)]
    [InlineData("failover: any, ", "", "aliases.best: contoso/sonnet, direct/sonnet-4-6 does not take over", 0)]
    [InlineData("agreements: [anthropic-commercial]", "agreements: [anthropic-comercial]", "'anthropic-comercial' is not described under agreements", 0)]
    [InlineData("agreement: anthropic-commercial }", "agreement: nobody }", "unknown agreement 'nobody'", 1)]
    [InlineData("edge.logs:", "edge.logz:", "did you mean 'edge.logs'?", 1)]
    public async Task What_is_wrong_with_policies_and_places_is_found_with_its_line(string was, string becomes, string expected, int exitCode)
    {
        var yaml = File.ReadAllText(Path.Combine(_folder, "demarc.yaml"));
        Assert.Contains(was, yaml, StringComparison.Ordinal);
        Write(yaml.Replace(was, becomes, StringComparison.Ordinal));
        var result = await DemarcCommand.RunAsync(_folder, "config", "check", "demarc.yaml");
        Assert.Equal(exitCode, result.ExitCode);
        Assert.Matches($@"(?m)^demarc\.yaml:\d+:\d+: (error|warning): .*{System.Text.RegularExpressions.Regex.Escape(expected)}", result.Output);
    }

    [Fact]
    public async Task A_sound_configuration_has_no_problem()
    {
        var result = await DemarcCommand.RunAsync(_folder, "config", "check", "demarc.yaml");
        Assert.True(result.ExitCode == 0 && result.Output.Contains("good, 0 errors, 0 warnings", StringComparison.Ordinal), result.ToString());
    }

    private void Write(string yaml) => File.WriteAllText(Path.Combine(_folder, "demarc.yaml"), yaml);
}
