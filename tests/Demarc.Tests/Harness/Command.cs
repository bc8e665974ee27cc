using System.Diagnostics;

namespace Demarc.Tests.Harness;

/// <summary>What a program left behind.</summary>
public sealed record CommandResult(int ExitCode, string Output, string Errors);

/// <summary>Runs programs in an environment that holds nothing but what is given, as <c>env -i</c> does.</summary>
internal static class Command
{
    // A run that hangs is ended and shown, long before a CI job would be.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <param name="folder">The working directory.</param>
    /// <exception cref="TimeoutException">It did not end within two minutes; it and its children have been killed.</exception>
    public static async Task<CommandResult> RunAsync(
        string program, IEnumerable<string> arguments, string folder, IReadOnlyDictionary<string, string> environment, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in environment)
            start.Environment[name] = value;

        using var process = Process.Start(start)!;
        process.StandardInput.Close();
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(Patience);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var errors = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} did not end.\n{await output}\n{await errors}");
        }
        return new CommandResult(process.ExitCode, await output, await errors);
    }
}
