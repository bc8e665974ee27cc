using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using Demarc.Bench;
using Demarc.Bench.Report;
using Demarc.Bench.Servers;

BenchOptions options;
try
{
    options = BenchOptions.Parse(args);
}
catch (FormatException wrong)
{
    await Console.Error.WriteLineAsync(wrong.Message);
    return 2;
}

// A run that is broken off leaves no server behind.
using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, BreakOff);
using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, BreakOff);

var now = TimeProvider.System.GetUtcNow();
var result = new BenchResult
{
    At = now.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture),
    Machine = $"{Environment.ProcessorCount} cores, {RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}",
    Quick = options.Quick,
    Awake = options.Awake,
};
try
{
    if (options.Runs("decision"))
        Decisions.Run(Path.Combine(options.Programs, "demarc", "catalog", "catalog.json"), result);
    if (options.Only is not ["decision"])
        await MeasureServersAsync();
}
catch (Exception e)
{
    result.Failures.Add(e is BenchException ? e.Message : e.ToString());
}

if (options.Runs(BenchOptions.Profile) && result.Failures.Count == 0)
    return 0;
Verdicts.Judge(result);
var file = options.Out ?? Path.Combine(options.Results, now.ToString("yyyyMMdd'T'HHmmss'Z.json'", CultureInfo.InvariantCulture));
Directory.CreateDirectory(Path.GetDirectoryName(file)!);
await File.WriteAllTextAsync(file, JsonSerializer.Serialize(result, BenchJson.Options));
await Console.Out.WriteLineAsync(Tables.Write(result));
Say($"written to {file}");
return result.Failures.Count == 0 ? 0 : 1;

async Task MeasureServersAsync()
{
    Say("starting");
    await using var awake = options.Awake ? new Awake() : null;
    await using var bench = await Workbench.StartAsync(options);
    if (options.Runs(BenchOptions.Profile))
        await Section("profile", async () => await Console.Out.WriteLineAsync(await Profile.RunAsync(bench, options.Results)));
    // Start-up and memory take fresh processes; the rest wants warm ones.
    if (options.Runs("startup"))
        await Section("startup", () => StartUp.RunAsync(bench, result));
    if (options.Runs("memory"))
        await Section("memory", () => MemoryUse.RunAsync(bench, options.Quick, result));
    if (options.Runs("throughput") || options.Runs("latency"))
        await Section("warming up", () => Throughput.WarmAsync(bench, options.Quick));
    if (options.Runs("latency"))
        await Section("latency", () => AddedLatency.RunAsync(bench, options.Quick, result));
    if (options.Runs("throughput"))
        await Section("throughput", () => Throughput.RunAsync(bench, options, result));
}

async Task Section(string name, Func<Task> run)
{
    Say(name);
    var started = Stopwatch.GetTimestamp();
    try
    {
        await run();
    }
    catch (Exception e) when (e is BenchException or System.Net.Sockets.SocketException or IOException)
    {
        result.Failures.Add($"{name}: {e.Message}");
    }
    Say($"{name}: {Stopwatch.GetElapsedTime(started).TotalSeconds:0} s");
}

static void BreakOff(PosixSignalContext signal)
{
    ServerProcess.KillAll();
    Environment.Exit(130);
}

static void Say(string what) => Console.Error.WriteLine(what);
