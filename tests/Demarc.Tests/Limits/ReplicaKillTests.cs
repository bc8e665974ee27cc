using System.Collections.Concurrent;
using System.Net;
using Demarc.Simulator.Scripts;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>
/// What happens to leases when their holders die or stand still. Minutes each, as PostgreSQL takes a replica for dead after one.
/// </summary>
[Trait("suite", "faults")]
public sealed class ReplicaKillTests(ITestOutputHelper output)
{
    private const int Tokens = 200;
    private const int Kills = 20;

    // A client that goes on asking a replica that is gone or stands still.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Twenty_kills_under_load_lose_no_answer_and_no_lease_and_pass_no_limit()
    {
        const long limit = 60_000_000_000;
        await using var place = await ReplicaPlace.StartAsync("60.00", new ScriptRule { Deltas = Tokens, BetweenEventsMs = 1 });
        using var load = new Load(place, 12);
        output.WriteLine("kill replica answered broken settled_usd highest_usd");
        for (var kill = 0; kill < Kills; kill++)
        {
            await load.AnsweredAsync(load.Answered + 40);
            await place.Replicas[kill % 3].KillAsync();
            await place.RestartAsync(kill % 3);
            var settled = await place.Store.SqlAsync<long>("SELECT coalesce(sum(settled), 0)::bigint FROM budgets");
            output.WriteLine($"{kill + 1} {kill % 3} {load.Answered} {load.Broken} {settled / 1e9:0.000000} {place.Highest / 1e9:0.000000}");
        }
        await load.StopAsync();
        await place.SettledAsync(TimeSpan.FromMinutes(3));

        await BalancesAsync(place, load, limit);
    }

    [Fact]
    public async Task A_lease_holder_that_stands_still_past_its_term_spends_nothing_twice()
    {
        const long limit = 1_000_000_000;
        await using var place = await ReplicaPlace.StartAsync("1.00", new ScriptRule { Deltas = Tokens, BetweenEventsMs = 1 });
        using (var load = new Load(place, 12))
        {
            await load.AnsweredAsync(60);
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
            await load.RefusedAsync(100);
            await load.StopAsync();
            await place.SettledAsync(TimeSpan.FromMinutes(3));
            await BalancesAsync(place, load, limit);
        }
    }

    private static Task<long> LeasedAsync(ReplicaPlace place) => place.Store.SqlAsync<long>("SELECT coalesce(sum(nano_usd), 0)::bigint FROM budget_leases");

    private async Task BalancesAsync(ReplicaPlace place, Load load, long limit)
    {
        var settled = await place.Store.SqlAsync<long>("SELECT sum(settled)::bigint FROM budgets");
        var ledger = await place.Store.SqlAsync<long>("SELECT sum(nano_usd)::bigint FROM ledger");
        var interrupted = await place.Store.SqlAsync<long>("SELECT count(*) FROM ledger WHERE incomplete = 1");
        var upstream = place.Simulator.Log.Read(0).Length;
        var begun = await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 1");
        output.WriteLine(
            $"answered {load.Answered}, refused {load.Refused}, broken {load.Broken}; asked of the provider {upstream}, begun {begun}, incomplete {interrupted}; " +
            $"settled {settled / 1e9:0.000000}, ledger {ledger / 1e9:0.000000}, highest {place.Highest / 1e9:0.000000} of {limit / 1e9:0.00}");
        Assert.Equal(ledger, settled);
        Assert.InRange(place.Highest, 1, limit);
        foreach (var id in load.Ids)
        {
            var bytes = Governance.Identity.Ids.TryParse(Governance.Identity.Ids.Request, id, out var guid) ? guid.ToByteArray(bigEndian: true) : [];
            // The provider's own count of an answer.
            Assert.Equal(Tokens, await place.Store.SqlAsync<long>("SELECT output_tokens FROM ledger WHERE request_id = @bytes AND incomplete = 0", new { bytes }));
        }
    }

    /// <summary>Clients that ask all replicas in turn, streaming and not, until they are stopped.</summary>
    private sealed class Load : IDisposable
    {
        private readonly ReplicaPlace _place;
        private readonly HttpClient _client = new(new SocketsHttpHandler()) { Timeout = Timeout.InfiniteTimeSpan };
        private readonly CancellationTokenSource _stop = new();
        private readonly ConcurrentBag<string> _ids = [];
        private readonly Task[] _clients;
        private volatile TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _refused;
        private int _broken;

        public Load(ReplicaPlace place, int clients)
        {
            _place = place;
            _clients = [.. Enumerable.Range(0, clients).Select(AskAsync)];
        }

        public IReadOnlyCollection<string> Ids => _ids;

        public int Answered => _ids.Count;

        public int Refused => _refused;

        public int Broken => _broken;

        public Task AnsweredAsync(int count) => UntilAsync(() => Answered >= count);

        public Task RefusedAsync(int count) => UntilAsync(() => Refused >= count);

        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await Task.WhenAll(_clients);
        }

        public void Dispose()
        {
            _stop.Cancel();
            _client.Dispose();
        }

        private async Task UntilAsync(Func<bool> reached)
        {
            while (true)
            {
                var changed = _changed.Task;
                if (reached())
                    return;
                await changed.WaitAsync(TimeSpan.FromMinutes(2), TestContext.Current.CancellationToken);
            }
        }

        private async Task AskAsync(int client)
        {
            for (var i = client; !_stop.IsCancellationRequested; i++)
            {
                using var patience = new CancellationTokenSource(Patience);
                var stream = i % 2 == 0;
                (HttpStatusCode Status, string Body, string Id)? answer = null;
                try
                {
                    answer = await _place.AskAsync(_client, i % 3, stream, Tokens, patience.Token);
                }
                catch (OperationCanceledException)
                {
                    // Of a replica that stands still.
                }
                if (answer is { Status: HttpStatusCode.OK } whole && (!stream || whole.Body.Contains("message_stop", StringComparison.Ordinal)))
                    _ids.Add(whole.Id);
                else if (answer is { Status: HttpStatusCode.TooManyRequests })
                    Interlocked.Increment(ref _refused);
                else
                    Interlocked.Increment(ref _broken);
                var changed = _changed;
                _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
                changed.TrySetResult();
                // A replica that starts refuses connections at once: nothing tells when it listens.
                if (answer is null)
                    await Task.Delay(50);
            }
        }
    }
}
