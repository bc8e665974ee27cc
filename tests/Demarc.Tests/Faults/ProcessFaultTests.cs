using Demarc.Tests.AdminApi;
using Demarc.Tests.Exports;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>Replicas and PostgreSQL killed and stopped under load.</summary>
[Trait("suite", "faults")]
public sealed class ProcessFaultTests(ITestOutputHelper output)
{
    private const int Kills = 20;

    [Fact]
    public async Task Killed_replicas_lose_nothing()
    {
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Replicas = 3 });
        await using var callers = place.Call(9);
        for (var kill = 0; kill < Kills; kill++)
        {
            await callers.MoreAsync(30);
            // The first one leads at first: it follows the log for all.
            await place.KillAsync(kill % 3);
        }
        await callers.MoreAsync(30);
        await place.HoldsAsync("kill -9 of a replica", Kills, callers);
    }

    [Fact]
    public async Task A_killed_PostgreSQL_loses_nothing()
    {
        await using var server = await PostgresServer.StartOwnAsync();
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Server = server, Replicas = 2 });
        await using var callers = place.Call(8);
        for (var kill = 0; kill < Kills; kill++)
        {
            // It takes connections again: so does who waits for it.
            await callers.MoreAsync(40, within: 10);
            await server.KillAsync();
        }
        await callers.MoreAsync(40, within: 10);
        await place.HoldsAsync("kill -9 of PostgreSQL", Kills, callers);
    }

    [Fact]
    public async Task A_killed_PostgreSQL_loses_nothing_of_a_journal()
    {
        await using var server = await PostgresServer.StartOwnAsync();
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Server = server, More = "journal: journal\noutage: serve" });
        await using var callers = place.Call(8);
        for (var kill = 0; kill < Kills; kill++)
        {
            await callers.MoreAsync(40, within: 10);
            await server.KillAsync();
        }
        await callers.MoreAsync(40, within: 10);
        await place.HoldsAsync("kill -9 of PostgreSQL behind a journal", Kills, callers);
    }

    [Theory, InlineData(1), InlineData(6)]
    public async Task A_PostgreSQL_that_stands_still_loses_nothing(int seconds)
    {
        await using var server = await PostgresServer.StartOwnAsync();
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Server = server, Replicas = 2 });
        await using var callers = place.Call(8);
        for (var stop = 0; stop < 3; stop++)
        {
            await callers.MoreAsync(40);
            await server.SignalAsync("STOP");
            // As long as the fault is to last.
            await Task.Delay(TimeSpan.FromSeconds(seconds), TestContext.Current.CancellationToken);
            await server.SignalAsync("CONT");
        }
        await callers.MoreAsync(40);
        await place.HoldsAsync($"SIGSTOP of PostgreSQL, {seconds} s", 3, callers);
    }

    [Fact]
    public async Task A_replica_that_stands_still_loses_nothing()
    {
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Replicas = 3 });
        await using var callers = place.Call(9);
        for (var stop = 0; stop < 3; stop++)
        {
            await callers.MoreAsync(30);
            await place.Replicas[stop].SignalAsync("STOP");
            // As long as the fault is to last: less than others wait before they take it for dead, and more than a lease holds unconfirmed.
            await Task.Delay(TimeSpan.FromSeconds(8), TestContext.Current.CancellationToken);
            await place.Replicas[stop].SignalAsync("CONT");
        }
        await callers.MoreAsync(30);
        await place.HoldsAsync("SIGSTOP of a replica, 8 s", 3, callers);
    }

    /// <summary>Whoever follows the log and exports for all stands still until others have taken over, and then goes on where it was.</summary>
    [Fact]
    public async Task A_leader_that_wakes_up_after_it_was_replaced_writes_nothing_that_it_should_not()
    {
        await using var collector = await Collector.StartAsync();
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Replicas = 3, More = $"exports: [ {{ name: soc, to: http, url: \"{collector.Url}in\" }} ]" });
        // One after the other they started.
        var ids = await place.Store.QueryAsync<string>("SELECT id FROM replicas ORDER BY started_at");
        var away = -1;
        await using var callers = new Callers(9, place.Key, n => place.Replicas[n % 3 == away ? (n + 1) % 3 : n % 3].Url);
        for (var run = 0; run < 4; run++)
        {
            await callers.MoreAsync(100);
            var leaders = await LeadersAsync(place.Store);
            away = Array.IndexOf(ids, leaders[0]);
            await place.Replicas[away].SignalAsync("STOP");
            var stopped = TimeProvider.System.GetTimestamp();
            // Others take it for dead after a minute without a sign of life; here it is made to look that old.
            await place.Store.SqlAsync<object>("UPDATE replicas SET seen_at = seen_at - 120000 WHERE id = @id", new { id = ids[away] });
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(60), async () => await LeadersAsync(place.Store) is [_, _] now && !now.Contains(ids[away]));
            await callers.MoreAsync(100);
            output.WriteLine($"replaced and 100 answered after {TimeProvider.System.GetElapsedTime(stopped).TotalMilliseconds:0} ms");
            await place.Replicas[away].SignalAsync("CONT");
            var woken = place.Replicas[away];
            // It finds that its session is gone, and says so.
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(60), () => Task.FromResult(woken.Output.Contains("The log could not be followed", StringComparison.Ordinal)));
            output.WriteLine($"found out by {TimeProvider.System.GetElapsedTime(stopped).TotalMilliseconds:0} ms");
            away = -1;
            // Its leases ended while it was taken for dead: it gets others.
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () => await place.Store.SqlAsync<long>("SELECT count(*) FROM budget_leases WHERE ended <> 0") == 0);
            output.WriteLine($"leased to again by {TimeProvider.System.GetElapsedTime(stopped).TotalMilliseconds:0} ms");
        }
        await callers.MoreAsync(100);
        await place.HoldsAsync("SIGSTOP of the leader until it is replaced", 4, callers);

        // What was exported is all there is, and the cursor stands at its end.
        var end = await place.Store.SqlAsync<long>("SELECT max(position) FROM activities");
        await ExportPlace.UntilAsync(async () => await place.Store.SqlAsync<long>("SELECT max(position) FROM export_cursors") >= end);
        Assert.Equal(Enumerable.Range(1, (int)end).Select(n => (long)n), collector.Positions.Distinct().Order().Take((int)end));
    }

    // Who follows the log, and who exports: their ids as replicas.
    private static Task<string[]> LeadersAsync(StorePlace store) => store.QueryAsync<string>(
        $"SELECT a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE l.locktype = 'advisory' AND l.granted AND l.classid::bigint = {0x64656d61} AND l.objid::bigint IN ({0x72630002}, {0x72630003}) AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY l.objid::bigint");
}
