using System.Text.RegularExpressions;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>The README's first session works as written, in order, in one shell.</summary>
public sealed partial class ReadmeTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    [Fact]
    public async Task Its_commands_do_what_it_says()
    {
        var claude = ClaudeCode.Program(ClaudeVersion.Newest);
        var home = Directory.CreateTempSubdirectory("demarc-readme-").FullName;
        try
        {
            File.CreateSymbolicLink(Path.Combine(home, "claude"), claude);
            File.CreateSymbolicLink(Path.Combine(home, "data"), gateway.DataDirectory);
            // ./run is RunScriptTests' business; its place is taken by this test's gateway.
            var commands = Commands().Where(block => !block.StartsWith("./", StringComparison.Ordinal)).ToArray();
            Assert.True(commands.Length >= 5);

            var run = await Command.RunAsync(
                "/bin/bash",
                ["-c", "set -euo pipefail\n" + string.Join("\necho\n", commands).Replace("http://127.0.0.1:8443", gateway.Url.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal)],
                home,
                new Dictionary<string, string> { ["HOME"] = home, ["PATH"] = $"{home}:/usr/bin:/bin", ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1" },
                TestContext.Current.CancellationToken);

            Assert.True(run.ExitCode == 0, $"{run.Output}\n{run.Errors}");
            // Claude Code twice, a client of one's own, its session and what was said in it.
            Assert.Equal(2, Listing().Count(run.Output));
            Assert.Contains("Echo: Hello", run.Output, StringComparison.Ordinal);
            Assert.Contains("\"clls_", run.Output, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static string[] Commands() =>
        [.. Block().Matches(File.ReadAllText(Repository.Path("README.md"))).Select(match => match.Groups[1].Value.Trim())];

    [GeneratedRegex("^```sh\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();

    [GeneratedRegex("^The listing has [0-9]+ lines\\.", RegexOptions.Multiline)]
    private static partial Regex Listing();
}
