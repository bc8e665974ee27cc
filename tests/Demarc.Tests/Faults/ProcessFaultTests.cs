using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>Replicas and PostgreSQL killed and stopped under load.</summary>
[Trait("suite", "faults")]
public sealed class ProcessFaultTests
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

    [Fact(Explicit = true)]
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

    [Theory(Explicit = true), InlineData(1), InlineData(6)]
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

    [Fact(Explicit = true)]
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
}
