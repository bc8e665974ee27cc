using System.Text.RegularExpressions;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Compliance;

public sealed class AuditDocumentTests
{
    [Fact]
    public async Task The_examples_of_the_document_run_as_they_stand()
    {
        var path = Environment.GetEnvironmentVariable("PATH")!;
        foreach (var program in new[] { "bash", "curl", "jq" })
            Component.Require(path.Split(':').Any(folder => File.Exists(Path.Combine(folder, program))), $"{program} is not installed (apt-get install {program})");
        await using var place = await ProxyPlace.StartAsync();
        await place.AskAsync("s1", User("What is on record?"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var environment = new Dictionary<string, string>
        {
            ["PATH"] = path,
            ["DEMARC_URL"] = place.Client.BaseAddress!.AbsoluteUri.TrimEnd('/'),
            ["DEMARC_COMPLIANCE_KEY"] = place.Keys["compliance_key"],
            ["DEMARC_KEY"] = place.Keys["developer_key"],
        };
        var examples = Regex.Matches(await File.ReadAllTextAsync(Repository.Path("docs", "audit.md"), TestContext.Current.CancellationToken), "(?ms)^```bash\n(.*?)^```");

        var outputs = new List<string>();
        foreach (Match example in examples)
        {
            var result = await Command.RunAsync("bash", ["-euo", "pipefail", "-c", example.Groups[1].Value], place.Folder, environment, TestContext.Current.CancellationToken);
            Assert.True(result.ExitCode == 0, $"{example.Value}\n{result.Output}\n{result.Errors}");
            outputs.Add(result.Output);
        }

        Assert.Equal(7, outputs.Count);
        Assert.Contains("\"demarc_inference\"", outputs[0], StringComparison.Ordinal);
        Assert.Contains("compliance_local_session", outputs[1], StringComparison.Ordinal);
        Assert.Contains("user: What is on record?", outputs[2], StringComparison.Ordinal);
        Assert.StartsWith("full\nOf each request", outputs[4], StringComparison.Ordinal);
        Assert.Contains("clls_", outputs[4], StringComparison.Ordinal);
        Assert.Contains(" developer\n", outputs[5], StringComparison.Ordinal);
        Assert.Contains("200 /v1/compliance/", outputs[6], StringComparison.Ordinal);
    }
}
