using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary><c>deploy/replicas</c>: three gateways behind haproxy, on one PostgreSQL and one blob store.</summary>
[Trait("suite", "faults")]
public sealed partial class ReplicaSetTests(ITestOutputHelper output)
{
    // Twenty where the whole is to be shown.
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("DEMARC_KILLS") ?? "2", CultureInfo.InvariantCulture);

    [Fact]
    public async Task Three_replicas_are_as_one()
    {
        await using var set = await ReplicaSet.StartAsync();
        // 1 what one is told all know
        await DemarcCommand.DoneAsync(set.Folder, "alias", "move", "quick", "east/claude-sonnet-4-6", "--yes", "--config", set.Config, "--data", set.Data);
        var moved = TimeProvider.System.GetTimestamp();
        foreach (var n in Enumerable.Range(1, 3))
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (await set.ModelsAsync(set.At($"gateway{n}"))).Contains("\"quick\"", StringComparison.Ordinal));
        var followed = TimeProvider.System.GetElapsedTime(moved);
        output.WriteLine($"an alias that moved holds on all three after {followed.TotalMilliseconds:0} ms");
        Assert.InRange(followed.TotalMilliseconds, 0, 1000);

        // 2 the one that follows the log for all is killed, and in turn with it any
        await using var callers = new Callers(9, set.DeveloperKey, _ => set.Balancer);
        for (var kill = 0; kill < Kills; kill++)
        {
            await callers.MoreAsync(100);
            var leader = 0;
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () => (leader = await LeaderAsync(set.Store)) is not 0);
            var victim = kill % 2 == 0 ? leader : set.ProcessOf($"gateway{1 + (kill % 3)}");
            var killed = TimeProvider.System.GetTimestamp();
            Process.GetProcessById(victim).Kill();
            int? next = null;
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () => (next = await LeaderAsync(set.Store)) is not 0 && next != victim);
            output.WriteLine($"process {victim} was killed{(victim == leader ? ", which led" : "")}; process {next} leads after {TimeProvider.System.GetElapsedTime(killed).TotalMilliseconds:0} ms");
            await callers.MoreAsync(100);
            await set.RunAsync("up");
        }

        // 3 each is replaced under load, and streams that last longer than the load balancer is told of the end come to theirs
        var (refused, broken) = (callers.Refused, callers.Broken);
        var streams = set.LongStreams(12, "quick");
        await set.RunAsync("roll");
        Assert.All(await Task.WhenAll(streams), stream => Assert.Contains("message_stop", stream, StringComparison.Ordinal));
        await callers.MoreAsync(100);
        Assert.Equal((refused, broken), (callers.Refused, callers.Broken));

        // 4 and all of it is on record once
        await set.HoldsAsync("kill -9 and rolling restart behind haproxy", Kills + 3, callers);

        // 5 nothing is left running
        var processes = Directory.GetFiles(set.Folder, "*.pid").Select(f => int.Parse(File.ReadAllText(f), CultureInfo.InvariantCulture)).ToArray();
        Assert.Equal(6, processes.Length);
        await set.RunAsync("down");
        Assert.All(processes, p => Assert.False(Runs(p)));
    }

    // One that has ended stays in the table until its parent asks after it.
    private static bool Runs(int process)
    {
        try
        {
            var stat = File.ReadAllText($"/proc/{process}/stat");
            return stat[stat.LastIndexOf(')') + 2] != 'Z';
        }
        catch (IOException)
        {
            // Not in the table at all.
            return false;
        }
    }

    // The process at the other end of the connection that holds the lock of who follows the log; 0 for none.
    private static async Task<int> LeaderAsync(StorePlace store)
    {
        var ports = await store.QueryAsync<int>($"SELECT client_port FROM pg_locks JOIN pg_stat_activity USING (pid) WHERE locktype = 'advisory' AND granted AND classid::bigint = {0x64656d61} AND objid::bigint = {0x72630002}");
        foreach (var port in ports)
        {
            var found = await Command.RunAsync("ss", ["-tnpH", $"sport = :{port}"], "/", DemarcCommand.Environment, TestContext.Current.CancellationToken);
            if (ProcessOf().Match(found.Output) is { Success: true } match)
                return int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture);
        }
        return 0;
    }

    [GeneratedRegex("pid=([0-9]+)")]
    private static partial Regex ProcessOf();
}
