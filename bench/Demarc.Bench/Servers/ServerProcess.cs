using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Demarc.Bench.Servers;

/// <summary>A server in a process of its own, started here and stopped by its id.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const string Listening = "listening ";
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private static readonly ConcurrentDictionary<int, Process> s_running = new();

    private readonly Process _process;
    private readonly string _stopSignal;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<Uri> _url = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private ServerProcess(string name, Process process, string stopSignal)
    {
        (Name, _process, _stopSignal) = (name, process, stopSignal);
        Started = Stopwatch.GetTimestamp();
        s_running[process.Id] = process;
        process.OutputDataReceived += (_, line) => Keep(line.Data);
        process.ErrorDataReceived += (_, line) => Keep(line.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    public string Name { get; }

    public int Id => _process.Id;

    /// <summary>When it was started, as of <see cref="Stopwatch"/>.</summary>
    public long Started { get; }

    /// <param name="stopSignal">TERM, or INT for PostgreSQL, which else waits for its clients.</param>
    public static ServerProcess Start(string name, string program, IEnumerable<string> arguments, string stopSignal = "TERM", IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        foreach (var (key, value) in environment ?? new Dictionary<string, string>())
            start.Environment[key] = value;
        return new ServerProcess(name, Process.Start(start)!, stopSignal);
    }

    /// <summary>Ends all that still run: for a run that is broken off.</summary>
    public static void KillAll()
    {
        foreach (var process in s_running.Values)
            process.Kill(entireProcessTree: true);
    }

    /// <summary>The address of its line <c>listening URL</c>.</summary>
    public Task<Uri> UrlAsync() => _url.Task.WaitAsync(s_patience);

    /// <summary>Tries until it works, while the process lives.</summary>
    public async Task ReadyAsync(Func<Task> attempt)
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            try
            {
                await attempt();
                return;
            }
            catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException or System.Data.Common.DbException)
            {
                if (_process.HasExited || Stopwatch.GetElapsedTime(started) > s_patience)
                    throw Failure("did not get ready", e);
                // A server of another make (nginx, PostgreSQL) announces nothing: it is ready when it answers.
                await Task.Delay(20);
            }
        }
    }

    /// <summary>Resident memory in bytes: <c>VmRSS</c>, or <c>VmHWM</c> for its peak.</summary>
    public long Memory(string field = "VmRSS")
    {
        var line = File.ReadLines($"/proc/{Id}/status").First(l => l.StartsWith(field + ":", StringComparison.Ordinal));
        return long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2], CultureInfo.InvariantCulture) << 10;
    }

    /// <summary>Processor time used so far, in clock ticks of 10 ms.</summary>
    public long ProcessorTicks()
    {
        var stat = File.ReadAllText($"/proc/{Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
    }

    /// <exception cref="BenchException">It has ended.</exception>
    public void MustLive()
    {
        if (_process.HasExited)
            throw Failure("ended while it was measured", null);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            using (var kill = Process.Start("/bin/kill", ["-s", _stopSignal, Id.ToString(CultureInfo.InvariantCulture)]))
                await kill.WaitForExitAsync();
            using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(15));
            try
            {
                await _process.WaitForExitAsync(patience.Token);
            }
            catch (OperationCanceledException)
            {
                _process.Kill(entireProcessTree: true);
            }
        }
        s_running.TryRemove(Id, out _);
        _process.Dispose();
    }

    private void Keep(string? line)
    {
        if (line is null)
        {
            _url.TrySetException(new BenchException($"{Name} ended before it listened:\n{_output}"));
            return;
        }
        lock (_output)
        {
            if (_output.Length < 20_000)
                _output.AppendLine(line);
        }
        if (line.StartsWith(Listening, StringComparison.Ordinal))
            _url.TrySetResult(new Uri(line[Listening.Length..].Trim()));
    }

    private BenchException Failure(string what, Exception? why)
    {
        lock (_output)
            return new BenchException($"{Name} {what}: {why?.Message}\n{_output}");
    }
}

/// <summary>A part of the benchmark does not work; the message says which.</summary>
internal sealed class BenchException(string message) : Exception(message);
