using System.Globalization;
using System.Text.RegularExpressions;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Deploy;

/// <summary>The systemd unit, judged by systemd's own tools.</summary>
public sealed partial class SystemdTests : IDisposable
{
    private const string Program = "/opt/demarc/demarc";

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-unit-").FullName;

    private static string Unit { get; } = File.ReadAllText(Repository.Path("deploy", "systemd", "demarc.service"));

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task The_unit_is_one_and_what_is_not_is_found()
    {
        Assert.Equal(0, (await AnalyzeAsync(Unit, "verify", "--man=no")).ExitCode);
        Assert.Equal("", (await AnalyzeAsync(Unit, "verify", "--man=no")).Errors);

        var bad = await AnalyzeAsync(Unit.Replace("LimitCORE", "LimitCores", StringComparison.Ordinal), "verify", "--man=no");
        Assert.Contains("LimitCores", bad.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task It_is_hardened_and_leaves_no_memory_behind()
    {
        var result = await AnalyzeAsync(Unit, "security", "--offline=true", "--no-pager");

        var level = Exposure().Match(result.Output);
        Assert.True(level.Success, result.ToString());
        Assert.True(double.Parse(level.Groups[1].Value, CultureInfo.InvariantCulture) < 2, level.Value);
        Assert.All(["LimitCORE=0", "MemorySwapMax=0", "Environment=DOTNET_EnableDiagnostics=0", "TimeoutStopSec=31min"], line => Assert.Contains($"\n{line}\n", Unit, StringComparison.Ordinal));
    }

    [Fact]
    public async Task It_starts_the_program_as_the_program_is_started()
    {
        var start = Unit.Split('\n').Single(l => l.StartsWith("ExecStart=", StringComparison.Ordinal))["ExecStart=".Length..].Split(' ');

        Assert.Equal([Program, "serve", "--config", "/etc/demarc/demarc.yaml", "--data", "/var/lib/demarc"], start);
        // The same words, with a file that is not there: no usage error.
        Assert.Contains("/etc/demarc/demarc.yaml", await DemarcCommand.FailsAsync(1, _folder, [.. start[1..^1], _folder]), StringComparison.Ordinal);
    }

    // The program is not where the unit has it; another is put in its place.
    private async Task<CommandResult> AnalyzeAsync(string unit, params string[] arguments)
    {
        const string tool = "/usr/bin/systemd-analyze";
        Component.Require(File.Exists(tool), "systemd is not installed (apt-get install systemd)");
        var file = Path.Combine(_folder, "demarc.service");
        await File.WriteAllTextAsync(file, unit.Replace(Program, "/bin/true", StringComparison.Ordinal), TestContext.Current.CancellationToken);
        return await Command.RunAsync(tool, [.. arguments, file], _folder, DemarcCommand.Environment, TestContext.Current.CancellationToken);
    }

    [GeneratedRegex(@"exposure level for demarc.service: ([0-9.]+)")]
    private static partial Regex Exposure();
}
