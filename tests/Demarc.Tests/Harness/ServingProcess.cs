using System.Diagnostics;
using Xunit;

namespace Demarc.Tests.Harness;

/// <summary>A real <c>demarc serve</c>, killed when it is disposed of.</summary>
internal sealed class ServingProcess : IDisposable
{
    private readonly Process _process;

    private ServingProcess(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public static async Task<ServingProcess> StartAsync(string config, string data)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { Path.Combine(AppContext.BaseDirectory, "demarc.dll"), "serve", "--config", config, "--data", data, "--listen", "127.0.0.1:0", "--quickstart" })
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.ErrorDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        process.OutputDataReceived += (_, line) =>
        {
            if (line.Data is null)
                listening.TrySetException(new InvalidOperationException("demarc serve ended before it listened."));
            else if (line.Data.StartsWith("listening ", StringComparison.Ordinal))
                listening.TrySetResult(line.Data["listening ".Length..]);
        };
        process.BeginOutputReadLine();
        return new ServingProcess(process, new Uri(await listening.Task.WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken)));
    }

    /// <summary>Sends a signal, as <c>kill -STOP</c> does.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
    }
}
