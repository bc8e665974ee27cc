using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Serving;
using Demarc.Simulator;
using Demarc.Storage;
using Demarc.Tests.Identity.Scim;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>Two gateways on one PostgreSQL, as replicas behind a load balancer, with a simulator behind them.</summary>
public sealed class ReplicaPair : IAsyncLifetime
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("demarc-replica-pair-");
    private StorePlace _store = null!;

    internal Gateway Here { get; private set; } = null!;

    internal Gateway There { get; private set; } = null!;

    public SimulatorHost Simulator { get; private set; } = null!;

    public string AdminKey { get; private set; } = null!;

    public string OrganizationId { get; private set; } = null!;

    public MasterKey Master { get; private set; } = null!;

    public HttpClient Http { get; } = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });

    public async ValueTask InitializeAsync()
    {
        _store = await StorePlace.CreateAsync(StoreKind.Postgres);
        Simulator = await SimulatorHost.StartAsync();
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "scim.token"), ScimPlace.Token);
        // Nobody asks the issuer here: sessions are made as its sign-in would leave them.
        await File.WriteAllTextAsync(Path.Combine(_folder.FullName, "demarc.yaml"), $$"""
            store: {{_store.Url}}
            scim: { tokens: ["${file:scim.token}"] }
            identity: { issuers: [{ name: corp, issuer: "http://127.0.0.1:9", client_id: demarc, client_secret: a secret of the test, allowed_groups: ["*"] }] }
            resources:
              - { name: one, platform: anthropic, endpoint: "{{Simulator.Url.AbsoluteUri}}", credential: { api_key: sk-one }, deployments: [{ name: first, model: claude-haiku-4-5-20251001 }] }
            aliases: { haiku: [one/first] }
            """);
        (Here, There) = (await StartAsync(), await StartAsync());
        using var keys = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "quickstart.json")));
        AdminKey = keys.RootElement.GetProperty("admin_key").GetString()!;
        OrganizationId = (await Here.Store.Organizations.EnsureFirstAsync("x", StorePlace.Actor)).Id;
        Master = new(Convert.FromBase64String(await File.ReadAllTextAsync(Path.Combine(_folder.FullName, "master.key"))));
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await There.DisposeAsync();
        await Here.DisposeAsync();
        await Simulator.DisposeAsync();
        await _store.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    internal static HttpRequestMessage Request(HttpMethod method, Gateway gateway, string path, string? token = null, string? body = null)
    {
        var request = new HttpRequestMessage(method, new Uri(gateway.Url, path));
        request.Headers.Add("anthropic-version", "2023-06-01");
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return request;
    }

    /// <summary>Posts a form; the status and the body.</summary>
    internal async Task<(int Status, string Body)> PostAsync(Gateway gateway, string path, params (string Name, string Value)[] form)
    {
        using var answer = await Http.PostAsync(new Uri(gateway.Url, path), new FormUrlEncodedContent(form.Select(f => KeyValuePair.Create(f.Name, f.Value))), TestContext.Current.CancellationToken);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private Task<Gateway> StartAsync() => Gateway.StartAsync(
        new ServeOptions { ConfigPath = Path.Combine(_folder.FullName, "demarc.yaml"), DataDirectory = _folder.FullName, Listen = "127.0.0.1:0", Quickstart = true },
        logging: logging => logging.ClearProviders());
}
