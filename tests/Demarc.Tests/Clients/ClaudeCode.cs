using System.Runtime.InteropServices;
using System.Text.Json;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>The versions of Claude Code that are tried: the newest, and one that many still run.</summary>
public enum ClaudeVersion
{
    /// <summary>2.1.330.</summary>
    Newest,

    /// <summary>2.1.197.</summary>
    Older,
}

/// <summary>What a run of Claude Code printed, and how it ended.</summary>
public sealed record ClaudeRun(int ExitCode, JsonElement Printed)
{
    /// <summary>The text a developer sees.</summary>
    public string Result => Printed.GetProperty("result").GetString()!;

    /// <summary>
    /// Whether both turns of <c>run ls</c> completed: the simulator counts the lines that come back from the tool, to which
    /// the client may have added some of its own.
    /// </summary>
    public bool Listed => ExitCode == 0 && Result.StartsWith("The listing has ", StringComparison.Ordinal);

    public string SessionId => Printed.GetProperty("session_id").GetString()!;
}

/// <summary>
/// The real command-line client, headless, in a fresh home and an empty environment, so that nothing of the machine's
/// owner leaks in. Its working directory holds <see cref="Files"/>.
/// </summary>
internal static class ClaudeCode
{
    /// <summary>What <c>ls</c> lists where the client runs.</summary>
    public static readonly string[] Files = ["one.txt", "three.txt", "two.txt"];

    /// <summary>Runs <c>claude -p "run ls"</c> with Bash allowed.</summary>
    public static Task<ClaudeRun> RunAsync(ClaudeVersion version, IReadOnlyDictionary<string, string> environment, params string[] arguments) =>
        RunAsync(version, environment, credentials: null, arguments);

    /// <param name="credentials">What <c>~/.claude/.credentials.json</c> holds before; null for none.</param>
    public static async Task<ClaudeRun> RunAsync(ClaudeVersion version, IReadOnlyDictionary<string, string> environment, string? credentials, string[] arguments)
    {
        var run = await PrintAsync(version, environment, credentials, arguments);
        Assert.True(run.Output.StartsWith('{'), $"exit {run.ExitCode}\n{run.Output}\n{run.Errors}");
        return new ClaudeRun(run.ExitCode, JsonDocument.Parse(run.Output).RootElement);
    }

    /// <summary>The same, for a client that may end before its first turn, with plain words.</summary>
    public static async Task<CommandResult> PrintAsync(ClaudeVersion version, IReadOnlyDictionary<string, string> environment, string? credentials, string[] arguments)
    {
        var home = Directory.CreateTempSubdirectory("demarc-claude-").FullName;
        try
        {
            return await PrintAtAsync(home, version, environment, credentials, arguments);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    /// <summary>The same in a home that is the caller's.</summary>
    public static async Task<CommandResult> PrintAtAsync(string home, ClaudeVersion version, IReadOnlyDictionary<string, string> environment, string? credentials, string[] arguments)
    {
        var program = Program(version);
        if (credentials is not null)
            await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(home, ".claude")).FullName, ".credentials.json"), credentials);
        var folder = Directory.CreateDirectory(Path.Combine(home, "project")).FullName;
        foreach (var file in Files)
            await File.WriteAllTextAsync(Path.Combine(folder, file), "");
        return await Command.RunAsync(
            program,
            ["-p", "run ls", "--allowedTools", "Bash", "--output-format", "json", .. arguments],
            folder,
            new Dictionary<string, string>(environment)
            {
                ["HOME"] = home,
                ["PATH"] = "/usr/bin:/bin",
                ["CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC"] = "1",
            },
            TestContext.Current.CancellationToken);
    }

    /// <summary>The program itself: each version has a package for every platform, the older one its own beside it.</summary>
    public static string Program(ClaudeVersion version)
    {
        var system = OperatingSystem.IsMacOS() ? "darwin" : "linux";
        var machine = RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? "arm64" : "x64";
        var folder = version == ClaudeVersion.Older ? "claude-code-older/node_modules/" : "";
        return Component.Npm($"{folder}@anthropic-ai/claude-code-{system}-{machine}/claude");
    }
}
