using System.Text.Json;
using Dapper;
using Demarc.Governance.Evidence;
using Demarc.Tests.Harness;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Demarc.Tests.Commands;

/// <summary><c>demarc alias</c> and <c>demarc models outdated</c> on a configuration with three ways to ask Sonnet.</summary>
public sealed class AliasCommandTests : IDisposable
{
    private const string Old = "main/claude-sonnet-4-5", New = "azure/claude-sonnet-5", Other = "main/claude-sonnet-4-6";

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-alias-").FullName;

    public AliasCommandTests()
    {
        File.WriteAllText(Path.Combine(_folder, "upstream.key"), "upstream\n");
        File.WriteAllText(Path.Combine(_folder, "demarc.yaml"), """
            resources:
              - name: main
                platform: anthropic
                credential: { api_key: "${file:upstream.key}" }
                deployments:
                  - { name: claude-sonnet-4-5, model: claude-sonnet-4-5 }
                  - { name: claude-sonnet-4-6, model: claude-sonnet-4-6 }
                  - { name: claude-opus-4-1, model: claude-opus-4-1-20250805 }
              - name: azure
                platform: foundry
                region: swedencentral
                credential: { api_key: "${file:upstream.key}" }
                deployments: [{ name: claude-sonnet-5, model: claude-sonnet-5, hosting: azure, scope: global }]
            aliases:
              pinned: [main/claude-sonnet-4-6]
            """);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_a_move_changes_is_shown_and_nothing_is_done_without_a_yes()
    {
        await DoneAsync("alias", "move", "sonnet", Old);
        var shown = await DoneAsync("alias", "move", "sonnet", New, "--dry-run");
        foreach (var text in new[] { $"sonnet: {Old} -> {New}", "claude-sonnet-4-5-20250929", "claude-sonnet-5", "storage.geography", "eu/swedencentral", "batches", "input USD per million" })
            Assert.Contains(text, shown, StringComparison.Ordinal);

        Assert.Contains("--yes", await FailsAsync("alias", "move", "sonnet", New), StringComparison.Ordinal);
        Assert.Equal(Old, await TargetsAsync());

        var preview = await JsonAsync("alias", "move", "sonnet", New, "--dry-run");
        Assert.Equal("alias_preview", Text(preview, "type"));
        var hosting = preview.GetProperty("changes").EnumerateArray().Single(c => Text(c, "fact") == "hosting");
        Assert.Equal(("anthropic", "azure"), (hosting.GetProperty("before")[0].GetString(), hosting.GetProperty("after")[0].GetString()));
        Assert.Equal(Old, await TargetsAsync());

        await DoneAsync("alias", "move", "sonnet", New, "--yes");
        Assert.Equal(New, await TargetsAsync());
        Assert.Contains("already", (await RunAsync("alias", "move", "sonnet", New)).Errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("y", New)]
    [InlineData("YES", New)]
    [InlineData("n", Old)]
    [InlineData("", Old)]
    public async Task Whoever_sits_at_a_terminal_is_asked_and_only_a_yes_moves(string typed, string then)
    {
        Component.Require(File.Exists("/usr/bin/script"), "script (util-linux) is not installed");
        await DoneAsync("alias", "move", "sonnet", Old);

        var asked = await Command.RunAsync(
            "bash", ["-c", $"printf '{typed}\\n' | script -qec \"dotnet '{DemarcCommand.Program}' alias move sonnet {New} --config demarc.yaml\" /dev/null"],
            _folder, DemarcCommand.Environment, TestContext.Current.CancellationToken);

        Assert.Contains("Do it? [y/N]", asked.Output, StringComparison.Ordinal);
        Assert.Equal((then == New ? 0 : 1, then), (asked.ExitCode, await TargetsAsync()));
    }

    [Fact]
    public async Task An_alias_over_the_name_of_a_deployment_shows_what_it_takes_from_whom()
    {
        var preview = await JsonAsync("alias", "move", "claude-sonnet-5", Other, "--dry-run");
        Assert.Equal(New, Assert.Single(preview.GetProperty("before").EnumerateArray()).GetString());
        Assert.Contains("--yes", await FailsAsync("alias", "move", "claude-sonnet-5", Other), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_stage_grows_is_promoted_and_rolled_back_and_each_step_is_on_record()
    {
        Assert.Contains("no alias sonnet", await FailsAsync("alias", "move", "sonnet", New, "--stage", "10%", "--yes"), StringComparison.Ordinal);
        await DoneAsync("alias", "move", "sonnet", Old);
        Assert.Contains("nothing else", await FailsAsync("alias", "rollback", "sonnet", "--yes"), StringComparison.Ordinal);
        Assert.Contains("nothing staged", await FailsAsync("alias", "promote", "sonnet", "--yes"), StringComparison.Ordinal);
        foreach (var wrong in new[] { "10", "0%", "100%", "0.01%", "-5%", "1e1%" })
            Assert.Contains("0.1% to 99.9%", await FailsAsync("alias", "move", "sonnet", New, $"--stage={wrong}", "--yes"), StringComparison.Ordinal);

        await DoneAsync("alias", "move", "sonnet", New, "--stage", "10%", "--yes");
        var staged = (await ListedAsync()).GetProperty("staged");
        Assert.Equal((Old, "10%", New), (await TargetsAsync(), Text(staged, "share"), staged.GetProperty("targets")[0].GetString()));
        await DoneAsync("alias", "move", "sonnet", New, "--stage", "25.5%", "--yes");
        await DoneAsync("alias", "rollback", "sonnet", "--yes");
        Assert.Equal((Old, JsonValueKind.Null), (await TargetsAsync(), (await ListedAsync()).GetProperty("staged").ValueKind));

        await DoneAsync("alias", "move", "sonnet", New, "--stage", "50%", "--yes");
        await DoneAsync("alias", "promote", "sonnet", "--yes");
        Assert.Equal(New, await TargetsAsync());
        await DoneAsync("alias", "rollback", "sonnet", "--yes");
        Assert.Equal(Old, await TargetsAsync());
        await DoneAsync("alias", "rollback", "sonnet", "--yes");
        Assert.Equal(New, await TargetsAsync());

        var moves = await MovesAsync();
        Assert.Equal(
            ["moved", "staged", "staged", "rolled_back", "staged", "promoted", "rolled_back", "rolled_back"],
            moves.Select(m => m.Fields["action"]));
        Assert.Equal(("100", "255", $"""["{New}"]"""), (moves[2].Fields["staged_per_mille_before"], moves[2].Fields["staged_per_mille_after"], moves[2].Fields["staged_after"]));
        Assert.Equal(($"""["{Old}"]""", $"""["{New}"]"""), (moves[5].Fields["targets_before"], moves[5].Fields["targets_after"]));
        Assert.All(moves, m => Assert.Equal(("cli", Environment.UserName), (m.Actor.Type, m.Actor.Id)));
    }

    [Fact]
    public async Task What_the_configuration_names_is_neither_moved_nor_rolled_back()
    {
        await DoneAsync("alias", "move", "sonnet", Old);
        foreach (var command in new string[][] { ["move", "pinned", Old], ["promote", "pinned"], ["rollback", "pinned"], ["move", "pinned", Old, "--stage", "5%"] })
            Assert.Contains("demarc.yaml:15", await FailsAsync(["alias", .. command, "--yes"]), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Outdated_lists_newer_versions_and_retirement_of_deployments_and_aliases()
    {
        await DoneAsync("alias", "move", "sonnet", Old);
        var rows = (await JsonAsync("models", "outdated")).EnumerateArray().ToArray();
        Assert.Equal(
            [Old, Other, "main/claude-opus-4-1", New, "pinned", "sonnet"],
            rows.Select(r => Text(r, "name")));
        var sonnet = rows[5];
        Assert.Equal(("alias", Old, "2026-09-29"), (Text(sonnet, "kind"), Text(sonnet, "deployment"), Text(sonnet, "retirement")));
        Assert.Contains("claude-sonnet-5", sonnet.GetProperty("newer").EnumerateArray().Select(m => m.GetString()));
        Assert.Equal("retired", Text(rows[2], "status"));
        Assert.Contains("was retired on 2026-08-05", Text(rows[2], "warning"), StringComparison.Ordinal);
        Assert.Contains("not before 2026-09-29", await DoneAsync("model", "outdated"), StringComparison.Ordinal);

        var check = await DemarcCommand.RunAsync(_folder, "config", "check", "demarc.yaml");
        Assert.Contains("demarc.yaml:8:1: warning: resources[0].deployments[2].model: main/claude-opus-4-1: claude-opus-4-1-20250805 was retired on 2026-08-05. Newer, on the same platform and hosting: claude-opus-5", check.Output, StringComparison.Ordinal);
    }

    private async Task<JsonElement> ListedAsync() => (await JsonAsync("alias", "list")).EnumerateArray().Single(a => Text(a, "name") == "sonnet");

    private async Task<string> TargetsAsync() => string.Join(",", (await ListedAsync()).GetProperty("targets").EnumerateArray().Select(t => t.GetString()));

    private async Task<EventRecord[]> MovesAsync()
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "data", "demarc.db")};Mode=ReadOnly;Pooling=False");
        var bodies = await connection.QueryAsync<byte[]>("SELECT body FROM records WHERE kind = 4 ORDER BY sequence");
        return [.. bodies.Select(b => JsonSerializer.Deserialize(b, RecordJson.Default.EventRecord)!).Where(e => e.Type == "demarc_alias_updated")];
    }

    private static string? Text(JsonElement element, string name) => element.GetProperty(name).GetString();

    private Task<Harness.CommandResult> RunAsync(params string[] arguments) => DemarcCommand.RunAsync(_folder, [.. arguments, "--config", "demarc.yaml"]);

    private Task<string> DoneAsync(params string[] arguments) => DemarcCommand.DoneAsync(_folder, [.. arguments, "--config", "demarc.yaml"]);

    private Task<JsonElement> JsonAsync(params string[] arguments) => DemarcCommand.JsonAsync(_folder, [.. arguments, "--config", "demarc.yaml"]);

    private Task<string> FailsAsync(params string[] arguments) => DemarcCommand.FailsAsync(1, _folder, [.. arguments, "--config", "demarc.yaml"]);
}
