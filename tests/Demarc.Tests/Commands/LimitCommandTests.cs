using System.Text.Json;
using Xunit;

namespace Demarc.Tests.Commands;

/// <summary><c>demarc limit</c>, run as an operator runs it.</summary>
public sealed class LimitCommandTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-limit-").FullName;

    public LimitCommandTests() => File.WriteAllText(Path.Combine(_folder, "demarc.yaml"), """
        organization: { name: Contoso }
        resources:
          - name: main
            platform: anthropic
            credential: { api_key: x }
            deployments: [{ name: claude-haiku-4-5, model: claude-haiku-4-5-20251001 }]
        policies:
          - limits: [ { per: pool, period: monthly, amount_usd: "2000.00", mode: hard, resource: main } ]
        """);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task A_limit_is_set_on_every_scope_listed_and_removed()
    {
        await DoneAsync("user", "create", "ada@contoso.example");
        await DoneAsync("group", "create", "contractors");
        await DoneAsync("workspace", "create", "research");
        await DoneAsync("project", "create", "atlas");
        var key = await DemarcCommand.JsonAsync(_folder, "key", "create", "--user", "ada@contoso.example", "--name", "laptop", "--config", "demarc.yaml");

        foreach (var scope in (string[][])[["--user", "ada@contoso.example"], ["--group", "contractors", "--shared"], ["--workspace", "research"], ["--project", "atlas"], ["--resource", "main"], ["--key", key.GetProperty("id").GetString()!], []])
            await DoneAsync(["limit", "set", .. scope, "--amount", "75.00", "--mode", "hard"]);

        var rows = (await DemarcCommand.JsonAsync(_folder, "limit", "list", "--config", "demarc.yaml")).EnumerateArray().ToArray();
        Assert.Equal(
            ["organization at main yes", "user ada@contoso.example no", "rbac_group contractors yes", "workspace research yes", "project atlas yes", "resource main yes", $"api_key {key.GetProperty("id").GetString()} no", "organization  no"],
            rows.Select(r => $"{r.GetProperty("scope").GetString()} {Who(r)} {(r.GetProperty("shared").GetBoolean() ? "yes" : "no")}"));
        var project = rows.Single(r => r.GetProperty("scope").GetString() == "project");
        await DoneAsync("limit", "remove", project.GetProperty("id").GetString()!);
        Assert.Contains("no limit", await DemarcCommand.FailsAsync(1, _folder, "limit", "remove", project.GetProperty("id").GetString()!, "--config", "demarc.yaml"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_no_limit_is_refused_and_the_message_names_the_option()
    {
        await DoneAsync("user", "create", "ada@contoso.example");
        foreach (var (arguments, why) in new (string[], string)[]
        {
            (["--amount=-1"], "--amount: an amount is never negative"),
            (["--amount", "0.001"], "--amount: a fraction of a cent"),
            (["--amount", "99999999999999999999"], "--amount: the amount is too large"),
            (["--amount", "ten"], "--amount: this is no amount"),
            (["--amount", "5", "--user", "nobody@contoso.example"], "neither a user nor a service account nobody@contoso.example"),
            (["--amount", "5", "--project", "nothing"], "no project nothing"),
            (["--amount", "5", "--workspace", "nothing"], "no workspace nothing"),
            (["--amount", "5", "--resource", "mars"], "no resource mars"),
            (["--amount", "5", "--key", "apikey_x"], "no key apikey_x"),
            (["--amount", "5", "--resource", "main", "--project", "atlas"], "one of --project and --resource"),
            (["--amount", "5", "--resource", "main", "--shared"], "--shared is for a group"),
        })
            Assert.Contains(why, await DemarcCommand.FailsAsync(1, _folder, ["limit", "set", .. arguments, "--config", "demarc.yaml"]), StringComparison.Ordinal);
    }

    private static string? Who(JsonElement row) => row.TryGetProperty("who", out var who) ? who.GetString() : null;

    private Task<string> DoneAsync(params string[] arguments) => DemarcCommand.DoneAsync(_folder, [.. arguments, "--config", "demarc.yaml"]);
}
