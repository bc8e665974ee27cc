using System.Text.RegularExpressions;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>Every example of docs/clients.md works as written, on the quickstart's own configuration.</summary>
public sealed partial class ClientsDocumentTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    private static readonly string[] Examples =
        [.. Block().Matches(File.ReadAllText(Repository.Path("docs", "clients.md"))).Select(match => match.Groups[1].Value)];

    public static TheoryData<int> Numbers => [.. Enumerable.Range(0, Examples.Length)];

    [Theory]
    [MemberData(nameof(Numbers))]
    public async Task An_example_completes_a_tool_loop(int number)
    {
        var claude = ClaudeCode.Program(ClaudeVersion.Newest);
        var home = Directory.CreateTempSubdirectory("demarc-clients-").FullName;
        try
        {
            File.CreateSymbolicLink(Path.Combine(home, "claude"), claude);
            var before = (await gateway.RequestsAsync()).Length;

            var run = await Command.RunAsync(
                "/bin/bash",
                ["-c", "set -euo pipefail\n" + Examples[number].Replace("http://127.0.0.1:8443", gateway.Url.AbsoluteUri.TrimEnd('/'), StringComparison.Ordinal)],
                home,
                new Dictionary<string, string>
                {
                    ["HOME"] = home,
                    ["PATH"] = $"{home}:/usr/bin:/bin",
                    ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1",
                    ["DEMARC_KEY"] = gateway.DeveloperKey,
                },
                TestContext.Current.CancellationToken);

            Assert.True(run.ExitCode == 0, $"{run.Output}\n{run.Errors}");
            Assert.StartsWith("The listing has ", run.Output, StringComparison.Ordinal);
            Assert.Equal(2, (await gateway.RequestsAsync()).Length - before);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [Fact]
    public void There_is_one_for_every_mode() => Assert.Equal(5, Examples.Length);

    [GeneratedRegex("^```sh\n(.*?)^```$", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
