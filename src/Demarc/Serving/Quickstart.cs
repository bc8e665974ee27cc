using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Serving;

/// <summary>
/// What a first try needs on an empty store: an administrator, a developer and their keys, the compliance key exempted
/// for reading, written to <c>quickstart.json</c>, readable by the owner alone.
/// </summary>
internal static class Quickstart
{
    private const string FileName = "quickstart.json";

    // A person tries for an afternoon; longer exemptions are for two administrators to grant.
    private static readonly TimeSpan ReadExemption = TimeSpan.FromDays(7);

    private static readonly ActorRecord Actor = new("system", "quickstart");

    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true };

    /// <summary>Makes people and keys when the store has none; keeps the addresses in the file current.</summary>
    public static async Task PrepareAsync(Store store, string organizationId, ServeOptions options, Uri url, TimeProvider time)
    {
        var path = Path.Combine(options.DataDirectory, FileName);
        if ((await store.Users.ListAsync(organizationId, new PageRequest(Limit: 1))).Data.Length > 0)
        {
            if (File.Exists(path) && JsonSerializer.Deserialize<Dictionary<string, string?>>(File.ReadAllText(path)) is { } known)
                Write(path, known, url, options.Simulator);
            return;
        }
        var admin = await UserAsync("admin@demarc.example", "Quickstart administrator", "admin");
        var developer = await UserAsync("developer@demarc.example", "Quickstart developer", "developer");
        Write(path, new Dictionary<string, string?>
        {
            ["admin_key"] = await KeyAsync(ApiKeyKind.Admin, admin.Id, null),
            ["compliance_key"] = await KeyAsync(ApiKeyKind.Compliance, admin.Id, time.GetUtcNow() + ReadExemption),
            ["developer_key"] = await KeyAsync(ApiKeyKind.Inference, developer.Id, null),
        }, url, options.Simulator);

        async Task<string> KeyAsync(ApiKeyKind kind, string user, DateTimeOffset? exempt)
        {
            var created = await store.ApiKeys.CreateAsync(
                new NewApiKey(organizationId, kind, $"quickstart {kind.ToString().ToLowerInvariant()}", "user", user, ReadExemptUntil: exempt), Actor);
            return created.Secret.Reveal();
        }

        async Task<User> UserAsync(string email, string name, string role) =>
            await store.Users.CreateAsync(organizationId, email, name, role, Actor)
            ?? throw new ServeException($"The quickstart's {email} was made by another start just now. Start again.");
    }

    /// <summary>Where the configuration of a try without one is.</summary>
    public static string ConfigurationIn(string dataDirectory) => Path.Combine(dataDirectory, "quickstart.yaml");

    /// <summary>The configuration of a try without one: the simulator as Foundry and as Anthropic, capture full.</summary>
    public static string WriteConfiguration(ServeOptions options)
    {
        if (options.Simulator is not { } simulator)
            throw new ServeException("Without a configuration, serve needs the simulator's address: pass --config FILE, or start with ./run.");
        Directory.CreateDirectory(options.DataDirectory);
        var path = ConfigurationIn(options.DataDirectory);
        PrivateFile.Write(Path.Combine(options.DataDirectory, "simulator.key"), "simulator\n");
        PrivateFile.Write(path, Template.Replace("SIMULATOR", simulator.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal));
        return path;
    }

    private static void Write(string path, Dictionary<string, string?> values, Uri url, Uri? simulator)
    {
        values["url"] = url.AbsoluteUri.TrimEnd('/');
        values["simulator_url"] = simulator?.AbsoluteUri.TrimEnd('/');
        PrivateFile.Write(path, JsonSerializer.Serialize(values, Indented) + "\n");
    }

    // The names are those that a fresh Claude Code asks for first, in each of its modes (versions 2.1.197 and 2.1.330).
    private const string Template = """
        # Written anew at each start without --config. Copy it to begin your own.
        listen: 127.0.0.1:8443
        organization: { name: Quickstart }
        resources:
          - name: sim-foundry
            platform: foundry
            endpoint: SIMULATOR/anthropic
            region: eastus2
            agreements: [anthropic-commercial]
            credential: { api_key: "${file:simulator.key}" }
            deployments:
              - { name: claude-opus-5-5, model: claude-opus-5-5, scope: global, hosting: anthropic }
              - { name: claude-opus-4-8, model: claude-opus-4-8, scope: global, hosting: anthropic }
              - { name: claude-opus-4-7, model: claude-opus-4-7, scope: global, hosting: anthropic }
              - { name: claude-sonnet-4-6, model: claude-sonnet-4-6, scope: global, hosting: anthropic }
              - { name: claude-sonnet-4-5, model: claude-sonnet-4-5-20250929, scope: global, hosting: anthropic }
              - { name: claude-haiku-4-5, model: claude-haiku-4-5-20251001, scope: global, hosting: anthropic }
          - name: sim-anthropic
            platform: anthropic
            endpoint: SIMULATOR
            agreements: [anthropic-commercial]
            credential: { api_key: "${file:simulator.key}" }
            deployments:
              - { name: claude-opus-5, model: claude-opus-5 }
              - { name: claude-sonnet-5, model: claude-sonnet-5 }
              - { name: claude-haiku-4-5-20251001, model: claude-haiku-4-5-20251001 }
        aliases:
          opus: [sim-anthropic/claude-opus-5]
          sonnet: [sim-anthropic/claude-sonnet-5]
          haiku: [sim-anthropic/claude-haiku-4-5-20251001]
          claude-sonnet-4-5-20250929: [sim-foundry/claude-sonnet-4-5]
          claude-sonnet-4-5@20250929: [sim-foundry/claude-sonnet-4-5]
          claude-haiku-4-5@20251001: [sim-foundry/claude-haiku-4-5]
          us.anthropic.claude-opus-5-5: [sim-foundry/claude-opus-5-5]
          us.anthropic.claude-sonnet-4-5-20250929-v1:0: [sim-foundry/claude-sonnet-4-5]
          us.anthropic.claude-haiku-4-5-20251001-v1:0: [sim-foundry/claude-haiku-4-5]
        policies:
          - capture: full

        """;
}
