using System.Net;
using System.Text.Json;
using Demarc.Serving;
using Demarc.Simulator;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Exports;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Npgsql;
using Xunit;

namespace Demarc.Tests.Operate;

/// <summary>Who may do what in a real PostgreSQL: a role that migrates and one that serves, and a machine's identity.</summary>
public sealed class StoreAccessTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-access-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task One_role_migrates_and_the_one_that_serves_changes_no_table()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var (owner, app) = (Name("owner"), Name("app"));
        await place.SqlAsync<object>($"CREATE ROLE {owner} LOGIN; CREATE ROLE {app} LOGIN; GRANT CREATE ON DATABASE {Database(place)} TO {owner}; GRANT ALL ON SCHEMA public TO {owner}");
        await using var simulator = await SimulatorHost.StartAsync();
        var config = await ConfigureAsync(At(place, app), simulator);

        // 1 before anything was made the serving role says what is missing
        var early = await DemarcCommand.FailsAsync(1, _folder, "log", "keys", "--config", config, "--data", "data");
        Assert.Contains($"demarc store migrate --as postgres://OWNER:…@… --grant-to {app}", early, StringComparison.Ordinal);

        // 2 the owner migrates; wrong places and roles are named
        Assert.Contains("neither an SQLite file nor a PostgreSQL address", await DemarcCommand.FailsAsync(1, _folder, "store", "migrate", "--config", config, "--data", "data", "--as", "mysql://x"), StringComparison.Ordinal);
        Assert.Contains("give the same host, port and database", await DemarcCommand.FailsAsync(1, _folder, "store", "migrate", "--config", config, "--data", "data", "--as", "postgres://o@127.0.0.1:5/other"), StringComparison.Ordinal);
        Assert.Contains("There is no role", await DemarcCommand.FailsAsync(1, _folder, "store", "migrate", "--config", config, "--data", "data", "--as", At(place, owner), "--grant-to", "nobody\"; --"), StringComparison.Ordinal);
        var done = await DemarcCommand.JsonAsync(_folder, "store", "migrate", "--config", config, "--data", "data", "--as", At(place, owner), "--grant-to", app);
        Assert.Equal(app, done.GetProperty("granted_to").GetString());
        Assert.Equal(1, await place.SqlAsync<long>("SELECT count(*) FROM records WHERE convert_from(body, 'UTF8') LIKE '%demarc_store_migrated%'"));

        // 3 the other serves: requests, people, keys, projections
        await using var gateway = await Gateway.StartAsync(new ServeOptions { ConfigPath = config, DataDirectory = Path.Combine(_folder, "data"), Listen = "127.0.0.1:0", Quickstart = true }, logging: l => l.ClearProviders());
        await AskAsync(gateway);
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => await place.SqlAsync<long>("SELECT count(*) FROM activities") > 3);
        await DemarcCommand.DoneAsync(_folder, "verify", "--config", config, "--data", "data");
        Assert.Equal(0, await place.SqlAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{owner}'"));
        foreach (var ddl in new[] { "CREATE TABLE x (y int)", "ALTER TABLE records ADD COLUMN x int", "DROP TABLE activities", "INSERT INTO migrations (version, name, applied_at) VALUES (9999, 'x', 0)", "CREATE TABLE keys.x (y int)" })
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, (await Assert.ThrowsAsync<PostgresException>(() => ExecuteAsync(place, app, ddl))).SqlState);
    }

    [Fact]
    public async Task A_machines_identity_is_the_password()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        await using var simulator = await SimulatorHost.StartAsync();
        await using var metadata = await Collector.StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var role = Name("identity");
        await place.SqlAsync<object>($"CREATE ROLE {role} LOGIN SUPERUSER");
        await NeedsPasswordAsync(place, role);
        // The simulator's metadata service gives tokens; each becomes the role's password, as Entra's tokens are for Azure's servers.
        metadata.Answer = async (context, _) =>
        {
            using var ask = new HttpRequestMessage(new HttpMethod(context.Request.Method), new Uri(simulator.Url, context.Request.Path + context.Request.QueryString));
            ask.Headers.TryAddWithoutValidation("Metadata", (string?)context.Request.Headers["Metadata"]);
            using var answer = await http.SendAsync(ask);
            var text = await answer.Content.ReadAsStringAsync();
            if (answer.IsSuccessStatusCode)
                await place.SqlAsync<object>($"ALTER ROLE {role} PASSWORD '{JsonDocument.Parse(text).RootElement.GetProperty("access_token").GetString()}'");
            (context.Response.StatusCode, context.Response.ContentType) = ((int)answer.StatusCode, "application/json");
            await context.Response.WriteAsync(text);
        };
        var config = await ConfigureAsync(At(place, role), simulator, "store_credential: { azure: default }\n");

        using var serving = await ServingProcess.StartAsync(config, Path.Combine(_folder, "data"), ("AZURE_POD_IDENTITY_AUTHORITY_HOST", metadata.Url.AbsoluteUri.TrimEnd('/')), ("IDENTITY_ENDPOINT", ""), ("AZURE_CLIENT_ID", ""));

        using var ready = await http.GetAsync(new Uri(serving.Url, "/readyz"), Stop);
        Assert.Equal(HttpStatusCode.OK, ready.StatusCode);
        Assert.True(await place.SqlAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE usename = '{role}'") > 0);
        Assert.Contains(metadata.Taken, t => t.Path.Contains("resource=" + Uri.EscapeDataString("https://ossrdbms-aad.database.windows.net"), StringComparison.OrdinalIgnoreCase) || t.Path.Contains("resource=https://ossrdbms-aad.database.windows.net", StringComparison.OrdinalIgnoreCase));
        // One token for all connections, and it is nowhere in what the process says.
        Assert.Equal(1, simulator.Tokens.Issued("imds"));
        await serving.KillAsync();
    }

    [Fact]
    public async Task A_credential_beside_a_password_for_SQLite_or_to_anyone_who_answers_is_refused()
    {
        foreach (var (store, said) in new[]
        {
            ("postgres://demarc:${file:key}@127.0.0.1/demarc", "the store's address has a password too"),
            ("sqlite:demarc.db", "the embedded store is signed in to by nobody"),
            ("postgres://demarc@db.contoso.example/demarc", "sslmode=verify-full"),
        })
        {
            await File.WriteAllTextAsync(Path.Combine(_folder, "key"), "secret", Stop);
            await File.WriteAllTextAsync(Path.Combine(_folder, "bad.yaml"), $"store: {store}\nstore_credential: {{ azure: default }}\nresources: []\n", Stop);
            var result = await DemarcCommand.RunAsync(_folder, "config", "check", "bad.yaml");
            Assert.Equal(1, result.ExitCode);
            Assert.Contains(said, result.Output + result.Errors, StringComparison.Ordinal);
        }
    }

    private async Task<string> ConfigureAsync(string store, SimulatorHost simulator, string more = "")
    {
        await File.WriteAllTextAsync(Path.Combine(_folder, "key"), "upstream-secret\n", Stop);
        await File.WriteAllTextAsync(Path.Combine(_folder, "master"), Convert.ToBase64String(new byte[32]), Stop);
        var path = Path.Combine(_folder, "demarc.yaml");
        await File.WriteAllTextAsync(path, $$"""
            store: {{store}}
            {{more}}master_key: ${file:master}
            resources:
              - { name: up, platform: anthropic, endpoint: "{{simulator.Url}}", credential: { api_key: "${file:key}" }, deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6 } ] }
            policies: [ { capture: full } ]
            """, Stop);
        return path;
    }

    private async Task AskAsync(Gateway gateway)
    {
        var key = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_folder, "data", "quickstart.json"), Stop)).RootElement.GetProperty("developer_key").GetString();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var ask = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Addresses[0], "/v1/messages"))
        {
            Content = new StringContent("""{"model":"claude-sonnet-4-6","max_tokens":9,"messages":[{"role":"user","content":"hello"}]}""", System.Text.Encoding.UTF8, "application/json"),
            Headers = { { "x-api-key", key }, { "anthropic-version", "2023-06-01" } },
        };
        using var answer = await http.SendAsync(ask, Stop);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Stop));
    }

    // The cluster of the tests trusts everyone; this role has to show its password.
    private static async Task NeedsPasswordAsync(StorePlace place, string role)
    {
        var file = (await place.SqlAsync<string>("SHOW hba_file"))!;
        await File.WriteAllTextAsync(file, $"host all {role} 127.0.0.1/32 scram-sha-256\n{await File.ReadAllTextAsync(file, Stop)}", Stop);
        await place.SqlAsync<bool>("SELECT pg_reload_conf()");
        // The server reads it when it comes to it; nothing tells when.
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () =>
        {
            try
            {
                await ExecuteAsync(place, role, "SELECT 1");
                return false;
            }
            catch (NpgsqlException)
            {
                return true;
            }
        });
    }

    private static async Task ExecuteAsync(StorePlace place, string role, string sql)
    {
        await using var connection = new NpgsqlConnection($"Host=127.0.0.1;Port={new Uri(place.Url).Port};Username={role};Database={Database(place)};Pooling=false");
        await connection.OpenAsync(Stop);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Stop);
    }

    private static string Database(StorePlace place) => new Uri(place.Url).AbsolutePath.Trim('/');

    private static string At(StorePlace place, string role) => $"postgres://{role}@127.0.0.1:{new Uri(place.Url).Port}/{Database(place)}";

    // Roles are the whole cluster's.
    private static string Name(string what) => $"demarc_{what}_{Guid.CreateVersion7():N}"[..40];
}
