using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Xunit;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Demarc.Tests.Deploy;

/// <summary>Manifests as Kubernetes reads them.</summary>
internal static class Manifests
{
    /// <summary>Those that are in the repository.</summary>
    public static JsonObject[] Plain() => Read(File.ReadAllText(Repository.Path("deploy", "kubernetes", "demarc.yaml")));

    public static JsonObject[] Read(string yaml)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(yaml));
        return [.. stream.Documents.Select(d => Node(d.RootNode)).OfType<JsonObject>()];
    }

    /// <summary>The one object of a kind and name.</summary>
    public static JsonObject One(JsonObject[] objects, string kind, string name = "demarc") =>
        Assert.Single(objects, o => (string?)o["kind"] == kind && (string?)o["metadata"]!["name"] == name);

    /// <summary>What is wrong with each object, by the schemas of Kubernetes.</summary>
    public static async Task<string[][]> CheckAsync(params JsonObject[] objects)
    {
        Component.Npm(Path.Combine("kubernetes-models", "package.json"));
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, JsonSerializer.Serialize(objects), TestContext.Current.CancellationToken);
            var result = await Command.RunAsync("node", [Repository.Path("tests", "clients", "kubernetes.mjs"), file], Repository.Root, DemarcCommand.Environment, TestContext.Current.CancellationToken);
            Assert.True(result.ExitCode == 0, result.ToString());
            return JsonSerializer.Deserialize<string[][]>(result.Output)!;
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static JsonNode? Node(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value!, Node(c.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Node)]),
        YamlScalarNode { Style: ScalarStyle.Plain } plain => Bare(plain.Value!),
        YamlScalarNode text => JsonValue.Create(text.Value),
        _ => throw new InvalidOperationException($"{node} is no YAML that manifests have."),
    };

    // As YAML's core schema has scalars without quotes.
    private static JsonValue? Bare(string text) => text switch
    {
        "" or "null" or "~" => null,
        "true" => JsonValue.Create(true),
        "false" => JsonValue.Create(false),
        _ when int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        _ => JsonValue.Create(text),
    };
}
