using System.Net;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Simulator;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>A disk without room, a store without connections: requests are refused in so many words, and nothing that was answered is lost.</summary>
[Trait("suite", "faults")]
public sealed class StorageFailureTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task On_a_full_disk_requests_are_refused_and_with_room_again_they_are_served_with_nothing_lost()
    {
        var folder = Directory.CreateTempSubdirectory("demarc-full-").FullName;
        var mounted = await Command.RunAsync("mount", ["-t", "tmpfs", "-o", "size=48m", "none", folder], "/", DemarcCommand.Environment, Stop);
        Component.Require(mounted.ExitCode == 0, "A file system of a fixed size cannot be mounted here (needs root)");
        try
        {
            await using var simulator = await SimulatorHost.StartAsync();
            var config = Path.Combine(folder, "demarc.yaml");
            await File.WriteAllTextAsync(config, RetentionYaml(simulator), Stop);
            using var serving = await ServingProcess.StartAsync(config, folder);
            var keys = JsonSerializer.Deserialize<Dictionary<string, string>>(await File.ReadAllTextAsync(Path.Combine(folder, "quickstart.json"), Stop))!;
            using var client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = serving.Url };
            client.DefaultRequestHeaders.Add("x-api-key", keys["developer_key"]);
            var answered = new List<string>();
            Assert.Null(await AskAsync(client, answered));

            // 1 no room: what there still is in files that exist is used up, then each request is refused
            var filler = Path.Combine(folder, "filler");
            await FillAsync(filler);
            string? refusal = null;
            for (var n = 0; refusal is null; n++)
            {
                Assert.True(n < 20_000, "the disk never fills up");
                refusal = await AskAsync(client, answered);
            }
            Assert.Contains("record", refusal, StringComparison.OrdinalIgnoreCase);
            using (var admin = new HttpRequestMessage(HttpMethod.Post, "/v1/organizations/legal_holds") { Content = new StringContent("""{"name":"a","reason":"b","scope":"organization"}""", Encoding.UTF8, "application/json") })
            {
                admin.Headers.Add("x-api-key", keys["admin_key"]);
                client.DefaultRequestHeaders.Remove("x-api-key");
                using var response = await client.SendAsync(admin, Stop);
                var body = await response.Content.ReadAsStringAsync(Stop);
                Assert.True(response.StatusCode is HttpStatusCode.ServiceUnavailable or HttpStatusCode.OK, body);
                if (response.StatusCode == HttpStatusCode.ServiceUnavailable)
                    Assert.Contains("store", body, StringComparison.Ordinal);
                client.DefaultRequestHeaders.Add("x-api-key", keys["developer_key"]);
            }

            // 2 room again: served without a start
            File.Delete(filler);
            Assert.Null(await AskAsync(client, answered));
            await serving.KillAsync();

            // 3 each answer is on record, once; the next start takes over what was durable in the journal alone
            using (await ServingProcess.StartAsync(config, folder))
            {
            }
            await using var log = new SqliteConnection($"Data Source={folder}/demarc.db;Pooling=false");
            await log.OpenAsync(Stop);
            using var command = log.CreateCommand();
            command.CommandText = "SELECT body FROM records WHERE kind = 3";
            var finished = new List<string>();
            await using (var reader = await command.ExecuteReaderAsync(Stop))
            {
                while (await reader.ReadAsync(Stop))
                    finished.Add(JsonSerializer.Deserialize((byte[])reader[0], RecordJson.Default.FinishedRecord)!.Id);
            }
            Assert.True(answered.Count >= 2);
            Assert.Empty(answered.Except(finished));
            Assert.Equal(finished.Count, finished.Distinct().Count());
            using var check = log.CreateCommand();
            check.CommandText = "PRAGMA integrity_check";
            Assert.Equal("ok", await check.ExecuteScalarAsync(Stop));
        }
        finally
        {
            await Command.RunAsync("umount", ["-l", folder], "/", DemarcCommand.Environment, Stop);
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task While_PostgreSQL_takes_no_connections_requests_are_refused_and_afterwards_served_with_nothing_lost()
    {
        await using var place = await ProxyPlace.StartAsync(StoreKind.Postgres);
        var answered = new List<string>();
        place.Client.DefaultRequestHeaders.Add("x-api-key", place.Keys["developer_key"]);
        Assert.Null(await AskAsync(place.Client, answered));

        await PostgresServer.AllowConnectionsAsync(place.Store.Url, false);
        try
        {
            string? refused;
            var closed = TimeProvider.System.GetTimestamp();
            while ((refused = await AskAsync(place.Client, answered)) is null)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(closed) < TimeSpan.FromSeconds(20), "requests are answered although nothing can be recorded");
                // As long as what the gateway knows is confirmed, and its records are durable in its journal, it serves.
                await Task.Delay(50, Stop);
            }
            Assert.Matches("(?i)record|store", refused);
        }
        finally
        {
            await PostgresServer.AllowConnectionsAsync(place.Store.Url, true);
        }
        string? refusal;
        var began = TimeProvider.System.GetTimestamp();
        while ((refusal = await AskAsync(place.Client, answered)) is not null)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromSeconds(20), refusal);
            // The gateway connects again when it writes next; nothing tells a client.
            await Task.Delay(50, Stop);
        }

        foreach (var id in answered)
            Assert.Equal("answered", (await place.FinishedAsync(id)).Result);
        // What was refused may be on record, once: its record was on the way to the store.
        Assert.Equal(0, await place.Store.SqlAsync<long>("SELECT count(*) FROM (SELECT request_id FROM records WHERE kind = 3 GROUP BY request_id HAVING count(*) > 1) twice"));
    }

    /// <summary>Null when it was answered, and then its id is kept; the message when it was refused, which has to be 503.</summary>
    private static async Task<string?> AskAsync(HttpClient client, List<string> answered)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages") { Content = new StringContent(ProxyPlace.Body(text: new string('x', 20_000)), Encoding.UTF8, "application/json") };
        request.Headers.Add("anthropic-version", "2023-06-01");
        using var response = await client.SendAsync(request, Stop);
        var body = await response.Content.ReadAsStringAsync(Stop);
        if (response.IsSuccessStatusCode)
        {
            answered.Add(response.RequestId());
            return null;
        }
        Assert.True(response.StatusCode == HttpStatusCode.ServiceUnavailable, $"{(int)response.StatusCode} {body}");
        var (type, message) = Answers.Error(body);
        Assert.Contains(type, new[] { "api_error", "overloaded_error" });
        return message;
    }

    private static async Task FillAsync(string path)
    {
        await using var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 });
        var block = new byte[64 << 10];
        try
        {
            while (true)
                await file.WriteAsync(block, Stop);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    private static string RetentionYaml(SimulatorHost simulator) =>
        Retention.RetentionServingTests.ProxyYaml("").Replace("SIMULATOR", simulator.Url.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal);
}
