using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests;

/// <summary>Which project may know which: an arrow more is a decision, made here, not a line in a project file.</summary>
public sealed partial class ArchitectureTests
{
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        ["Demarc"] = ["Demarc.Control", "Demarc.Proxy", "Demarc.Storage"],
        ["Demarc.Proxy"] = ["Demarc.Governance"],
        ["Demarc.Control"] = ["Demarc.Governance", "Demarc.Storage"],
        ["Demarc.Storage"] = ["Demarc.Governance"],
        ["Demarc.Governance"] = [],
        ["Demarc.Simulator"] = [],
    };

    public static TheoryData<string> Projects => [.. Arrows.Keys];

    [Fact]
    public void Every_project_is_known_here() =>
        Assert.Equal(Arrows.Keys.Order(), Directory.GetDirectories(Repository.Path("src")).Where(HasProject).Select(folder => Path.GetFileName(folder)).Order());

    [Theory]
    [MemberData(nameof(Projects))]
    public void A_project_refers_to_those_it_may_know(string project) =>
        Assert.Equal(Arrows[project], References(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)).Order());

    // The executable's own project reaches Governance through those it refers to; what they expose, it uses.
    [Theory]
    [MemberData(nameof(Projects))]
    public void A_built_assembly_refers_to_those_its_project_may_know(string project)
    {
        var allowed = Reachable(project);

        Assert.All(AssembliesOf(project).Where(name => name.StartsWith("Demarc", StringComparison.OrdinalIgnoreCase)), name => Assert.Contains(name, allowed));
    }

    [Fact]
    public void What_proves_who_somebody_is_gets_compared_in_constant_time()
    {
        // A MAC, a hash of a secret or a state that came, against the one that is known.
        string[] comparing =
        [
            "src/Demarc.Control/Compliance/PageTokens.cs", "src/Demarc.Control/Identity/Saml/SamlSignature.cs", "src/Demarc.Control/Identity/Scim/ScimEndpoints.cs",
            "src/Demarc.Control/Identity/SignIn/PendingSignIn.cs", "src/Demarc.Governance/Identity/ApiKey.cs", "src/Demarc.Governance/Identity/SignedId.cs",
            "src/Demarc.Governance/Spend/IncreaseLinks.cs", "src/Demarc.Storage/Directory/CachedKey.cs",
        ];
        Assert.All(comparing, file => Assert.Contains("CryptographicOperations.FixedTimeEquals(", File.ReadAllText(Repository.Path(file)), StringComparison.Ordinal));
        foreach (var folder in new[] { "src/Demarc.Control/Identity", "src/Demarc.Governance/Identity", "src/Demarc.Storage/Directory", "src/Demarc/Serving" })
            Assert.All(Directory.GetFiles(Repository.Path(folder), "*.cs", SearchOption.AllDirectories), file => Assert.False(EarlyEnding().IsMatch(File.ReadAllText(file)), $"{file} compares in the time that it takes to find a difference"));
        Assert.Matches(EarlyEnding(), "if (Mac(value).SequenceEqual(sent))");
        Assert.Matches(EarlyEnding(), "if (secret == presented)");
    }

    [GeneratedRegex(@"\b\w*(secret|mac|hash|presented|signature)\w*(\([^()]*\))?(\.SequenceEqual\(| [!=]= (?!null))", RegexOptions.IgnoreCase)]
    private static partial Regex EarlyEnding();

    [Fact]
    public void Governance_stands_on_the_base_library_alone()
    {
        Assert.Empty(References("Demarc.Governance", "PackageReference"));
        Assert.Empty(References("Demarc.Governance", "FrameworkReference"));
        Assert.All(AssembliesOf("Demarc.Governance"), name => Assert.StartsWith("System.", name, StringComparison.Ordinal));
    }

    [Fact]
    public void Governance_does_no_input_or_output()
    {
        string[] namespaces = ["System.Net", "System.IO.Pipes", "System.Data", "Microsoft"];
        // Values, that reach no network.
        string[] addresses = ["System.Net.IPAddress", "System.Net.IPNetwork"];
        string[] types =
        [
            "System.IO.File", "System.IO.FileStream", "System.IO.FileInfo", "System.IO.Directory", "System.IO.DirectoryInfo", "System.IO.StreamReader",
            "System.IO.StreamWriter", "System.Diagnostics.Process", "System.Console", "System.Threading.Timer",
        ];
        var used = TypesOf("Demarc.Governance");

        Assert.DoesNotContain(used.Except(addresses), type => namespaces.Any(space => type.StartsWith(space + ".", StringComparison.Ordinal)));
        Assert.Empty(used.Intersect(types));
    }

    [Fact]
    public void No_two_messages_of_the_log_have_one_number()
    {
        var numbers = Arrows.Keys.SelectMany(project => Directory.GetFiles(Repository.Path("src", project), "*.cs", SearchOption.AllDirectories))
            .SelectMany(file => LogNumber().Matches(File.ReadAllText(file))).Select(match => match.Groups[1].Value).ToArray();

        Assert.NotEmpty(numbers);
        Assert.Empty(numbers.GroupBy(number => number).Where(same => same.Count() > 1).Select(same => same.Key));
    }

    [GeneratedRegex(@"\[LoggerMessage\((\d+)")]
    private static partial Regex LogNumber();

    private static HashSet<string> Reachable(string project) =>
        [.. Arrows[project].SelectMany(next => Reachable(next).Append(next))];

    private static bool HasProject(string folder) => File.Exists(Path.Combine(folder, Path.GetFileName(folder) + ".csproj"));

    private static string[] References(string project, string element) =>
        [.. XDocument.Load(Repository.Path("src", project, project + ".csproj")).Descendants(element).Select(e => (string)e.Attribute("Include")!)];

    private static string[] AssembliesOf(string project) => Metadata(project, metadata =>
        metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)));

    private static string[] TypesOf(string project) => Metadata(project, metadata =>
        metadata.TypeReferences.Select(metadata.GetTypeReference).Select(type => $"{metadata.GetString(type.Namespace)}.{metadata.GetString(type.Name)}"));

    private static string[] Metadata(string project, Func<MetadataReader, IEnumerable<string>> read)
    {
        var file = project switch { "Demarc" => "demarc.dll", "Demarc.Simulator" => "demarc-simulator.dll", _ => project + ".dll" };
        using var stream = File.OpenRead(Path.Combine(AppContext.BaseDirectory, file));
        using var image = new PEReader(stream);
        return [.. read(image.GetMetadataReader())];
    }
}
