using System.Text.Json;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Commands;

/// <summary>The built program, run as an operator runs it.</summary>
internal static class DemarcCommand
{
    public static string Program { get; } = Path.Combine(AppContext.BaseDirectory, "demarc.dll");

    /// <summary>What programs started here need to find .NET and their home.</summary>
    public static Dictionary<string, string> Environment { get; } = new[] { "PATH", "HOME", "DOTNET_ROOT", "TMPDIR" }
        .Select(name => (name, value: System.Environment.GetEnvironmentVariable(name)))
        .Where(v => v.value is not null).ToDictionary(v => v.name, v => v.value!);

    public static Task<CommandResult> RunAsync(string folder, params string[] arguments) =>
        Command.RunAsync("dotnet", [Program, .. arguments], folder, Environment, TestContext.Current.CancellationToken);

    /// <summary>Runs a command that has to succeed; its standard output, without the last line's end.</summary>
    public static async Task<string> DoneAsync(string folder, params string[] arguments)
    {
        var result = await RunAsync(folder, arguments);
        Assert.True(result.ExitCode == 0, $"demarc {string.Join(' ', arguments)}: {result}");
        return result.Output.TrimEnd();
    }

    public static async Task<JsonElement> JsonAsync(string folder, params string[] arguments) =>
        JsonSerializer.Deserialize<JsonElement>(await DoneAsync(folder, [.. arguments, "--json"]));

    /// <summary>Runs a command that has to fail with that exit code and nothing on standard output; its standard error.</summary>
    public static async Task<string> FailsAsync(int exitCode, string folder, params string[] arguments)
    {
        var result = await RunAsync(folder, arguments);
        Assert.True(result.ExitCode == exitCode && result.Output.Length == 0, $"demarc {string.Join(' ', arguments)}: {result}");
        return result.Errors.TrimEnd();
    }
}
