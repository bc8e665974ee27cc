using System.Text.Json;
using Dapper;
using Demarc.Governance.Evidence;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Demarc.Tests.Commands;

/// <summary>Commands on a configuration that nothing has been served from.</summary>
public sealed class FreshStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-command-").FullName;

    public FreshStoreTests()
    {
        File.WriteAllText(Path.Combine(_folder, "upstream.key"), "upstream\n");
        File.WriteAllText(Path.Combine(_folder, "demarc.yaml"), """
            organization: { name: Contoso }
            resources:
              - name: main
                platform: anthropic
                credential: { api_key: "${file:upstream.key}" }
                deployments: [{ name: claude-haiku-4-5, model: claude-haiku-4-5-20251001 }]
            aliases:
              pinned: [main/claude-haiku-4-5]
            """);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_key_is_made_listed_shown_and_revoked()
    {
        await DoneAsync("user", "create", "Ana@Contoso.example", "--name", "Ana [Alvarez]");
        var made = await DemarcCommand.RunAsync(_folder, "key", "create", "--user", "ana@contoso.example", "--name", "laptop", "--expires", "90d", "--config", "demarc.yaml");
        Assert.Equal(0, made.ExitCode);
        Assert.Matches("^demarc_key_[0-9A-Za-z]{72}\n$", made.Output);
        Assert.Contains("not shown again", made.Errors, StringComparison.Ordinal);

        var listed = Assert.Single((await JsonAsync("key", "list")).EnumerateArray());
        var id = listed.GetProperty("id").GetString()!;
        Assert.Equal(("laptop", "inference", "ana@contoso.example", "active"), (Text(listed, "name"), Text(listed, "kind"), Text(listed, "owner"), Text(listed, "status")));
        Assert.Equal(JsonValueKind.Null, listed.GetProperty("created_by").ValueKind);
        Assert.InRange(listed.GetProperty("expires_at").GetDateTimeOffset(), TimeProvider.System.GetUtcNow().AddDays(89), TimeProvider.System.GetUtcNow().AddDays(91));
        foreach (var table in new[] { await DoneAsync("key", "list"), await DoneAsync("key", "show", id) })
        {
            Assert.Contains(id, table, StringComparison.Ordinal);
            Assert.DoesNotContain(made.Output.Trim()[30..], table, StringComparison.Ordinal);
        }

        await DoneAsync("key", "revoke", id);
        await DoneAsync("key", "revoke", id);
        Assert.Equal("archived", Text(await JsonAsync("key", "show", id), "status"));
        var json = await JsonAsync("key", "create", "--user", "ana@contoso.example", "--name", "robot", "--kind", "admin", "--expires", "2999-01-31");
        Assert.StartsWith("demarc_admin_", Text(json, "key"), StringComparison.Ordinal);
        Assert.Equal("2999-01-31T00:00:00.000Z", Text(json, "expires_at"));

        var actors = await ActorsAsync();
        Assert.Equal(1, actors.Count(a => a.Type == "platform_api_key_updated"));
        Assert.All(actors, a => Assert.Equal(("cli", Environment.UserName), (a.Actor.Type, a.Actor.Id)));
    }

    [Fact]
    public async Task People_accounts_and_groups_are_kept()
    {
        await DoneAsync("user", "create", "ana@contoso.example", "--role", "billing");
        await DoneAsync("service-account", "create", "ci");
        await DoneAsync("group", "create", "payments");
        await DoneAsync("group", "add", "payments", "ana@contoso.example", "ci");
        await DoneAsync("group", "remove", "payments", "ci");
        await DoneAsync("user", "deactivate", "ana@contoso.example");

        var user = Assert.Single((await JsonAsync("user", "list")).EnumerateArray());
        Assert.Equal(("billing", "inactive"), (Text(user, "role"), Text(user, "status")));
        Assert.Equal("ci", Text(Assert.Single((await JsonAsync("service-account", "list")).EnumerateArray()), "name"));
        Assert.Equal("inactive", Text(await JsonAsync("service-account", "deactivate", "ci"), "status"));
        Assert.Equal("active", Text(await JsonAsync("service-account", "activate", "ci"), "status"));
        Assert.Equal(["ana@contoso.example"], Assert.Single((await JsonAsync("group", "list")).EnumerateArray()).GetProperty("members").EnumerateArray().Select(m => m.GetString()));
        Assert.Contains("inactive", await FailsAsync(1, "key", "create", "--user", "ana@contoso.example", "--name", "x"), StringComparison.Ordinal);
        await DoneAsync("user", "activate", "ana@contoso.example");
        await DoneAsync("key", "create", "--user", "ana@contoso.example", "--name", "x");
    }

    [Fact]
    public async Task An_alias_is_moved_unless_the_configuration_has_it()
    {
        await DoneAsync("alias", "move", "fast@1", "main/claude-haiku-4-5");
        Assert.Equal(
            [("fast@1", "data"), ("pinned", "configuration")],
            (await JsonAsync("alias", "list")).EnumerateArray().Select(a => (Text(a, "name"), Text(a, "source"))));
        Assert.Contains("demarc.yaml:8", await FailsAsync(1, "alias", "move", "pinned", "main/claude-haiku-4-5"), StringComparison.Ordinal);
        Assert.Contains("demarc.yaml:8", await FailsAsync(1, "alias", "delete", "pinned"), StringComparison.Ordinal);
        Assert.Contains("main/claude-haiku-4-5", await FailsAsync(1, "alias", "move", "fast@1", "main/absent"), StringComparison.Ordinal);
        await DoneAsync("alias", "delete", "fast@1");
        Assert.Contains("alias list", await FailsAsync(1, "alias", "delete", "fast@1"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("user list")]
    [InlineData("key list")]
    [InlineData("key revoke apikey_absent")]
    [InlineData("alias list")]
    [InlineData("cost")]
    public async Task What_only_looks_makes_no_store(string command)
    {
        Assert.Contains("--data DIR", await FailsAsync(1, command.Split(' ')), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "data")) && Directory.GetFiles(Path.Combine(_folder, "data"), "*.db").Length > 0);
    }

    [Theory]
    [InlineData("key list", "demarc key create")]
    [InlineData("group list", "demarc group create")]
    [InlineData("service-account list", "demarc service-account create")]
    [InlineData("cost --by key --month 2020-01", "Nothing was spent in 2020-01")]
    public async Task Where_there_is_nothing_the_next_step_is_told(string command, string told)
    {
        await DoneAsync("user", "create", "ana@contoso.example");
        Assert.Contains(told, await FailsAsync(0, command.Split(' ')), StringComparison.Ordinal);
        Assert.Equal("[]", await DoneAsync([.. command.Split(' '), "--json"]));
    }

    [Theory]
    [InlineData("key create --user nobody@contoso.example --name x", "demarc user list")]
    [InlineData("key create --service-account nobody --name x", "demarc service-account list")]
    [InlineData("key create --name x", "--service-account")]
    [InlineData("key create --user ana@contoso.example --name x --expires never", "90d")]
    [InlineData("key create --user ana@contoso.example --name x --expires 2020-01-01", "ahead")]
    [InlineData("key create --user ana@contoso.example --name x --expires 0d", "90d")]
    [InlineData("key show demarc_key_canary", "not the key")]
    [InlineData("user create ana@contoso.example", "already")]
    [InlineData("user create nobody", "EMAIL")]
    [InlineData("user deactivate nobody", "demarc user list")]
    [InlineData("group add absent ana@contoso.example", "demarc group list")]
    [InlineData("cost --month July", "2026-07")]
    public async Task What_cannot_be_done_is_one_line_that_says_why(string command, string told)
    {
        await DoneAsync("user", "create", "ana@contoso.example");
        var line = await FailsAsync(1, command.Split(' '));
        Assert.Contains(told, line, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', line);
        Assert.DoesNotContain("canary", line, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("key")]
    [InlineData("key create --user a@b.example")]
    [InlineData("key create --user a@b.example --name x --kind root")]
    [InlineData("cost --by moon")]
    [InlineData("user create")]
    [InlineData("key list --jsn")]
    public async Task Wrong_usage_is_told_apart(string command) =>
        Assert.Contains("--help", await DemarcCommand.FailsAsync(2, _folder, command.Split(' ')), StringComparison.Ordinal);

    [Fact]
    public async Task A_store_whose_master_key_is_gone_is_left_alone()
    {
        await DoneAsync("user", "create", "ana@contoso.example");
        File.Delete(Path.Combine(_folder, "data", "master.key"));
        Assert.Contains("backup", await FailsAsync(1, "key", "create", "--user", "ana@contoso.example", "--name", "x"), StringComparison.Ordinal);
        Assert.False(File.Exists(Path.Combine(_folder, "data", "master.key")));
    }

    [Fact]
    public async Task A_configuration_is_checked()
    {
        Assert.Contains("demarc.yaml: good", await DemarcCommand.DoneAsync(_folder, "config", "check", "demarc.yaml"), StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_folder, "bad.yaml"), "listen: nowhere\nresource: []\n");
        var bad = await DemarcCommand.RunAsync(_folder, "config", "check", "bad.yaml");
        Assert.Equal(1, bad.ExitCode);
        Assert.Contains("bad.yaml:1:", bad.Output, StringComparison.Ordinal);
        Assert.Contains("bad.yaml:2:", bad.Output, StringComparison.Ordinal);
        var json = await DemarcCommand.RunAsync(_folder, "config", "check", "bad.yaml", "--json");
        Assert.Equal((1, 2), (json.ExitCode, JsonSerializer.Deserialize<JsonElement>(json.Output).EnumerateArray().Count(p => Text(p, "severity") == "error")));
        Assert.Contains("bad.yaml:2:", await DemarcCommand.FailsAsync(1, _folder, "user", "list", "--config", "bad.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_needs_no_store_is_told_without_one()
    {
        Assert.Matches(@"^\d+\.\d+\.\d+", await DemarcCommand.DoneAsync(_folder, "--version"));
        Assert.Contains("claude-haiku-4-5-20251001", await DemarcCommand.DoneAsync(_folder, "model", "list"), StringComparison.Ordinal);
        Assert.StartsWith("sha256:", Text(await DemarcCommand.JsonAsync(_folder, "catalog", "show"), "hash"), StringComparison.Ordinal);
        Assert.Equal("claude-haiku-4-5", Text(Assert.Single((await JsonAsync("resource", "list")).EnumerateArray()), "deployment"));
        Assert.Contains("--config FILE", await DemarcCommand.FailsAsync(1, _folder, "user", "list"), StringComparison.Ordinal);
        Assert.Contains("--config FILE", await DemarcCommand.FailsAsync(1, _folder, "serve"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "data")));
    }

    private Task<string> DoneAsync(params string[] arguments) => DemarcCommand.DoneAsync(_folder, [.. arguments, "--config", "demarc.yaml"]);

    private Task<JsonElement> JsonAsync(params string[] arguments) => DemarcCommand.JsonAsync(_folder, [.. arguments, "--config", "demarc.yaml"]);

    private Task<string> FailsAsync(int exitCode, params string[] arguments) => DemarcCommand.FailsAsync(exitCode, _folder, [.. arguments, "--config", "demarc.yaml"]);

    private async Task<EventRecord[]> ActorsAsync()
    {
        await using var connection = new SqliteConnection($"Data Source={_folder}/data/demarc.db;Pooling=false");
        return [.. (await connection.QueryAsync<byte[]>("SELECT body FROM records")).Select(b => JsonSerializer.Deserialize(b, RecordJson.Default.EventRecord)!)];
    }

    private static string Text(JsonElement value, string name) => value.GetProperty(name).GetString()!;
}
