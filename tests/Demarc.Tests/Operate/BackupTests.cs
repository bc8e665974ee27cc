using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.Operate;

/// <summary>The built program backs a serving gateway's store up, and restores it elsewhere.</summary>
public sealed class BackupTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-backup-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Backup => Path.Combine(_folder, "backup");

    private static readonly string[] Configuration = ["quickstart.yaml", "simulator.key"];

    private string Keys => Path.Combine(_folder, "keys");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_was_answered_before_a_backup_under_load_is_in_it_whole_and_opens()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        using var enough = new CancellationTokenSource();
        for (var i = 0; i < 20; i++)
            await AskAsync(gateway);
        var before = await gateway.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 3");
        var load = LoadAsync(gateway, enough.Token);

        var made = await DemarcCommand.JsonAsync(_folder, "backup", Backup, "--keys", Keys, "--data", gateway.DataDirectory);
        await enough.CancelAsync();
        await load;

        Assert.True(made.GetProperty("bytes").GetInt64() > 100_000);
        Assert.Equal(["backup.json", "journal", "store"], Directory.GetFileSystemEntries(Backup).Select(Path.GetFileName).Order());
        Assert.Equal(["keys.db", "master.key"], Directory.GetFiles(Keys).Select(Path.GetFileName).Order());
        var place = Empty("restored", gateway);
        var restored = await DemarcCommand.JsonAsync(_folder, "restore", Backup, "--keys", Keys, "--data", place);
        Assert.True(restored.GetProperty("records").GetInt64() > 0);
        Assert.True(await CountAsync(place, "SELECT count(*) FROM records WHERE kind = 3") >= before);
        Assert.Equal(1, await CountAsync(place, "SELECT count(*) FROM records WHERE CAST(body AS text) LIKE '%demarc_backup_restored%'"));
        await EraseAsync(place, leaf: 3);
        // Every record against the tree, and every sealed content by the keys that were restored; what was erased with no gateway running is named.
        var found = (await DemarcCommand.JsonAsync(_folder, "verify", "--data", place)).GetProperty("found");
        Assert.Equal(1, found.GetProperty("erased").GetInt64());
        Assert.True(found.GetProperty("leaves").GetInt64() >= restored.GetProperty("records").GetInt64());
        await using var serving = await ServeAsync(place, gateway);
        using var list = new HttpRequestMessage(HttpMethod.Get, new Uri(serving.Url, "/v1/compliance/apps/sessions/local?limit=1")) { Headers = { { "x-api-key", gateway.ComplianceKey } } };
        using var sessions = await gateway.Http.SendAsync(list, Stop);
        var session = JsonDocument.Parse(await sessions.Content.ReadAsStringAsync(Stop)).RootElement.GetProperty("data")[0].GetProperty("id").GetString();
        using var read = new HttpRequestMessage(HttpMethod.Get, new Uri(serving.Url, $"/v1/compliance/apps/sessions/local/{session}/messages")) { Headers = { { "x-api-key", gateway.ComplianceKey } } };
        using var messages = await gateway.Http.SendAsync(read, Stop);
        Assert.Contains("to be kept", await messages.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_in_the_journal_alone_is_in_the_backup_too()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await AskAsync(gateway);
        await gateway.Gateway.Store.SettledAsync();
        var backup = new Control.Backups.Backup(Path.Combine(gateway.DataDirectory, "demarc.db"), null, Path.Combine(gateway.DataDirectory, "master.key"));
        await using (var busy = new SqliteConnection($"Data Source={gateway.DataDirectory}/demarc.db;Pooling=false"))
        {
            await busy.OpenAsync(Stop);
            // The store takes nothing meanwhile; requests are answered all the same.
            await using var held = busy.BeginTransaction(deferred: false);
            for (var i = 0; i < 3; i++)
                await AskAsync(gateway);
            backup.Make(Backup, Keys, "org_1", "", TimeProvider.System);
        }

        var place = Empty("restored", gateway);
        new Control.Backups.Backup(Path.Combine(place, "demarc.db"), null, Path.Combine(place, "master.key")).Restore(Backup, Keys);
        Assert.Equal(1, await CountAsync(place, "SELECT count(*) FROM records WHERE kind = 3"));
        await using (await ServeAsync(place, gateway))
            Assert.Equal(4, await CountAsync(place, "SELECT count(*) FROM records WHERE kind = 3"));
        // A journal of another store would be taken for this one's.
        foreach (var file in Directory.GetFiles(place, "*.db*"))
            File.Delete(file);
        File.Delete(Path.Combine(place, "master.key"));
        Assert.Contains("a.journal already", Assert.Throws<Control.Backups.BackupException>(() => new Control.Backups.Backup(Path.Combine(place, "demarc.db"), null, Path.Combine(place, "master.key")).Restore(Backup, Keys)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_written_over_and_a_backup_that_was_changed_or_is_not_whole_is_not_restored()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await AskAsync(gateway);
        await DemarcCommand.JsonAsync(_folder, "backup", Backup, "--data", gateway.DataDirectory);

        Assert.Contains("is not empty", await DemarcCommand.FailsAsync(1, _folder, "backup", Backup, "--data", gateway.DataDirectory), StringComparison.Ordinal);
        Assert.Contains("already: restore into an empty place", await DemarcCommand.FailsAsync(1, _folder, "restore", Backup, "--data", gateway.DataDirectory), StringComparison.Ordinal);
        var place = Empty("restored", gateway);
        Assert.Contains("is no backup", await DemarcCommand.FailsAsync(1, _folder, "restore", _folder, "--data", place), StringComparison.Ordinal);

        var log = Path.Combine(Backup, "store", "demarc.db");
        var bytes = await File.ReadAllBytesAsync(log, Stop);
        bytes[^100] ^= 1;
        await File.WriteAllBytesAsync(log, bytes, Stop);
        Assert.Contains("demarc.db is not what the backup wrote", await DemarcCommand.FailsAsync(1, _folder, "restore", Backup, "--data", place), StringComparison.Ordinal);
        File.Delete(log);
        Assert.Contains("demarc.db is missing", await DemarcCommand.FailsAsync(1, _folder, "restore", Backup, "--data", place), StringComparison.Ordinal);
        var manifest = Path.Combine(Backup, "backup.json");
        await File.WriteAllTextAsync(manifest, (await File.ReadAllTextAsync(manifest, Stop)).Replace("store/demarc.db", "../../outside", StringComparison.Ordinal), Stop);
        Assert.Contains("which is not in the backup", await DemarcCommand.FailsAsync(1, _folder, "restore", Backup, "--data", place), StringComparison.Ordinal);
        Assert.Equal(Configuration, Directory.GetFiles(place).Select(Path.GetFileName).Order());
    }

    private string Empty(string name, GatewayFixture gateway)
    {
        var place = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        // The configuration is not of the store: it is where the operator has it.
        foreach (var file in Configuration)
            File.Copy(Path.Combine(gateway.DataDirectory, file), Path.Combine(place, file));
        return place;
    }

    private static async Task<Serving.Gateway> ServeAsync(string place, GatewayFixture gateway) => await Serving.Gateway.StartAsync(
        new Serving.ServeOptions { ConfigPath = Path.Combine(place, "quickstart.yaml"), DataDirectory = place, Listen = "127.0.0.1:0", Simulator = gateway.Simulator.Url });

    private static async Task LoadAsync(GatewayFixture gateway, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
            await AskAsync(gateway);
    }

    private static async Task AskAsync(GatewayFixture gateway)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, "/v1/messages"))
        {
            Content = new StringContent("""{"model":"claude-sonnet-4-6","max_tokens":9,"messages":[{"role":"user","content":"to be kept"}]}""", System.Text.Encoding.UTF8, "application/json"),
        };
        request.Headers.Add("x-api-key", gateway.DeveloperKey);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("x-claude-code-session-id", "0f0f0f0f-0000-4000-8000-000000000001");
        using var response = await gateway.Http.SendAsync(request, Stop);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Stop));
    }

    private static async Task EraseAsync(string place, long leaf)
    {
        var master = new MasterKey(Convert.FromBase64String(await File.ReadAllTextAsync(Path.Combine(place, "master.key"), Stop)));
        await using var store = await Store.OpenSqliteAsync(Path.Combine(place, "demarc.db"), master, TimeProvider.System, NullLoggerFactory.Instance);
        await store.Erasure.RunAsync((await store.Organizations.ListAsync())[0].Id, [leaf], StorePlace.Actor, "a test");
    }

    private static async Task<long> CountAsync(string place, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(place, "demarc.db")};Mode=ReadOnly;Pooling=false");
        await connection.OpenAsync(Stop);
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return (long)(await command.ExecuteScalarAsync(Stop))!;
    }
}
