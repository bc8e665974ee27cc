using Demarc.Bench.Latency;
using Demarc.Bench.Load;
using Demarc.Bench.Report;

namespace Demarc.Bench;

/// <summary>
/// What each target adds to the upstream's own time, one request at a time. Targets and the commit loops take turns in
/// short blocks, so that all of them meet the same noise.
/// </summary>
internal static class AddedLatency
{
    private const int Block = 50;

    public static async Task RunAsync(Workbench bench, bool quick, BenchResult result)
    {
        // A record of each store, for the size of the commits that they are held against.
        foreach (var server in new[] { bench.DemarcSqlite, bench.DemarcPostgres })
            await bench.Wrk.RunAsync(new Target("recorded", server.Url, server.Credential), RequestText.Small(), 4, 1);
        var sizes = (Sqlite: await RecordSize.ReadSqliteAsync(Path.Combine(bench.DemarcSqlite.Folder, "demarc.db")), Postgres: await PostgresSizeAsync(bench));
        await using var sqlite = await CommitLoop.SqliteAsync(bench.DemarcSqlite.Folder, sizes.Sqlite);
        await using var postgres = await CommitLoop.PostgresAsync(bench.Postgres, sizes.Postgres);
        var loops = new Dictionary<string, CommitLoop> { [Target.Sqlite] = sqlite, [Target.Postgres] = postgres };
        result.RecordBytes = sizes.Sqlite.Body + sizes.Sqlite.Content;

        await bench.Simulator.ScriptAsync(Scripts.Delayed, Scripts.DelayedStream, Scripts.Stream);
        var n = quick ? 300 : 2000;
        await MeasureAsync(bench, loops, "whole, 20 ms", RequestText.Small(model: RequestText.DelayedModel), n, result);
        await MeasureAsync(bench, loops, "whole, instant", RequestText.Small(), quick ? 1000 : 4000, result);
        await MeasureAsync(bench, loops, "whole 85 KB, instant", RequestText.Large(), quick ? 300 : 2000, result);
        await MeasureAsync(bench, loops, "stream, 20 ms", RequestText.Small(stream: true, RequestText.DelayedModel), n, result);
        await MeasureAsync(bench, loops, "stream, instant", RequestText.Small(stream: true), quick ? 1000 : 4000, result);
        await bench.Simulator.ScriptAsync(Scripts.PacedStream);
        await MeasureAsync(bench, loops, "stream, 20 ms, paced", RequestText.Small(stream: true, RequestText.DelayedModel), quick ? 50 : 100, result);
        await bench.Simulator.ScriptAsync();
    }

    private static async Task MeasureAsync(Workbench bench, Dictionary<string, CommitLoop> loops, string name, RequestText text, int count, BenchResult result)
    {
        var clients = bench.Targets.Select(t => (Target: t, Client: new RawClient(t, text, $"{name.Replace(' ', '-').Replace(",", "", StringComparison.Ordinal)}"))).ToArray();
        var first = bench.Targets.ToDictionary(t => t.Name, _ => new Samples());
        var last = bench.Targets.ToDictionary(t => t.Name, _ => new Samples());
        var commits = loops.Keys.ToDictionary(k => k, _ => new Samples());
        for (var done = -Block; done < count; done += Block)
        {
            foreach (var (target, client) in clients)
            {
                for (var i = 0; i < Block; i++)
                {
                    var exchange = client.Ask();
                    // The first block fills caches and the session's past.
                    if (done < 0)
                        continue;
                    first[target.Name].Add(exchange.First - exchange.Service);
                    last[target.Name].Add(exchange.Last - exchange.ServiceLast);
                }
                if (loops.TryGetValue(target.Name, out var loop))
                {
                    for (var i = 0; i < Block; i++)
                        commits[target.Name].Add(loop.Commit());
                    loop.BetweenBlocks();
                }
            }
        }
        foreach (var (target, client) in clients)
        {
            client.Dispose();
            var (f, l, c) = (first[target.Name], last[target.Name], commits.GetValueOrDefault(target.Name));
            result.Latency.Add(new LatencyRow(name, target.Name, l.Count, f.P50, f.P99, l.P50, l.P99, c?.P50, c?.P99));
        }
        await Console.Error.WriteLineAsync($"  {name}: " + string.Join(", ", result.Latency.TakeLast(bench.Targets.Length).Select(r => $"{r.Target} {r.LastP50:0}/{r.LastP99:0} µs")));
        await Quiet.WaitAsync();
    }

    private static async Task<RecordSize> PostgresSizeAsync(Workbench bench)
    {
        await using var connection = await bench.Postgres.OpenAsync("demarc");
        return await RecordSize.ReadAsync(connection);
    }
}
