#:property PublishAot=false
#:property RestorePackagesWithLockFile=false
#:property ImplicitUsings=enable
#:property NoWarn=CA1852
// Prints a CycloneDX 1.6 document of what NuGet restored for a program: sbom.cs PROJECT.ASSETS.JSON RID
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;

var (file, rid) = (args[0], args[1]);
var assets = JsonNode.Parse(File.ReadAllBytes(file))!;
var packages = assets["packageFolders"]!.AsObject().Select(f => f.Key).First();
var target = assets["targets"]!.AsObject().Single(t => t.Key.EndsWith("/" + rid, StringComparison.Ordinal)).Value!.AsObject();
var libraries = assets["libraries"]!;
var product = assets["project"]!["version"]!.ToString();

var components = new JsonArray();
var dependencies = new JsonArray();
var used = target.Where(t => (string?)t.Value!["type"] == "package" && !IsForBuilding(t.Value!)).ToArray();
var references = used.ToDictionary(t => t.Key.Split('/')[0], t => Purl(t.Key.Split('/')[0], t.Key.Split('/')[1]), StringComparer.OrdinalIgnoreCase);
foreach (var (key, value) in used.OrderBy(t => t.Key, StringComparer.Ordinal))
{
    var library = libraries[key]!;
    Add(key.Split('/')[0], key.Split('/')[1], (string)library["path"]!, Convert.ToHexStringLower(Convert.FromBase64String((string)library["sha512"]!)));
    Depends(references[key.Split('/')[0]], Names(value!["dependencies"]));
}
// The runtime, which is part of a self-contained program; NuGet keeps its hash beside it.
foreach (var pack in assets["project"]!["frameworks"]!.AsObject().Single().Value!["downloadDependencies"]!.AsArray())
{
    var (name, version) = ((string)pack!["name"]!, ((string)pack["version"]!).Trim('[', ']').Split(',')[0]);
    if (!name.EndsWith(".Runtime." + rid, StringComparison.Ordinal))
        continue;
    var path = $"{name.ToLowerInvariant()}/{version}";
    Add(name, version, path, Convert.ToHexStringLower(Convert.FromBase64String(File.ReadAllText(Path.Combine(packages, path, $"{name.ToLowerInvariant()}.{version}.nupkg.sha512")))));
    Depends(Purl(name, version), []);
}

var program = $"pkg:generic/demarc@{product}?os={rid}";
dependencies.Insert(0, new JsonObject { ["ref"] = program, ["dependsOn"] = new JsonArray([.. components.Select(c => JsonValue.Create((string)c!["bom-ref"]!))]) });
var document = new JsonObject
{
    ["$schema"] = "http://cyclonedx.org/schema/bom-1.6.schema.json",
    ["bomFormat"] = "CycloneDX",
    ["specVersion"] = "1.6",
    ["serialNumber"] = Serial(components.ToJsonString() + program),
    ["version"] = 1,
    ["metadata"] = new JsonObject
    {
        ["component"] = new JsonObject { ["type"] = "application", ["bom-ref"] = program, ["name"] = "demarc", ["version"] = product, ["licenses"] = License("Apache-2.0") },
    },
    ["components"] = components,
    ["dependencies"] = dependencies,
};
Console.WriteLine(document.ToJsonString(new JsonSerializerOptions { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping }));

void Add(string name, string version, string path, string sha512)
{
    var component = new JsonObject
    {
        ["type"] = "library",
        ["bom-ref"] = Purl(name, version),
        ["name"] = name,
        ["version"] = version,
        ["hashes"] = new JsonArray(new JsonObject { ["alg"] = "SHA-512", ["content"] = sha512 }),
        ["purl"] = Purl(name, version),
    };
    var nuspec = Directory.GetFiles(Path.Combine(packages, path), "*.nuspec").FirstOrDefault();
    var metadata = nuspec is null ? null : XDocument.Load(nuspec).Root!.Elements().FirstOrDefault(e => e.Name.LocalName == "metadata");
    var license = metadata?.Elements().FirstOrDefault(e => e.Name.LocalName == "license");
    if (license is not null && (string?)license.Attribute("type") == "expression")
        component["licenses"] = License(license.Value);
    else if (license is not null)
        component["licenses"] = new JsonArray(new JsonObject { ["license"] = new JsonObject { ["name"] = $"{license.Value} of the package" } });
    else if (metadata?.Elements().FirstOrDefault(e => e.Name.LocalName == "licenseUrl")?.Value is { Length: > 0 } url)
        component["licenses"] = new JsonArray(new JsonObject { ["license"] = new JsonObject { ["name"] = "see its address", ["url"] = url } });
    components.Add(component);
}

void Depends(string reference, IEnumerable<string> names) => dependencies.Add(new JsonObject
{
    ["ref"] = reference,
    ["dependsOn"] = new JsonArray([.. names.Select(n => references.GetValueOrDefault(n)).OfType<string>().Distinct().Order(StringComparer.Ordinal).Select(n => JsonValue.Create(n))]),
});

static string[] Names(JsonNode? map) => map is JsonObject dependencies ? [.. dependencies.Select(d => d.Key)] : [];

// Analyzers leave nothing in the program.
static bool IsForBuilding(JsonNode package) => package["runtime"] is null && package["native"] is null && package["runtimeTargets"] is null && package["dependencies"] is null;

static JsonArray License(string expression) => expression.Contains(' ', StringComparison.Ordinal)
    ? new JsonArray(new JsonObject { ["expression"] = expression })
    : new JsonArray(new JsonObject { ["license"] = new JsonObject { ["id"] = expression } });

static string Purl(string name, string version) => $"pkg:nuget/{name}@{version}";

// From what it lists, so that the same program has the same document: a UUID of version 8.
static string Serial(string of)
{
    var bytes = SHA256.HashData(Encoding.UTF8.GetBytes(of))[..16];
    (bytes[6], bytes[8]) = ((byte)((bytes[6] & 0x0f) | 0x80), (byte)((bytes[8] & 0x3f) | 0x80));
    return "urn:uuid:" + new Guid(bytes, bigEndian: true);
}
