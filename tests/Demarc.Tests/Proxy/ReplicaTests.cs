using System.Net;
using Demarc.Governance.Boundaries;
using Demarc.Serving;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Two gateways on one PostgreSQL.</summary>
public sealed class ReplicaTests
{
    [Fact]
    public async Task A_deployment_that_fails_for_one_replica_is_spared_by_the_other_until_it_serves_again()
    {
        await using var store = await StorePlace.CreateAsync(StoreKind.Postgres);
        await using var simulator = await SimulatorHost.StartAsync();
        var folder = await ConfigureAsync(store, simulator);
        var time = new SteppedTime();
        await using var here = await StartAsync(folder, time);
        await using var there = await StartAsync(folder, TimeProvider.System);
        simulator.Script.Set(new ScriptRule { Path = "/one/*", Fault = new ScriptFault { Kind = FaultKind.Unauthorized } });

        Assert.Equal("second", await AskAsync(here, folder));
        // Nothing tells a test when the other replica has read it: it looks each second.
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), () => Task.FromResult(IsFailing(there)));
        Assert.Equal("second", await AskAsync(there, folder));
        Assert.Single(simulator.Log.Read(), r => r.Target.StartsWith("/one/", StringComparison.Ordinal));

        simulator.Script.Clear();
        // Past the first pause for the one that found it; the other is still within it, and learns. Under another name, as
        // those who moved stay for the life of their prompt caches.
        time.Step(TimeSpan.FromSeconds(16));
        Assert.Equal("first", await AskAsync(here, folder, "again"));
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), () => Task.FromResult(!IsFailing(there)));
        Assert.Equal("first", await AskAsync(there, folder, "again"));
        folder.Delete(recursive: true);
    }

    [Fact]
    public async Task Patience_that_one_replica_was_asked_for_the_other_has_too()
    {
        await using var store = await StorePlace.CreateAsync(StoreKind.Postgres);
        await using var simulator = await SimulatorHost.StartAsync();
        var folder = await ConfigureAsync(store, simulator);
        var time = new SteppedTime();
        await using var here = await StartAsync(folder, time);
        await using var there = await StartAsync(folder, time);
        simulator.Script.Set(new ScriptRule { Path = "/one/*", Times = 1, Fault = new ScriptFault { Kind = FaultKind.Overloaded, RetryAfter = "40" } });

        Assert.Equal("second", await AskAsync(here, folder));
        // As above.
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), () => Task.FromResult(IsFailing(there)));
        Assert.Equal("second", await AskAsync(there, folder));
        Assert.Single(simulator.Log.Read(), r => r.Target.StartsWith("/one/", StringComparison.Ordinal));
        time.Step(TimeSpan.FromSeconds(30));
        Assert.Equal("second", await AskAsync(there, folder, "again"));
        // It works, and is asked again without a probe once it had its time.
        time.Step(TimeSpan.FromSeconds(11));
        Assert.Equal("first", await AskAsync(there, folder, "later"));
        folder.Delete(recursive: true);
    }

    private static async Task<DirectoryInfo> ConfigureAsync(StorePlace store, SimulatorHost simulator)
    {
        var folder = Directory.CreateTempSubdirectory("demarc-replicas-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "demarc.yaml"), $$"""
            store: {{store.Url}}
            resources:
              - name: one
                platform: anthropic
                endpoint: {{simulator.Url.AbsoluteUri}}one
                credential: { api_key: sk-one }
                deployments: [{ name: first, model: claude-haiku-4-5-20251001 }]
              - name: two
                platform: anthropic
                endpoint: {{simulator.Url.AbsoluteUri}}two
                credential: { api_key: sk-two }
                deployments: [{ name: second, model: claude-haiku-4-5-20251001 }]
            aliases:
              haiku: [one/first, two/second]
              again: [one/first, two/second]
              later: [one/first, two/second]
            """, TestContext.Current.CancellationToken);
        return folder;
    }

    private static Task<Gateway> StartAsync(DirectoryInfo folder, TimeProvider time) => Gateway.StartAsync(
        new ServeOptions { ConfigPath = Path.Combine(folder.FullName, "demarc.yaml"), DataDirectory = folder.FullName, Listen = "127.0.0.1:0", Quickstart = true },
        time, logging => logging.SetMinimumLevel(LogLevel.None));

    private static bool IsFailing(Gateway gateway)
    {
        var resource = new ResourceSnapshot { Name = "one", Platform = Platform.Anthropic, Endpoint = new Uri("http://127.0.0.1"), Agreements = [], Credential = new KeyCredential(new("x")) };
        var first = new DeploymentSnapshot { Resource = resource, Name = "first", Model = "claude-haiku-4-5-20251001", Scope = "global", Hosting = Hosting.Anthropic };
        return gateway.Health.View.IsFailing(first, TimeProvider.System.GetUtcNow());
    }

    private static async Task<string> AskAsync(Gateway gateway, DirectoryInfo folder, string model = "haiku")
    {
        using var keys = System.Text.Json.JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder.FullName, "quickstart.json"), TestContext.Current.CancellationToken));
        using var client = new HttpClient(new SocketsHttpHandler());
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, "/v1/messages"));
        request.Headers.Add("x-api-key", keys.RootElement.GetProperty("developer_key").GetString());
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Content = new StringContent(ProxyPlace.Body(model), System.Text.Encoding.UTF8, "application/json");
        using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return response.Headers.GetValues("demarc-deployment").Single();
    }
}
