using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Commands;

public sealed partial class AdviseTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-advise-").FullName;

    public AdviseTests()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "docs"));
        File.Copy(Repository.Path("docs", "requirements.example.yaml"), Path.Combine(_folder, "docs", "requirements.example.yaml"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_the_page_says_works()
    {
        var page = File.ReadAllText(Repository.Path("docs", "advise.md"));
        foreach (var line in Shell().Match(page).Groups[1].Value.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            Assert.NotEmpty(await DemarcCommand.DoneAsync(_folder, line.Split(" > ")[0].Split(' ')[1..]));
        File.WriteAllText(Path.Combine(_folder, "page.yaml"), Yaml().Match(page).Groups[1].Value);
        Assert.Contains("foundry-azure", await DemarcCommand.DoneAsync(_folder, "advise", "page.yaml", "--json"), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_requirement_there_is_stands_on_the_page()
    {
        var known = JsonSerializer.Deserialize<JsonElement>(File.ReadAllText(Repository.Path("catalog", "ways.json"))).GetProperty("requirements");
        var page = File.ReadAllText(Repository.Path("docs", "advise.md"));
        Assert.All(known.EnumerateArray(), r => Assert.Contains($"`{r.GetProperty("key").GetString()}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Every_verdict_has_a_reason_and_a_dated_source()
    {
        var ways = (await DemarcCommand.JsonAsync(_folder, "advise", "docs/requirements.example.yaml")).GetProperty("ways").EnumerateArray().ToArray();
        Assert.Equal(14, ways.Length);
        foreach (var verdict in ways.SelectMany(w => w.GetProperty("requirements").EnumerateArray()))
        {
            Assert.NotEmpty(verdict.GetProperty("why").GetString()!);
            Assert.All(verdict.GetProperty("sources").EnumerateArray(), s => Assert.Matches("^20[0-9]{2}-", s.GetProperty("date").GetString()));
            Assert.True(verdict.GetProperty("sources").GetArrayLength() >= (verdict.GetProperty("verdict").GetString() == "disputed" ? 2 : 1));
        }
        var zdr = ways.Single(w => w.GetProperty("id").GetString() == "foundry-azure" && !w.GetProperty("behind_demarc").GetBoolean())
            .GetProperty("requirements").EnumerateArray().Single(r => r.GetProperty("key").GetString() == "zdr");
        Assert.Equal("disputed", zdr.GetProperty("verdict").GetString());
        var markdown = await DemarcCommand.DoneAsync(_folder, "advise", "docs/requirements.example.yaml", "--markdown");
        Assert.Contains("| Microsoft Foundry, hosted on Azure | disputed |", markdown, StringComparison.Ordinal);
        Assert.Contains("](https://platform.claude.com/docs/en/manage-claude/api-and-data-retention), 2026-08-31", markdown, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("seat: 5", "1:1: seat: unknown key 'seat'; did you mean 'seats'?")]
    [InlineData("seats: many", "1:8: seats: 'many' is no whole number above zero")]
    [InlineData("zdr: perhaps", "accepted: true, false")]
    [InlineData("inference: [europe]", "unknown inference 'europe'")]
    [InlineData("processor: micrsoft", "did you mean 'microsoft'?")]
    [InlineData("zdr: false", "nothing is required")]
    [InlineData("", "nothing is required")]
    [InlineData("- zdr", "a mapping is accepted")]
    public async Task What_cannot_be_read_is_refused_with_its_place(string yaml, string told) =>
        Assert.Contains(told, await FailsAsync(yaml), StringComparison.Ordinal);

    [Fact]
    public async Task A_file_or_a_way_that_is_not_there_is_told()
    {
        Assert.Contains("absent.yaml", await DemarcCommand.FailsAsync(1, _folder, "advise", "absent.yaml"), StringComparison.Ordinal);
        Assert.Contains("foundry-azure", await DemarcCommand.FailsAsync(1, _folder, "advise", "docs/requirements.example.yaml", "--way", "azure"), StringComparison.Ordinal);
    }

    private async Task<string> FailsAsync(string yaml)
    {
        File.WriteAllText(Path.Combine(_folder, "wrong.yaml"), yaml);
        return await DemarcCommand.FailsAsync(1, _folder, "advise", "wrong.yaml");
    }

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Shell();

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Yaml();
}
