using System.Globalization;
using System.Text.Json;

namespace Demarc.Bench.Servers;

/// <summary>Demarc as an operator runs it, with authentication, records, metering and capture <c>full</c>.</summary>
internal sealed class DemarcServer : IAsyncDisposable
{
    private DemarcServer(ServerProcess process, string folder) => (Process, Folder) = (process, folder);

    public ServerProcess Process { get; }

    /// <summary>Its data folder.</summary>
    public string Folder { get; }

    public Uri Url { get; private set; } = null!;

    /// <summary>The header of the developer's credential.</summary>
    public string Credential { get; private set; } = "";

    /// <param name="store">A PostgreSQL URL; null for the embedded store.</param>
    /// <param name="port">0 takes a free one.</param>
    /// <param name="identity">Where developers sign in; a limit and a policy of models come with it. Null for a key alone.</param>
    public static DemarcServer Launch(
        string programs, string name, string folder, Uri simulator, string? store = null, int port = 0, IReadOnlyDictionary<string, string>? environment = null, IdentityProvider? identity = null)
    {
        Directory.CreateDirectory(folder);
        var config = Path.Combine(folder, "demarc.yaml");
        File.WriteAllText(config, Template
            .Replace("SIMULATOR", simulator.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal)
            .Replace("STORE", store is null ? "" : $"store: {store}", StringComparison.Ordinal)
            .Replace("EVERYTHING", identity is null ? "" : Everything
                .Replace("PORT", port.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
                .Replace("ISSUER", identity.Issuer.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal), StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(folder, "simulator.key"), "simulator\n");
        var process = ServerProcess.Start(name, Path.Combine(programs, "demarc", "demarc"),
            ["serve", "--quickstart", "--config", config, "--data", folder, "--listen", $"127.0.0.1:{port}"], environment: environment);
        return new DemarcServer(process, folder);
    }

    public static async Task<DemarcServer> StartAsync(
        string programs, string name, string folder, Uri simulator, string? store = null, int port = 0, IReadOnlyDictionary<string, string>? environment = null, IdentityProvider? identity = null)
    {
        var server = Launch(programs, name, folder, simulator, store, port, environment, identity);
        server.Url = await server.Process.UrlAsync();
        if (identity is not null)
        {
            server.Credential = Target.Token(await identity.SignInAsync(server.Url));
            return server;
        }
        using var quickstart = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "quickstart.json")));
        server.Credential = Target.Key(quickstart.RootElement.GetProperty("developer_key").GetString()!);
        return server;
    }

    public ValueTask DisposeAsync() => Process.DisposeAsync();

    private const string Template = """
        listen: 127.0.0.1:8443
        organization: { name: Bench }
        STORE
        resources:
          - name: simulator
            platform: anthropic
            endpoint: SIMULATOR
            agreements: [anthropic-commercial]
            credential: { api_key: "${file:simulator.key}" }
            deployments:
              - { name: claude-opus-5, model: claude-opus-5 }
              - { name: claude-sonnet-5, model: claude-sonnet-5 }
        policies:
          - capture: full
        EVERYTHING

        """;

    // Follows the list of policies.
    private const string Everything = """
          - models: [claude-opus-5, claude-sonnet-5]
            limits: [ { per: person, period: monthly, amount_usd: "1000000.00", mode: hard } ]
        public_url: http://127.0.0.1:PORT
        identity:
          issuers:
            - { issuer: "ISSUER", client_id: gateway, client_secret: of the benchmark, allowed_groups: [developers] }
        """;
}
