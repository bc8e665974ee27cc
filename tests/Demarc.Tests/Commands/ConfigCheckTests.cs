using System.Text.Json.Nodes;
using Demarc.Control.Configuration;
using Demarc.Serving;
using Xunit;

namespace Demarc.Tests.Commands;

/// <summary>What <c>demarc config check</c> finds in files that can be read: each with the place where it stands and the fix.</summary>
public sealed class ConfigCheckTests : IDisposable
{
    private const string Head = """
        resources:
          - name: contoso
            platform: foundry
            region: eastus2
            credential: { api_key: "${file:key}" }
            deployments:
              - { name: azure, model: claude-sonnet-4-6, hosting: azure, scope: "data-zone:us" }
              - { name: anthropic, model: claude-sonnet-4-6, hosting: anthropic }

        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-check-").FullName;

    public ConfigCheckTests() => File.WriteAllText(Path.Combine(_folder, "key"), "sk-known\n");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>What follows the resources, the line of the problem, its path, its beginning and the fix in it, and whether the file is used.</summary>
    public static TheoryData<string, int, string, string, string, bool> Problems => new()
    {
        // Contradictory policies.
        {
            """
            policies:
              - { deny: { hosting: [azure] } }
              - { match: { groups: [payments] }, require: { hosting: [azure] } }
            """, 11, "policies[1]", "no deployment satisfies this policy together with policies[0]", "Loosen one of them, add a deployment that satisfies all, or declare facts.", true
        },
        // A deployment that no policy can reach: its own line, not its resource's.
        {
            """
            policies:
              - deny: { hosting: [anthropic] }
            """, 8, "resources[0].deployments[1]", "no policy lets anybody reach contoso/anthropic", "remove it, or allow it", true
        },
        // Alias loops.
        { "aliases: { a: [a] }", 9, "aliases.a[0]", "'a' is an alias itself, and a loop: a → a", "name the deployments that it stands for", false },
        { "aliases:\n  a: [b]\n  b: [[contoso/azure, { deployment: c }]]\n  c: { tiers: [a] }", 12, "aliases.c.tiers[0]", "'a' is an alias itself, and a loop: c → a → b → c", "name the deployments that it stands for", false },
        // Regions that are unknown, and scopes that a region cannot keep.
        { Other("foundry, region: eastus3, credential: { api_key: \"${file:key}\" }", "d, hosting: azure"), 1, "resources[0].region", "unknown region 'eastus3'", "accepted: eastus2, swedencentral; did you mean 'eastus2'?", false },
        { Other("foundry, region: swedencentral, credential: { api_key: \"${file:key}\" }", "d, hosting: azure, scope: \"data-zone:us\""), 2, "resources[0].deployments[0].scope", "the catalog has no scope 'data-zone:us' in swedencentral, only global", "put the resource elsewhere", true },
        { Other("vertex, region: mars-north1, project: p, credential: { google: default }", "d"), 1, "resources[0].region", "the catalog does not know the region 'mars-north1' of vertex", "in no geography that a policy can require", true },
        { Other("vertex, region: us-east5, project: p, credential: { google: default }", "d, scope: \"region:europe-west1\""), 2, "resources[0].deployments[0].scope", "the resource is asked in us-east5", "accepted: region:us-east5, or a resource in europe-west1", false },
        { Other("vertex, region: global, project: p, credential: { google: default }", "d, scope: \"data-zone:eu\""), 2, "resources[0].deployments[0].scope", "the resource is asked in global, which is not within 'eu'", "accepted: global, or a resource within eu", false },
        { Other("vertex, region: mars-north1, project: p, credential: { google: default }", "d, scope: \"data-zone:eu\""), 2, "resources[0].deployments[0].scope", "the catalog does not know the region 'mars-north1'", "nothing but this line says that it is within 'eu'", true },
        { Other("bedrock, region: us-east-9, credential: { aws: default }", "d"), 1, "resources[0].region", "unknown region 'us-east-9'", "did you mean 'us-east-1'?", false },
        { Other("bedrock, region: us-east-1, credential: { aws: default }", "us.anthropic.claude-sonnet-4-6, scope: \"data-zone:eu\""), 2, "resources[0].deployments[0].scope", "'us.anthropic.claude-sonnet-4-6' is routed by its profile, and not to 'data-zone:eu'", "accepted: data-zone:us, or global to claim less", false },
        { Other("bedrock, region: us-east-1, credential: { aws: default }", "\"arn:aws:bedrock:us-east-1:123456789012:inference-profile/global.anthropic.claude-sonnet-4-6\", scope: \"region:us-east-1\""), 2, "resources[0].deployments[0].scope", "'global.anthropic.claude-sonnet-4-6' is routed by its profile", "accepted: global", false },
        { Other("bedrock, region: us-east-1, credential: { aws: default }", "anthropic.claude-sonnet-4-6, scope: \"region:eu-west-1\""), 2, "resources[0].deployments[0].scope", "the resource is asked in us-east-1", "accepted: region:us-east-1, or a resource in eu-west-1", false },
        { Other("bedrock, region: us-east-1, credential: { aws: default }", "anthropic.claude-sonnet-4-6, scope: \"data-zone:eu\""), 2, "resources[0].deployments[0].scope", "the resource is asked in us-east-1, which is not within 'eu'", "accepted: global, data-zone:us, region:us-east-1, or a resource within eu", false },
    };

    [Theory]
    [MemberData(nameof(Problems))]
    public void A_mistake_is_told_with_its_place_and_what_to_do(string yaml, int line, string path, string problem, string fix, bool isUsed)
    {
        var file = Path.Combine(_folder, "demarc.yaml");
        File.WriteAllText(file, yaml.StartsWith("resources:", StringComparison.Ordinal) ? yaml : Head + yaml);

        var result = InstallationFiles.Check(file, TimeProvider.System);

        var told = Assert.Single(ConfigReport.Text("demarc.yaml", result).Split('\n'), l => l.Contains($" {path}: ", StringComparison.Ordinal));
        Assert.StartsWith($"demarc.yaml:{line}:", told, StringComparison.Ordinal);
        Assert.Contains($"{(isUsed ? "warning" : "error")}: {path}: {problem}", told, StringComparison.Ordinal);
        Assert.Contains(fix, told, StringComparison.Ordinal);
        Assert.Equal(isUsed, result.Config is not null);
    }

    [Theory]
    [InlineData("{}", "a fact needs at least one source; name an id that $.sources describes")]
    [InlineData("{\"sources\":[]}", "a fact needs at least one source; name an id that $.sources describes")]
    [InlineData("{\"sources\":[\"hearsay\"]}", "'hearsay' is not described under $.sources")]
    public async Task A_catalog_fact_without_a_source_is_told_with_its_place_in_the_catalog(string sources, string problem)
    {
        var catalog = JsonNode.Parse(await File.ReadAllBytesAsync(Path.Combine(AppContext.BaseDirectory, "catalog", "catalog.json"), TestContext.Current.CancellationToken))!;
        var fact = catalog["platforms"]![0]!["hostings"]![1]!["boundaries"]![0]!.AsObject();
        fact.Remove("sources");
        if (JsonNode.Parse(sources)!["sources"] is { } named)
            fact["sources"] = named.DeepClone();
        await File.WriteAllTextAsync(Path.Combine(_folder, "own.json"), catalog.ToJsonString(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(_folder, "demarc.yaml"), Head + "catalog: own.json\n", TestContext.Current.CancellationToken);

        var result = await DemarcCommand.RunAsync(_folder, "config", "check", "demarc.yaml");

        Assert.Equal(1, result.ExitCode);
        Assert.Contains($"demarc.yaml:9:10: error: catalog: 'own.json' cannot be used: $.platforms[0].hostings[1].boundaries[0].sources: {problem}\n", result.Output, StringComparison.Ordinal);
    }

    // A resource of one deployment, whose model is known, in two lines.
    private static string Other(string resource, string deployment) =>
        $"resources: [{{ name: it, platform: {resource}, deployments: [\n  {{ model: claude-sonnet-4-6, name: {deployment} }}] }}]\n";
}
