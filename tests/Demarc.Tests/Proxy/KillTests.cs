using System.Collections.Concurrent;
using System.Text.Json;
using Demarc.Simulator;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Law 3 with a real process: killed at any moment, every answered request is on record and balances.</summary>
[Trait("suite", "faults")]
public sealed class KillTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Every_answer_survives_a_kill_and_what_was_open_is_settled(StoreKind kind)
    {
        await using var store = await StorePlace.CreateAsync(kind);
        await using var simulator = await SimulatorHost.StartAsync();
        var folder = Directory.CreateTempSubdirectory("demarc-kill-").FullName;
        var config = Path.Combine(folder, "demarc.yaml");
        await File.WriteAllTextAsync(Path.Combine(folder, "upstream.key"), "x", TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(config, $$"""
            store: {{store.Url}}
            resources:
              - name: east
                platform: foundry
                endpoint: {{simulator.Url.AbsoluteUri}}anthropic
                credential: { api_key: "${file:upstream.key}" }
                deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic } ]
            policies: [ { capture: full } ]
            """, TestContext.Current.CancellationToken);

        using var process = await ServingProcess.StartAsync(config, folder);
        var keys = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "quickstart.json"), TestContext.Current.CancellationToken)).RootElement;
        var key = keys.GetProperty("developer_key").GetString()!;
        var answered = new ConcurrentBag<string>();
        using var client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = process.Url };
        var enough = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var callers = Enumerable.Range(0, 16).Select(n => AskAsync(client, key, n, answered, enough)).ToArray();
        await enough.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        var checkpoint = Path.Combine(folder, "kept.txt");
        using (var ask = new HttpRequestMessage(HttpMethod.Get, "/log/checkpoint") { Headers = { { "x-api-key", keys.GetProperty("compliance_key").GetString() } } })
        using (var signed = await client.SendAsync(ask, TestContext.Current.CancellationToken))
            await File.WriteAllTextAsync(checkpoint, await signed.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), TestContext.Current.CancellationToken);
        await process.KillAsync();
        await Task.WhenAll(callers);
        Assert.True(answered.Count >= 200);

        // Whoever opens a SQLite store takes over what the journal of a dead one holds.
        if (kind == StoreKind.Sqlite)
            await store.OpenAsync();
        foreach (var id in answered)
        {
            var finished = await store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 3 AND request_id = @id", new { id = RequestId(id) });
            Assert.True(finished == 1, $"{id} was answered and has {finished} finished records");
        }
        // The next start settles what the dead one left open, each once and at its bound. On PostgreSQL others wait a
        // minute for a sign of life; here the dead one is made to look that old.
        if (kind == StoreKind.Postgres)
            await store.SqlAsync<object>("UPDATE replicas SET seen_at = seen_at - 120000");
        using var next = await ServingProcess.StartAsync(config, folder);
        try
        {
            var started = TimeProvider.System.GetTimestamp();
            const string open = "SELECT (SELECT count(*) FROM records WHERE kind = 1) - (SELECT count(*) FROM records WHERE kind = 3)";
            while (await store.SqlAsync<long>(open) != 0)
            {
                Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(20), "requests stay open");
                await Task.Yield();
            }
            // The tree goes on from where it was, has every record once, and is the one that was signed before the kill.
            var records = await store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind IN (1, 3)");
            JsonElement found;
            do
                found = (await DemarcCommand.JsonAsync(folder, "verify", "--checkpoint", checkpoint, "--config", config, "--data", folder)).GetProperty("found");
            while (found.GetProperty("leaves").GetInt64() < records);
            Assert.Equal(1, found.GetProperty("checkpoints").GetInt32());
        }
        finally
        {
            await next.KillAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task AskAsync(HttpClient client, string key, int n, ConcurrentBag<string> answered, TaskCompletionSource enough)
    {
        try
        {
            for (var i = 0; ; i++)
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, "/v1/messages")
                {
                    Content = new StringContent(ProxyPlace.Body("claude-sonnet-4-6", stream: i % 2 == 0, text: $"{n} {i}"), System.Text.Encoding.UTF8, "application/json"),
                };
                request.Headers.Add("x-api-key", key);
                request.Headers.Add("anthropic-version", "2023-06-01");
                using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
                var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
                // Answered means that the end came: a stream's stop, or a whole answer.
                if (response.IsSuccessStatusCode && (i % 2 == 1 || body.Contains("message_stop", StringComparison.Ordinal)))
                    answered.Add(response.RequestId());
                if (answered.Count >= 200)
                    enough.TrySetResult();
            }
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The gateway is gone, as it should be.
        }
    }

    private static byte[] RequestId(string text) =>
        Governance.Identity.Ids.TryParse(Governance.Identity.Ids.Request, text, out var id) ? id.ToByteArray(bigEndian: true) : throw new ArgumentException(text, nameof(text));
}
