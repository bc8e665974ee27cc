using System.Globalization;
using Demarc.Governance.Identity;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Faults;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>
/// What happens to leases when their holders die or stand still. Minutes each, as PostgreSQL takes a replica for dead after one.
/// </summary>
[Trait("suite", "faults")]
public sealed class ReplicaKillTests(ITestOutputHelper output)
{
    private const int Tokens = 200;

    // Twenty where the whole is to be shown; each takes some ten seconds.
    private static readonly int Kills = int.Parse(Environment.GetEnvironmentVariable("DEMARC_KILLS") ?? "4", CultureInfo.InvariantCulture);

    [Theory, InlineData(false), InlineData(true)]
    public async Task Kills_under_load_lose_no_answer_and_no_lease_and_pass_no_limit(bool isStrict)
    {
        const long limit = 60_000_000_000;
        await using var place = await ReplicaPlace.StartAsync("60.00", new ScriptRule { Deltas = Tokens, BetweenEventsMs = 1 }, more: isStrict ? "durability: strict" : "");
        await using var callers = Call(place);
        output.WriteLine("kill replica answered broken settled_usd highest_usd");
        for (var kill = 0; kill < Kills; kill++)
        {
            await callers.MoreAsync(40, within: 120);
            await place.Replicas[kill % 3].KillAsync();
            await place.RestartAsync(kill % 3);
            var settled = await place.Store.SqlAsync<long>("SELECT coalesce(sum(settled), 0)::bigint FROM budgets");
            output.WriteLine($"{kill + 1} {kill % 3} {callers.Answered.Count} {callers.Broken} {settled / 1e9:0.000000} {place.Highest / 1e9:0.000000}");
        }
        var asked = await BalancesAsync($"kill -9 of a replica with leases of a hard limit{(isStrict ? ", strict" : "")}", Kills, place, callers, limit);
        var begun = await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 1");
        output.WriteLine($"asked {asked}, begun {begun}");
        // Else a request that was killed with its gateway may have been sent before it was on record.
        if (isStrict)
            Assert.InRange(asked, callers.Answered.Count, begun);
    }

    [Fact]
    public async Task A_lease_holder_that_stands_still_past_its_term_spends_nothing_twice()
    {
        const long limit = 1_000_000_000;
        await using var place = await ReplicaPlace.StartAsync("1.00", new ScriptRule { Deltas = Tokens, BetweenEventsMs = 1 });
        await using var callers = Call(place);
        await callers.MoreAsync(60, within: 120);
        // The first one also leads: it keeps the lock of whoever follows the log.
        await place.Replicas[0].SignalAsync("STOP");
        var stopped = TimeProvider.System.GetTimestamp();
        output.WriteLine($"stopped: leased {await LeasedAsync(place) / 1e9:0.000000} by replicas, highest {place.Highest / 1e9:0.000000}");
        // Until the store takes it for dead and has freed what it held: nothing but the store says so.
        while (await place.Store.SqlAsync<long>("SELECT count(DISTINCT replica) FROM budget_leases") >= 3)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(stopped) < TimeSpan.FromMinutes(2), "the lease of a replica that stands still is not freed");
            await Task.Delay(500, TestContext.Current.CancellationToken);
        }
        output.WriteLine($"after {TimeProvider.System.GetElapsedTime(stopped).TotalSeconds:0} s freed: leased {await LeasedAsync(place) / 1e9:0.000000} by replicas, highest {place.Highest / 1e9:0.000000}");
        await place.Replicas[0].SignalAsync("CONT");
        // The rest of the limit is spent by all three.
        await callers.RefusedAsync(100);
        await BalancesAsync("SIGSTOP of the leader past its leases' term", 1, place, callers, limit);
    }

    private static Callers Call(ReplicaPlace place) => new(12, place.Key, n => place.Replicas[n % 3].Url, Tokens);

    private static Task<long> LeasedAsync(ReplicaPlace place) => place.Store.SqlAsync<long>("SELECT coalesce(sum(nano_usd), 0)::bigint FROM budget_leases");

    // How often the provider was asked.
    private async Task<int> BalancesAsync(string fault, int runs, ReplicaPlace place, Callers callers, long limit)
    {
        await callers.StopAsync();
        await place.SettledAsync(TimeSpan.FromMinutes(3));
        // The tree follows the log a moment later.
        await FaultPlace.SettledAsync(place.Store, StoreKind.Postgres, callers);
        var settled = await place.Store.SqlAsync<long>("SELECT sum(settled)::bigint FROM budgets");
        var ledger = await place.Store.SqlAsync<long>("SELECT sum(nano_usd)::bigint FROM ledger");
        var tally = await Tally.OfAsync(place.Store, place.Simulator, callers);
        output.WriteLine($"{tally}; settled {settled / 1e9:0.000000}, ledger {ledger / 1e9:0.000000}, highest {place.Highest / 1e9:0.000000} of {limit / 1e9:0.00}");
        FaultTable.Add(fault, runs, tally);
        Assert.True(tally is { Lost: 0, Doubled: 0, Answered: > 0 }, $"{tally}");
        Assert.Equal(ledger, settled);
        Assert.InRange(place.Highest, 1, limit);
        // The provider's own count of an answer.
        var ids = callers.Answered.Values.Select(id => Ids.TryParse(Ids.Request, id, out var request) ? request.ToByteArray(bigEndian: true) : []).ToArray();
        Assert.Equal(ids.Length, await place.Store.SqlAsync<long>("SELECT count(*) FROM ledger WHERE request_id = ANY(@ids) AND incomplete = 0 AND output_tokens = @Tokens", new { ids, Tokens }));
        return tally.Asked;
    }
}
