using System.Diagnostics;
using System.Text;
using Demarc.Tests.Commands;
using Xunit;

namespace Demarc.Tests.Harness;

/// <summary><c>demarc serve</c> in a process of its own, which can be killed.</summary>
internal sealed class ServingProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private ServingProcess(Process process) => _process = process;

    public Uri Url { get; private set; } = null!;

    /// <summary>Of the process.</summary>
    public int Id => _process.Id;

    /// <summary>All that it printed so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>Starts it with the quickstart's people and keys; returns when it listens.</summary>
    /// <param name="environment">Beside what the test's process has.</param>
    public static Task<ServingProcess> StartAsync(string config, string data, params (string Name, string Value)[] environment) =>
        StartAsync(["dotnet", DemarcCommand.Program], config, data, "127.0.0.1:0", environment);

    /// <inheritdoc cref="StartAsync(string, string, ValueTuple{string, string}[])"/>
    /// <param name="command">What runs <c>demarc</c>.</param>
    /// <param name="listen">Address and port.</param>
    public static async Task<ServingProcess> StartAsync(string[] command, string config, string data, string listen, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo(command[0], [.. command[1..], "serve", "--config", config, "--data", data, "--listen", listen, "--quickstart"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var serving = new ServingProcess(Process.Start(start)!);
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        serving._process.ErrorDataReceived += (_, line) => serving.Keep(line.Data);
        serving._process.OutputDataReceived += (_, line) =>
        {
            serving.Keep(line.Data);
            if (line.Data is null)
                listening.TrySetException(new InvalidOperationException("demarc serve ended before it listened."));
            else if (line.Data.StartsWith("listening ", StringComparison.Ordinal))
                listening.TrySetResult(line.Data["listening ".Length..]);
        };
        serving._process.BeginErrorReadLine();
        serving._process.BeginOutputReadLine();
        try
        {
            serving.Url = new Uri(await listening.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken));
            return serving;
        }
        catch
        {
            serving.Dispose();
            throw;
        }
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    /// <summary>Waits until it has ended by itself.</summary>
    public Task EndedAsync() => _process.WaitForExitAsync(TestContext.Current.CancellationToken);

    /// <summary>Sends a signal, as <c>kill -STOP</c> does.</summary>
    public async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        // What it has open is let go of when it is gone.
        _process.WaitForExit();
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        lock (_output)
            _output.Append(line).Append('\n');
    }
}
