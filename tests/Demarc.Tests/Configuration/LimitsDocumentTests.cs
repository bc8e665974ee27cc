using Demarc.Control.Configuration;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Configuration;

/// <summary>The page about limits shows configurations that are accepted.</summary>
public sealed class LimitsDocumentTests : IDisposable
{
    private const string Resources = """

        resources:
          - name: contoso-eastus2
            platform: foundry
            endpoint: https://contoso.services.ai.azure.com/anthropic
            region: eastus2
            agreements: [anthropic-commercial]
            credential: { api_key: "${FOUNDRY_KEY}" }
            deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic } ]
        """;

    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Every_configuration_of_the_page_is_accepted()
    {
        var examples = Examples().Where(e => e.StartsWith("policies:", StringComparison.Ordinal) || e.StartsWith("alerts:", StringComparison.Ordinal)).ToArray();

        Assert.Equal(3, examples.Length);
        foreach (var example in examples)
        {
            var result = _folder.Read(example + Resources);
            Assert.True(result.Config is not null, ConfigReport.Text("limits.md", result));
        }
    }

    // What is indented is an example.
    private static IEnumerable<string> Examples()
    {
        var example = new List<string>();
        foreach (var line in File.ReadLines(Path.Combine(Repository.Root, "docs", "limits.md")).Append("end"))
        {
            if (line.StartsWith("    ", StringComparison.Ordinal))
            {
                example.Add(line[4..]);
                continue;
            }
            if (example.Count > 0)
                yield return string.Join('\n', example) + "\n";
            example.Clear();
        }
    }
}
