using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Law 5 with a real process: marked content goes through all that there is, and is afterwards nowhere.</summary>
public sealed class ZeroRetentionTests
{
    private static readonly string Canary = "canary-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(12));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(StoreKind.Sqlite, "{ capture: none }")]
    [InlineData(StoreKind.Postgres, "{ capture: none }")]
    [InlineData(StoreKind.Sqlite, "{ require: { zdr: true } }")]
    [InlineData(StoreKind.Postgres, "{ require: { zdr: true } }")]
    public async Task Under_capture_none_and_under_zero_data_retention_no_content_is_left_anywhere(StoreKind kind, string policy)
    {
        await using var store = await StorePlace.CreateAsync(kind);
        await using var simulator = await SimulatorHost.StartAsync();
        simulator.Script.Set(
            Rule("overloaded", new ScriptRule { Path = "/east/*", Fault = new ScriptFault { Kind = FaultKind.Overloaded } }),
            Rule("reset", new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.ResetMidStream, AfterEvents = 3 } }),
            Rule("truncated", new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.Truncate, AfterEvents = 3 } }),
            Rule("unreachable", new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.ResetBeforeHeaders } }),
            Rule("error", new ScriptRule { Fault = new ScriptFault { Kind = FaultKind.ServerError } }),
            Rule("slow", new ScriptRule { Text = $"{Canary} {Canary}", Deltas = 40, BetweenEventsMs = 200 }));
        var folder = Directory.CreateTempSubdirectory("demarc-zero-").FullName;
        try
        {
            var config = await ConfigureAsync(store, simulator, folder, policy);
            var temporary = Directory.CreateDirectory(Path.Combine(folder, "tmp")).FullName;
            using var serving = await ServingProcess.StartAsync(config, folder, ("TMPDIR", temporary), ("DOTNET_EnableDiagnostics", "0"));
            var key = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "quickstart.json"), Stop)).RootElement.GetProperty("developer_key").GetString()!;
            using var client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = serving.Url };
            client.DefaultRequestHeaders.Add("x-api-key", key);

            // 1 every way in which a request goes well, badly or nowhere
            // Those that go well come first: failures take deployments out of service for a while.
            foreach (var (path, body, fate, stream) in new[] { false, true }.SelectMany(Requests).OrderBy(r => r.Fate.Length > 0))
            {
                var answer = await AskAsync(client, path, body, fate);
                if (fate.Length == 0 && !stream)
                    Assert.Contains(Canary, answer, StringComparison.Ordinal);
            }
            // 2 a client that leaves, and a process that dies, while the answer is on its way
            (await SlowAsync(client)).Dispose();
            using var cut = await SlowAsync(client);
            if (policy.Contains("zdr", StringComparison.Ordinal))
            {
                // A crash for which the kernel would dump whatever is in memory, were the process to be dumped.
                // The runtime takes the first as its own, and leaves the next to the kernel. That it is gone is told by the system alone.
                for (var sent = 0; IsRunning(serving.Id) && sent < 5; sent++)
                {
                    await serving.SignalAsync("ABRT");
                    var since = TimeProvider.System.GetTimestamp();
                    while (IsRunning(serving.Id) && TimeProvider.System.GetElapsedTime(since) < TimeSpan.FromSeconds(2))
                        await Task.Delay(50, Stop);
                }
                Assert.False(IsRunning(serving.Id), "It survived SIGABRT.");
                Assert.DoesNotContain("core dumped", serving.Output, StringComparison.Ordinal);
                Assert.DoesNotContain(Directory.GetFiles(Environment.CurrentDirectory, "core*"), f => IsIn(Read(f)));
            }
            else
                await serving.KillAsync();

            // 3 the next start settles what was open, and has nothing to find either
            if (kind == StoreKind.Postgres)
                await store.SqlAsync<object>("UPDATE replicas SET seen_at = seen_at - 120000");
            using var next = await ServingProcess.StartAsync(config, folder, ("TMPDIR", temporary), ("DOTNET_EnableDiagnostics", "0"));
            var started = TimeProvider.System.GetTimestamp();
            while (await store.SqlAsync<long>("SELECT (SELECT count(*) FROM records WHERE kind = 1) - (SELECT count(*) FROM records WHERE kind = 3)") != 0)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(30), "requests stay open");
                await Task.Yield();
            }
            await next.KillAsync();

            Assert.True(await store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 3") >= 10);
            Assert.Equal(0, await store.SqlAsync<long>("SELECT count(*) FROM records WHERE content IS NOT NULL"));
            var control = Path.Combine(folder, "control.txt");
            await File.WriteAllTextAsync(control, Convert.ToBase64String(Encoding.UTF8.GetBytes("x" + Canary)), Stop);
            Assert.Equal([control], Traces([folder]));
            File.Delete(control);
            Assert.Empty(Traces([folder, .. kind == StoreKind.Sqlite ? new[] { Path.GetDirectoryName(store.Url["sqlite:".Length..])! } : []]));
            foreach (var text in new[] { serving.Output, next.Output })
                Assert.False(IsIn(Encoding.UTF8.GetBytes(text)), text);
            if (kind == StoreKind.Postgres)
                await TablesAsync(store);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static IEnumerable<(string Path, string Body, string Fate, bool Stream)> Requests(bool stream)
    {
        var body = ProxyPlace.Body(stream: stream, text: Canary);
        yield return ("/v1/messages", body, "", stream);
        yield return ("/v1/messages", ProxyPlace.Body(stream: stream, text: string.Concat(Enumerable.Repeat(Canary + " ", 4000))), "", stream);
        yield return ("/east/anthropic/v1/messages", body.Replace("\"sonnet\"", "\"claude-sonnet-4-6\"", StringComparison.Ordinal), "", stream);
        yield return ("/v1/messages/count_tokens", body, "count", stream);
        foreach (var fate in new[] { "overloaded", "reset", "truncated", "unreachable", "error" })
            yield return ("/v1/messages", body, fate, stream);
        yield return ("/v1/messages", body.Replace("\"sonnet\"", "\"no-such-model\"", StringComparison.Ordinal), "refused", stream);
        yield return ("/v1/messages", body[..^2], "broken", stream);
        yield return ("/v1/messages", $$"""{"model":"sonnet","max_tokens":1,"max_tokens":2,"messages":"{{Canary}}"}""", "twice", stream);
    }

    private static ScriptRule Rule(string fate, ScriptRule rule) => rule with { Header = $"x-fate: {fate}" };

    private static async Task<string> ConfigureAsync(StorePlace store, SimulatorHost simulator, string folder, string policy)
    {
        var config = Path.Combine(folder, "demarc.yaml");
        await File.WriteAllTextAsync(Path.Combine(folder, "upstream.key"), "x", Stop);
        await File.WriteAllTextAsync(config, $$"""
            store: {{store.Url}}
            agreements:
              - { name: commercial, party: anthropic, zdr: { executed: 2026-01-01 } }
            resources:
            {{string.Join('\n', new[] { "east", "west", "north" }.Select(name => Resource(name, simulator)))}}
            aliases:
              sonnet: [east/claude-sonnet-4-6, west/claude-sonnet-4-6]
            policies: [ {{policy}} ]
            """, Stop);
        return config;
    }

    private static string Resource(string name, SimulatorHost simulator) => $$"""
          - name: {{name}}
            platform: foundry
            endpoint: {{simulator.Url.AbsoluteUri}}{{name}}/anthropic
            agreements: [commercial]
            facts: { storage.zdr: { value: on-request, reason: the addendum names Foundry, agreement: commercial, date: 2026-01-01 } }
            credential: { api_key: "${file:upstream.key}" }
            deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic } ]
        """;

    /// <summary>The answer's body, as far as it came.</summary>
    private static async Task<string?> AskAsync(HttpClient client, string path, string body, string fate)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("anthropic-version", "2023-06-01");
        if (fate.Length > 0)
            request.Headers.Add("x-fate", fate);
        request.Headers.Add("x-claude-code-session-id", "11111111-2222-3333-4444-555555555555");
        try
        {
            using var response = await client.SendAsync(request, Stop);
            return await response.Content.ReadAsStringAsync(Stop);
        }
        catch (Exception e) when (fate.Length > 0 && e is HttpRequestException or IOException)
        {
            return null;
        }
    }

    /// <summary>An answer of which the first bytes have come.</summary>
    private static async Task<HttpResponseMessage> SlowAsync(HttpClient client)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, "/north/anthropic/v1/messages")
        {
            Content = new StringContent(ProxyPlace.Body("claude-sonnet-4-6", stream: true, text: Canary), new MediaTypeHeaderValue("application/json")),
        };
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Add("x-fate", "slow");
        var response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Stop);
        var stream = await response.Content.ReadAsStreamAsync(Stop);
        Assert.True(await stream.ReadAsync(new byte[64], Stop) > 0);
        return response;
    }

    // A process that has ended and was not waited for is still listed, as a zombie.
    private static bool IsRunning(int process) =>
        File.Exists($"/proc/{process}/stat") && File.ReadAllText($"/proc/{process}/stat").Split(')')[^1].Trim()[0] != 'Z';

    private static List<string> Traces(IEnumerable<string> folders) =>
        [.. folders.SelectMany(f => Directory.EnumerateFiles(f, "*", SearchOption.AllDirectories)).Where(file => IsIn(Read(file)))];

    // What the store's processes hold open is read all the same.
    private static byte[] Read(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }

    private static async Task TablesAsync(StorePlace store)
    {
        var tables = await store.SqlAsync<string>("SELECT string_agg(table_schema || '.' || table_name, ' ') FROM information_schema.tables WHERE table_schema IN ('public', 'keys')");
        Assert.Contains("public.records", tables, StringComparison.Ordinal);
        foreach (var table in tables!.Split(' '))
        {
            var text = await store.SqlAsync<string>($"SELECT string_agg(t::text, ' ') FROM {table} t") ?? "";
            Assert.False(IsIn(Encoding.UTF8.GetBytes(text)), table);
        }
    }

    private static bool IsIn(ReadOnlySpan<byte> bytes)
    {
        foreach (var needle in Needles)
        {
            if (bytes.IndexOf(needle) >= 0)
                return true;
        }
        return false;
    }

    // As it is, in UTF-16, hex and base64 whatever stands before it; and hashes of it and of what carried it.
    private static readonly byte[][] Needles =
    [
        Encoding.UTF8.GetBytes(Canary),
        Encoding.Unicode.GetBytes(Canary),
        Encoding.UTF8.GetBytes(Convert.ToHexStringLower(Encoding.UTF8.GetBytes(Canary))),
        .. new[] { "", "x", "xx" }.Select(before => Encoding.UTF8.GetBytes(Convert.ToBase64String(Encoding.UTF8.GetBytes(before + Canary))[4..^4])),
        .. new[] { Canary, "Echo: " + Canary, ProxyPlace.Body(text: Canary), ProxyPlace.Body(stream: true, text: Canary) }
            .Select(text => SHA256.HashData(Encoding.UTF8.GetBytes(text)))
            .SelectMany(hash => new[] { hash, Encoding.UTF8.GetBytes(Convert.ToHexStringLower(hash)) }),
    ];
}
