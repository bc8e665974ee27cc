using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Commands;

public sealed partial class ContractsTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-contracts-").FullName;

    public ContractsTests()
    {
        File.WriteAllText(Path.Combine(_folder, "upstream.key"), "upstream\n");
        File.WriteAllText(Path.Combine(_folder, "demarc.yaml"), """
            organization: { name: Contoso }
            agreements:
              - { name: anthropic-commercial, party: anthropic, category: "prompts, and outputs", scope: [anthropic], from: 2026-01-15, terms: "=2026-01", zdr: { executed: 2026-02-01 } }
              - { name: old-dpa, party: microsoft, from: 2020-01-01, until: 2021-01-01 }
            resources:
              - name: direct
                platform: anthropic
                agreements: [anthropic-commercial]
                credential: { api_key: "${file:upstream.key}" }
                deployments: [{ name: sonnet-us, model: claude-sonnet-4-6, scope: "data-zone:us" }]
              - name: azure
                platform: foundry
                region: swedencentral
                agreements: [old-dpa, anthropic-commercial]
                credential: { api_key: "${file:upstream.key}" }
                deployments: [{ name: sonnet, model: claude-sonnet-5, hosting: azure }]
            """);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_register_says_what_is_in_force_and_who_processes_without_an_agreement()
    {
        var shown = await DemarcCommand.RunAsync(_folder, "contracts", "--config", "demarc.yaml");
        Assert.Equal(0, shown.ExitCode);
        Assert.Matches("anthropic-commercial +anthropic .*in force +in force.*direct/sonnet-us", shown.Output);
        Assert.Matches("old-dpa +microsoft .*ended", shown.Output);
        // The agreement with Anthropic is scoped to its own platform, and the one with Microsoft has ended.
        Assert.Contains("azure/sonnet: anthropic processes (inference, storage, review), and no agreement with anthropic is in force", shown.Errors, StringComparison.Ordinal);
        Assert.Contains("azure/sonnet: microsoft processes (billing)", shown.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("direct/sonnet-us:", shown.Errors, StringComparison.Ordinal);

        var json = await DemarcCommand.JsonAsync(_folder, "contracts", "--config", "demarc.yaml");
        Assert.Equal("Contoso", json.GetProperty("organization").GetString());
        Assert.Contains("\"prompts, and outputs\"", await DoneAsync("--csv"), StringComparison.Ordinal);
        Assert.Contains(",'=2026-01,", await DoneAsync("--csv"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_GDPR_record_has_recipients_third_countries_and_time_limits()
    {
        var record = await DoneAsync("--format", "gdpr-article-30");
        Assert.Contains("| anthropic | running the model | content | us | yes: us | anthropic-commercial |", record, StringComparison.Ordinal);
        Assert.Contains("| anthropic | keeping content | content | us | yes: us | anthropic-commercial | not kept (zero data retention) |", record, StringComparison.Ordinal);
        Assert.Contains("| anthropic | keeping content | content | eu/swedencentral | no | none in force | 30 days |", record, StringComparison.Ordinal);
        Assert.Contains("possible: anywhere", record, StringComparison.Ordinal);
        Assert.Contains("Contoso", record, StringComparison.Ordinal);
        Assert.StartsWith("recipient,what for,", await DoneAsync("--format", "gdpr-article-30", "--csv"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_DORA_tables_have_all_their_columns()
    {
        var tables = (await DemarcCommand.JsonAsync(_folder, "contracts", "--config", "demarc.yaml", "--format", "dora")).EnumerateArray().ToArray();
        Assert.Equal([("B_02.01", 5), ("B_02.02", 18), ("B_05.01", 12), ("B_05.02", 7)], tables.Select(t => (t.GetProperty("name").GetString()!, t.GetProperty("columns").GetArrayLength())));
        Assert.All(tables, t => Assert.All(t.GetProperty("rows").EnumerateArray(), r => Assert.Equal(t.GetProperty("columns").GetArrayLength(), r.GetArrayLength())));
        var line = (await DoneAsync("--format", "dora")).Split("\r\n").Single(l => l.StartsWith("anthropic-commercial", StringComparison.Ordinal));
        Assert.Equal("anthropic-commercial,,anthropic,,,,2026-01-15,,,,,,US,No,,US,,", line);
    }

    [Fact]
    public async Task What_the_page_says_works()
    {
        foreach (var line in Shell().Match(File.ReadAllText(Repository.Path("docs", "contracts.md"))).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Assert.NotEmpty(await DoneAsync(line.Split(' ')[2..]));
    }

    private Task<string> DoneAsync(params string[] arguments) => DemarcCommand.DoneAsync(_folder, ["contracts", "--config", "demarc.yaml", .. arguments]);

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Shell();
}
