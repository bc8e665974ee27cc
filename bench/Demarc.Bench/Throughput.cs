using Demarc.Bench.Load;
using Demarc.Bench.Report;

namespace Demarc.Bench;

/// <summary>Requests a second of each target in turn, so that what drifts on the machine drifts for all.</summary>
internal static class Throughput
{
    public static async Task WarmAsync(Workbench bench, bool quick)
    {
        foreach (var target in bench.Targets)
        {
            await bench.Simulator.ScriptAsync();
            // Under load the runtime compiles what is hot in the time that is left over, and is done with it after half a minute.
            await bench.Wrk.RunAsync(target, RequestText.Small(), 64, quick ? 4 : 40);
            await bench.Wrk.RunAsync(target, RequestText.Large(), 4, 2);
            await bench.Simulator.ScriptAsync(Scripts.Stream);
            await bench.Wrk.RunAsync(target, RequestText.Small(stream: true), 16, quick ? 2 : 4);
        }
        await bench.Simulator.ScriptAsync();
        await Quiet.WaitAsync();
    }

    public static async Task RunAsync(Workbench bench, BenchOptions options, BenchResult result)
    {
        var cases = new (string Name, RequestText Text, bool Stream)[]
        {
            ("1 KB", RequestText.Small(), false),
            ("85 KB", RequestText.Large(), false),
            ("1 KB, stream of 50 events", RequestText.Small(stream: true), true),
        };
        foreach (var (name, text, stream) in cases.Where(c => c.Name.StartsWith(options.Case, StringComparison.Ordinal)))
        {
            await bench.Simulator.ScriptAsync(stream ? [Scripts.Stream] : []);
            foreach (var connections in options.Connections)
                await MeasureAsync(bench, name, text, connections, options.Quick ? 1 : 3, options.Quick ? 3 : 4, result);
        }
        await bench.Simulator.ScriptAsync();
    }

    private static async Task MeasureAsync(Workbench bench, string name, RequestText text, int connections, int rounds, int seconds, BenchResult result)
    {
        var runs = bench.Targets.ToDictionary(t => t, _ => new List<WrkResult>());
        var backlog = bench.Targets.ToDictionary(t => t, _ => 0.0);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var target in bench.Targets)
            {
                runs[target].Add(await bench.Wrk.RunAsync(target, text, connections, seconds));
                backlog[target] = Math.Max(backlog[target], (await Quiet.WaitAsync()).TotalSeconds);
            }
        }
        var base_ = Median(runs[bench[Target.PassThrough]]).PerSecond;
        foreach (var target in bench.Targets)
        {
            var middle = Median(runs[target]);
            result.Throughput.Add(new ThroughputRow(
                name, connections, target.Name, middle.PerSecond, middle.P50, middle.P99,
                runs[target].Sum(r => r.StatusErrors), runs[target].Sum(r => r.SocketErrors), middle.PerSecond / base_, backlog[target]));
        }
        await Console.Error.WriteLineAsync($"  {name}, c={connections}: " + string.Join(", ", result.Throughput.TakeLast(bench.Targets.Length).Select(r => $"{r.Target} {r.PerSecond:0}")));
    }

    // By requests a second.
    private static WrkResult Median(List<WrkResult> runs) => runs.OrderBy(r => r.PerSecond).ElementAt(runs.Count / 2);
}
