using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Serving;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.Harness;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.AdminApi;

/// <summary>A folder with a configuration, a gateway that runs on it, and people and keys to ask with.</summary>
public sealed class GatewayPlace : IAsyncLifetime
{
    private const string Yaml = """
        listen: 127.0.0.1:0
        organization: { name: Contoso }
        resources:
          - name: main
            platform: anthropic
            endpoint: http://127.0.0.1:9
            credential: { api_key: "${file:upstream.key}" }
            deployments:
              - { name: claude-haiku-4-5, model: claude-haiku-4-5-20251001 }
              - { name: claude-sonnet-4-6, model: claude-sonnet-4-6 }
        aliases:
          pinned: [main/claude-haiku-4-5]
        """;

    private readonly HttpClient _client = new(new SocketsHttpHandler());
    private readonly LogLines _log = new();

    public string Root { get; } = Directory.CreateTempSubdirectory("demarc-admin-").FullName;

    public string ConfigPath => Path.Combine(Root, "demarc.yaml");

    public string DataDirectory => Path.Combine(Root, "data");

    public JumpingTime Time { get; } = new();

    /// <summary>The gateway's log, whole.</summary>
    public string Log => _log.Text;

    internal Gateway Gateway { get; private set; } = null!;

    internal Installation Installation { get; private set; } = null!;

    internal Store Store => Installation.Store;

    internal User Admin { get; private set; } = null!;

    /// <summary>An admin key.</summary>
    internal string AdminKey { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        File.WriteAllText(Path.Combine(Root, "upstream.key"), "upstream\n");
        File.WriteAllText(ConfigPath, Yaml);
        Gateway = await Gateway.StartAsync(new ServeOptions { ConfigPath = ConfigPath, DataDirectory = DataDirectory }, Time, logging => logging.AddProvider(_log).SetMinimumLevel(LogLevel.Trace).AddFilter("Microsoft", LogLevel.Warning));
        Installation = await Installation.OpenAsync(InstallationFiles.Load(ConfigPath, DataDirectory), Time, NullLoggerFactory.Instance, new ActorRecord("cli", "test"));
        Admin = (await Store.Users.CreateAsync(Installation.Organization.Id, "admin@contoso.example", "Admin", "admin", new ActorRecord("cli", "test")))!;
        AdminKey = (await KeyAsync(ApiKeyKind.Admin)).Secret;
    }

    public async ValueTask DisposeAsync()
    {
        await Gateway.DisposeAsync();
        await Installation.DisposeAsync();
        _client.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    internal async Task<(string Id, string Secret)> KeyAsync(ApiKeyKind kind, DateTimeOffset? expires = null, string? user = null)
    {
        var (key, secret) = await Store.ApiKeys.CreateAsync(
            new NewApiKey(Installation.Organization.Id, kind, "test", "user", user ?? Admin.Id, ExpiresAt: expires), new ActorRecord("cli", "test"));
        return (key.Id, secret.Reveal());
    }

    /// <summary>Asks with a key; a null one is left out.</summary>
    public async Task<(int Status, string Body)> AskAsync(string method, string path, string? key, string? body = null, string header = "x-api-key")
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(Gateway.Url, path));
        if (key is not null)
            request.Headers.TryAddWithoutValidation(header, header == "authorization" ? $"Bearer {key}" : key);
        request.Headers.UserAgent.ParseAdd("admin-test/1");
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await _client.SendAsync(request, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Asks with the admin key; the answer has to have the status.</summary>
    public async Task<JsonElement> AdminAsync(int status, string method, string path, string? body = null)
    {
        var answer = await AskAsync(method, path, AdminKey, body);
        Assert.True(answer.Status == status, $"{method} {path} {body}: {answer.Status} {answer.Body}");
        return JsonSerializer.Deserialize<JsonElement>(answer.Body);
    }

    /// <summary>Every event on record of a type, oldest first.</summary>
    public async Task<EventRecord[]> EventsAsync(string type)
    {
        await Gateway.Store.SettledAsync();
        await using var connection = new SqliteConnection($"Data Source={Path.Combine(DataDirectory, "demarc.db")};Mode=ReadOnly;Pooling=false");
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT body FROM records WHERE kind = 4 ORDER BY sequence";
        await using var reader = await command.ExecuteReaderAsync(TestContext.Current.CancellationToken);
        var events = new List<EventRecord>();
        while (await reader.ReadAsync(TestContext.Current.CancellationToken))
            events.Add(JsonSerializer.Deserialize((byte[])reader[0], RecordJson.Default.EventRecord)!);
        return [.. events.Where(e => e.Type == type)];
    }

    /// <summary>Waits, looking often, until something holds; fails after the time given.</summary>
    public static async Task UntilAsync(TimeSpan atMost, Func<Task<bool>> holds)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!await holds())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(start) < atMost, $"It did not come about within {atMost}.");
            // What a client or an operator waits for tells neither of them.
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>The system's clock, which can be set ahead; timers run as ever.</summary>
    public sealed class JumpingTime : TimeProvider
    {
        private long _ahead;

        public void Jump(TimeSpan by) => Interlocked.Add(ref _ahead, by.Ticks);

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow().AddTicks(Volatile.Read(ref _ahead));

        public override long GetTimestamp() => base.GetTimestamp() + (Volatile.Read(ref _ahead) * TimestampFrequency / TimeSpan.TicksPerSecond);
    }
}
