using System.Diagnostics;
using System.Globalization;
using System.Text;
using Demarc.Bench.Load;
using Demarc.Bench.Report;
using Demarc.Bench.Servers;

namespace Demarc.Bench;

/// <summary>Where Demarc on SQLite spends its time under 1 KB requests on 64 connections: samples of perf (linux-perf).</summary>
internal static class Profile
{
    private const int Connections = 64;

    // Code compiled in advance and code mapped twice have no names in the map that the runtime writes for perf.
    private static readonly Dictionary<string, string> s_named = new()
    {
        ["DOTNET_PerfMapEnabled"] = "1",
        ["DOTNET_ReadyToRun"] = "0",
        ["DOTNET_EnableWriteXorExecute"] = "0",
    };

    /// <summary>A report; the samples stay in <paramref name="results"/> as <c>perf.data</c>.</summary>
    public static async Task<string> RunAsync(Workbench bench, string results)
    {
        await using var server = await DemarcServer.StartAsync(bench.Programs, "demarc-profile", Path.Combine(bench.Folder, "profile"), bench.Simulator.Url, environment: s_named);
        var target = new Target("demarc-profile", server.Url, server.Credential);
        await bench.Wrk.RunAsync(target, RequestText.Small(), Connections, 15);
        Directory.CreateDirectory(results);
        var data = Path.Combine(results, "perf.data");
        var load = bench.Wrk.RunAsync(target, RequestText.Small(), Connections, 12);
        // wrk says nothing until its end; by now its connections stand.
        await Task.Delay(TimeSpan.FromSeconds(1));
        await Commands.RunAsync("perf", "record", "-F", "499", "-g", "-a", "-m", "32M", "-o", data, "--", "sleep", "9");
        var result = await load;
        // While the process lives: perf takes the names of its code from a file that it writes.
        var samples = PerfSamples.Read(await Commands.RunAsync("perf", "script", "-i", data, "-F", "comm,pid,tid,ip,sym,dso"), server.Process.Id);
        File.Delete($"/tmp/perf-{server.Process.Id}.map");
        return samples.Write(string.Create(CultureInfo.InvariantCulture, $"Profile of demarc-sqlite, 1 KB, c={Connections}: {result.PerSecond:0} requests/s"));
    }
}
