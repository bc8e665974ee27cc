using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Serving;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>A real gateway on a real store, with the simulator as upstream and the quickstart's keys.</summary>
public sealed class ProxyPlace : IAsyncDisposable
{
    private readonly StorePlace _store;
    private readonly string _folder;

    private ProxyPlace(StorePlace store, string folder, SimulatorHost simulator, Gateway gateway, Dictionary<string, string> keys)
    {
        (_store, _folder, Simulator, Gateway, Keys) = (store, folder, simulator, gateway, keys);
        Client = NewClient(gateway);
    }

    public SimulatorHost Simulator { get; }

    public Gateway Gateway { get; private set; }

    public Dictionary<string, string> Keys { get; }

    public HttpClient Client { get; private set; }

    public StorePlace Store => _store;

    public string Folder => _folder;

    public static Task<ProxyPlace> StartAsync(StoreKind kind = StoreKind.Sqlite, string? policies = null, params ScriptRule[] rules) =>
        StartAsync(kind, policies, l => l.SetMinimumLevel(LogLevel.None), rules);

    public static async Task<ProxyPlace> StartAsync(StoreKind kind, string? policies, Action<ILoggingBuilder> logging, params ScriptRule[] rules)
    {
        var store = await StorePlace.CreateAsync(kind);
        var folder = Directory.CreateTempSubdirectory("demarc-proxy-").FullName;
        var simulator = await SimulatorHost.StartAsync();
        if (rules.Length > 0)
            simulator.Script.Set(rules);
        var config = Path.Combine(folder, "demarc.yaml");
        await File.WriteAllTextAsync(Path.Combine(folder, "upstream.key"), "upstream-secret\n");
        await File.WriteAllTextAsync(config, $$"""
            store: {{store.Url}}
            max_body_bytes: 1MiB
            resources:
              - name: east
                platform: foundry
                endpoint: {{simulator.Url.AbsoluteUri}}east/anthropic
                region: eastus2
                credential: { api_key: "${file:upstream.key}" }
                deployments:
                  - { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic }
                  - { name: my-opus, model: claude-opus-4-8, hosting: azure, scope: "data-zone:us" }
              - name: direct
                platform: anthropic
                endpoint: {{simulator.Url.AbsoluteUri}}direct
                credential: { api_key: "${file:upstream.key}" }
                deployments:
                  - { name: claude-haiku-4-5-20251001, model: claude-haiku-4-5-20251001 }
                  - { name: claude-sonnet-4-6, model: claude-sonnet-4-6 }
            aliases:
              sonnet: [east/claude-sonnet-4-6]
            policies:
            {{policies ?? "  - { capture: full }"}}
            """);
        var gateway = await Gateway.StartAsync(Options(folder), logging: logging);
        var keys = JsonSerializer.Deserialize<Dictionary<string, string>>(await File.ReadAllTextAsync(Path.Combine(folder, "quickstart.json")))!;
        return new ProxyPlace(store, folder, simulator, gateway, keys);
    }

    /// <summary>Ends the gateway and starts another on the same store.</summary>
    public async Task RestartAsync(TimeProvider? time = null)
    {
        await Gateway.DisposeAsync();
        Client.Dispose();
        Gateway = await Gateway.StartAsync(Options(_folder), time, l => l.SetMinimumLevel(LogLevel.None));
        Client = NewClient(Gateway);
    }

    /// <summary>Starts another gateway on the same store, and asks that one from now on. The caller disposes it.</summary>
    public async Task<Gateway> BesideAsync()
    {
        var beside = await Gateway.StartAsync(Options(_folder), logging: l => l.SetMinimumLevel(LogLevel.None));
        Use(beside);
        return beside;
    }

    /// <summary>Asks that gateway from now on.</summary>
    public void Use(Gateway gateway)
    {
        Client.Dispose();
        (Gateway, Client) = (gateway, NewClient(gateway));
    }

    /// <summary>A Messages request with the developer's key.</summary>
    public HttpRequestMessage Ask(string body, string path = "/v1/messages")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("x-api-key", Keys["developer_key"]);
        request.Headers.Add("anthropic-version", "2023-06-01");
        return request;
    }

    public async Task<(HttpResponseMessage Response, string Body)> SendAsync(HttpRequestMessage request)
    {
        var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return (response, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>An answer of the Admin API, with the status that is expected of it.</summary>
    public async Task<JsonElement> AdminAsync(HttpMethod method, string path, string? body = null, int status = 200)
    {
        using var request = new HttpRequestMessage(method, path);
        request.Headers.Add("x-api-key", Keys["admin_key"]);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        var (response, answer) = await SendAsync(request);
        Assert.True((int)response.StatusCode == status, answer);
        return JsonDocument.Parse(answer).RootElement;
    }

    public static string Body(string model = "sonnet", bool stream = false, string text = "hello", int maxTokens = 64) =>
        $$"""{"model":"{{model}}","max_tokens":{{maxTokens}},"stream":{{(stream ? "true" : "false")}},"messages":[{"role":"user","content":"{{text}}"}]}""";

    /// <summary>The newest record of a kind, awaited: what a client no longer waits for is written after it left.</summary>
    public async Task<T> RecordAsync<T>(RecordKind kind, Func<T, bool> which)
    {
        var deadline = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var count = await _store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = @kind", new { kind = (int)kind });
            for (var i = 0; i < count; i++)
            {
                var body = await _store.SqlAsync<byte[]>("SELECT body FROM records WHERE kind = @kind ORDER BY sequence DESC LIMIT 1 OFFSET @i", new { kind = (int)kind, i });
                var record = (T)JsonSerializer.Deserialize(body, typeof(T), RecordJson.Default)!;
                if (which(record))
                    return record;
            }
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < TimeSpan.FromSeconds(10), $"No such {kind} record within 10 s.");
            await Task.Yield();
        }
    }

    /// <summary>Waits until every request that begun has a row of the ledger.</summary>
    public async Task ProjectedAsync()
    {
        // Of what was answered the records may still be in the journal alone.
        await Gateway.Store.SettledAsync();
        var begun = await _store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 1");
        var deadline = TimeProvider.System.GetTimestamp();
        while (await _store.SqlAsync<long>("SELECT count(*) FROM ledger") < begun)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(deadline) < TimeSpan.FromSeconds(10), "The ledger did not follow within 10 s.");
            await Task.Delay(20);
        }
    }

    public Task<FinishedRecord> FinishedAsync(string requestId) => RecordAsync<FinishedRecord>(RecordKind.Finished, r => r.Id == requestId);

    private static ServeOptions Options(string folder) =>
        new() { ConfigPath = Path.Combine(folder, "demarc.yaml"), DataDirectory = folder, Listen = "127.0.0.1:0", Quickstart = true };

    private static HttpClient NewClient(Gateway gateway) =>
        new(new SocketsHttpHandler { AutomaticDecompression = System.Net.DecompressionMethods.None }) { BaseAddress = gateway.Addresses[0] };

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await Gateway.DisposeAsync();
        await Simulator.DisposeAsync();
        await _store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}

internal static class Answers
{
    public static string RequestId(this HttpResponseMessage response) => response.Headers.GetValues("demarc-request-id").Single();

    public static (string Type, string Message) Error(string body)
    {
        using var json = JsonDocument.Parse(body);
        Assert.Equal("error", json.RootElement.GetProperty("type").GetString());
        var error = json.RootElement.GetProperty("error");
        return (error.GetProperty("type").GetString()!, error.GetProperty("message").GetString()!);
    }
}
