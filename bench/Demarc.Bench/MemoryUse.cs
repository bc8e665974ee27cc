using Demarc.Bench.Latency;
using Demarc.Bench.Load;
using Demarc.Bench.Report;
using Demarc.Bench.Servers;

namespace Demarc.Bench;

/// <summary>Resident memory of a fresh Demarc: idle, and as it serves.</summary>
internal static class MemoryUse
{
    private const int Connections = 16;

    public static async Task RunAsync(Workbench bench, bool quick, BenchResult result)
    {
        await using var server = await DemarcServer.StartAsync(bench.Programs, "demarc-memory", Path.Combine(bench.Folder, "memory"), bench.Simulator.Url);
        var target = new Target("demarc-memory", server.Url, server.Credential);
        // What a start leaves behind settles without a sign.
        await Task.Delay(TimeSpan.FromSeconds(3));
        result.Memory.Add(new MemoryRow(0, server.Process.Memory()));
        var clients = Enumerable.Range(0, Connections).Select(i => new RawClient(target, RequestText.Small(), $"memory-{i:00}")).ToArray();
        var steps = quick ? new[] { 5_000, 20_000 } : [20_000, 40_000, 60_000, 80_000, 100_000];
        var done = 0;
        foreach (var step in steps)
        {
            Ask(clients, step - done);
            done = step;
            server.Process.MustLive();
            result.Memory.Add(new MemoryRow(done, server.Process.Memory()));
        }
        foreach (var client in clients)
            client.Dispose();
        // A collector that gives memory back says nothing.
        await Task.Delay(TimeSpan.FromSeconds(5));
        result.MemoryAfter = server.Process.Memory();
        result.MemoryPeak = server.Process.Memory("VmHWM");
    }

    private static void Ask(RawClient[] clients, int requests)
    {
        var failures = new List<Exception>();
        var threads = clients.Select(client => new Thread(() =>
        {
            try
            {
                for (var i = 0; i < requests / clients.Length; i++)
                    client.Ask();
            }
            catch (Exception e)
            {
                lock (failures)
                    failures.Add(e);
            }
        })).ToList();
        threads.ForEach(t => t.Start());
        threads.ForEach(t => t.Join());
        if (failures.Count > 0)
            throw new BenchException(failures[0].Message);
    }
}
