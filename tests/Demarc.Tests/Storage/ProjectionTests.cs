using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Demarc.Storage.Ledger;
using Demarc.Storage.Projections;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Storage;

public class ProjectionTests
{
    private static readonly ActivitiesQuery All = new() { OrganizationId = "org_1", Limit = 5000 };

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_finished_request_is_an_activity_a_session_and_a_settlement(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var request = new Conversation(store, at: 1_795_000_000_000);
        await request.BeginAsync();
        await place.ProjectAsync(store);
        Assert.Empty((await store.Activities.ListAsync(All)).Data);
        await request.FinishAsync(cost: 1234, content: [1, 2, 3]);
        await place.ProjectAsync(store);

        var activity = Assert.Single((await store.Activities.ListAsync(All)).Data);
        Assert.Equal(("demarc_inference", "clls_1", 1L), (activity.Type, activity.SessionId, activity.Position));
        Assert.Equal("sonnet", JsonSerializer.Deserialize(activity.Begun!, RecordJson.Default.BegunRecord)!.ModelAsked);
        Assert.Equal(1234, JsonSerializer.Deserialize(activity.Body, RecordJson.Default.FinishedRecord)!.CostNanoUsd);
        Assert.Equal(activity.Position, await store.Activities.PositionAsync("org_1", request.Id));

        var session = Assert.Single((await store.Sessions.ListAsync(new() { OrganizationId = "org_1" })).Data);
        Assert.Equal(("clls_1", "user_1", "client", 1L), (session.Id, session.PrincipalId, session.ClientSession, session.Requests));
        var listed = Assert.Single(await store.Sessions.RequestsAsync("org_1", "clls_1"));
        Assert.Equal([1, 2, 3], listed.Content!);
        Assert.Equal(request.Id, new Guid(listed.RequestId, bigEndian: true));

        var november = new SpendQuery("org_1", new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero), new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero));
        var spent = Assert.Single(await store.Spend.ListAsync(november with { By = SpendDimensions.Principal | SpendDimensions.Model | SpendDimensions.Resource }));
        Assert.Equal(("user_1", "claude-sonnet-4-6", "east", 1L, 1234L), (spent.PrincipalId, spent.Model, spent.Resource, spent.Requests, spent.NanoUsd));
        Assert.Equal((10L, 20L, 30L, 40L, 50L), (spent.InputTokens, spent.OutputTokens, spent.CacheReadTokens, spent.CacheWrite5mTokens, spent.CacheWrite1hTokens));
        Assert.Equal(1, await place.SqlAsync<long>("SELECT count(*) FROM ledger WHERE nano_usd = 1234 AND attempt = 1"));
        Assert.Equal(0, await place.SqlAsync<long>("SELECT count(*) FROM open_requests"));
    }

    [Theory]
    [InlineData(StoreKind.Sqlite, false), InlineData(StoreKind.Postgres, false)]
    [InlineData(StoreKind.Sqlite, true), InlineData(StoreKind.Postgres, true)]
    public async Task Each_attempt_is_settled_once_and_the_money_goes_to_the_one_that_answered(StoreKind kind, bool newLeader)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var request = new Conversation(store);
        await request.BeginAsync();
        await place.ProjectAsync(store);
        await request.RetryAsync(2, "west", 700);
        // Another leader has nothing of it in memory.
        if (newLeader)
            await place.ProjectAsync(store);
        await request.FinishAsync(attempt: 2, cost: 300);
        await place.ProjectAsync(newLeader ? await place.OpenAsync() : store);

        Assert.Equal(2, await place.SqlAsync<long>("SELECT count(*) FROM ledger"));
        Assert.Equal(0, await place.SqlAsync<long>("SELECT nano_usd FROM ledger WHERE attempt = 1 AND resource = 'east'"));
        Assert.Equal(300, await place.SqlAsync<long>("SELECT nano_usd FROM ledger WHERE attempt = 2 AND resource = 'west'"));
        Assert.Equal(1, await place.SqlAsync<long>("SELECT count(*) FROM spend_totals WHERE resource = 'west' AND requests = 1 AND nano_usd = 300"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Two_leaders_at_once_derive_everything_once(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var first = await place.OpenAsync();
        var second = await place.OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, 900).Select(n => new Conversation(first, session: $"clls_{n % 7}").WholeAsync(cost: 1)));

        async Task LeadAsync(Store store)
        {
            while (true)
                try
                {
                    await store.Projector.CatchUpAsync();
                    return;
                }
                catch (StoreException)
                {
                    // The other one moved the watermark: go on from there.
                }
        }
        await place.LogAsync(first);
        await Task.WhenAll(LeadAsync(first), LeadAsync(second));

        Assert.Equal(900, await place.SqlAsync<long>("SELECT CAST(sum(nano_usd) AS bigint) FROM spend_totals"));
        Assert.Equal(900, await place.SqlAsync<long>("SELECT CAST(sum(requests) AS bigint) FROM sessions"));
        Assert.Equal(900, await place.SqlAsync<long>("SELECT count(*) FROM ledger"));
        Assert.Equal(900, await place.SqlAsync<long>("SELECT max(position) FROM activities"));
    }

    [Fact]
    public async Task A_leader_that_was_replaced_is_told_so_before_it_notices_itself()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var (first, second) = (await place.OpenAsync(), await place.OpenAsync());
        using var stop = new CancellationTokenSource();
        var firstRuns = first.Projector.RunAsync(stop.Token);
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), () => Task.FromResult(first.Projector.Leads));
        await first.Projector.ConfirmLeadAsync();
        Assert.True(await first.LeadsAsync(Leadership.Projections));
        Assert.False(await first.LeadsAsync(Leadership.Exports));
        Assert.False(await second.LeadsAsync(Leadership.Projections));
        await Assert.ThrowsAsync<StoreException>(second.Projector.ConfirmLeadAsync);

        // As its session is ended when it has stood still for a minute.
        await place.SqlAsync<object>("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = @Replica", new { first.Replica });
        await using (await second.LeadAsync(Leadership.Projections, TestContext.Current.CancellationToken))
        {
            Assert.False(await first.LeadsAsync(Leadership.Projections));
            await Assert.ThrowsAsync<StoreException>(first.Projector.ConfirmLeadAsync);
            Assert.True(await second.LeadsAsync(Leadership.Projections));
        }
        await stop.CancelAsync();
        await firstRuns;
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Counting_tokens_is_an_activity_of_its_own_and_no_part_of_a_session(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var count = new Conversation(store);
        await count.BeginAsync("count_tokens");
        await count.FinishAsync(cost: 0);
        await place.ProjectAsync(store);

        Assert.Equal("demarc_token_count", Assert.Single((await store.Activities.ListAsync(All)).Data).Type);
        Assert.Empty((await store.Sessions.ListAsync(new() { OrganizationId = "org_1" })).Data);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task An_attempt_that_was_given_up_and_may_be_billed_stands_in_the_ledger_at_its_bound(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var request = new Conversation(store);
        await request.BeginAsync(reserved: 5000);
        await request.RetryAsync(2, "west", 6000, lost: 5000);
        await request.RetryAsync(3, "east", 7000);
        await request.FinishAsync(attempt: 3, cost: 1000);
        await place.ProjectAsync(store);

        string[] ledger = ["1 5000 1", "2 0 0", "3 1000 0"];
        for (var i = 0; i < ledger.Length; i++)
            Assert.Equal(ledger[i], await place.SqlAsync<string>("SELECT attempt || ' ' || nano_usd || ' ' || incomplete FROM ledger WHERE attempt = @attempt", new { attempt = i + 1 }));
        Assert.Equal("1 6000", await place.SqlAsync<string>("SELECT sum(requests) || ' ' || sum(nano_usd) FROM spend_totals"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_a_dead_replica_left_open_is_finished_once_at_what_was_reserved(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var dead = await place.OpenAsync();
        var orphan = new Conversation(dead);
        await orphan.BeginAsync(reserved: 5000);
        await orphan.RetryAsync(2, "west", 7000);
        await place.SqlAsync<int>("UPDATE replicas SET seen_at = seen_at - 61000");
        var store = await place.OpenAsync();
        var running = new Conversation(store);
        await running.BeginAsync();

        await place.ProjectAsync(store);
        var settled = await store.Projector.SettleOrphansAsync();
        await place.ProjectAsync(store);
        var again = await store.Projector.SettleOrphansAsync();

        Assert.Equal((1, 0), (settled, again));
        var activity = Assert.Single((await store.Activities.ListAsync(All)).Data);
        var finished = JsonSerializer.Deserialize(activity.Body, RecordJson.Default.FinishedRecord)!;
        Assert.Equal(("interrupted", true, 2, 7000L), (finished.Result, finished.Incomplete, finished.Attempt, finished.CostNanoUsd));
        Assert.Equal(1, await place.SqlAsync<long>("SELECT count(*) FROM ledger WHERE nano_usd = 7000 AND incomplete = 1"));
        // It was only paused: its own finish comes too late, and its answer must not end as if it were on record.
        await Assert.ThrowsAsync<AlreadyRecordedException>(() => orphan.FinishAsync());
        await running.FinishAsync();
    }

    [Fact]
    public async Task A_replica_that_beats_keeps_its_requests()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var other = await place.OpenAsync();
        await new Conversation(other).BeginAsync();
        var store = await place.OpenAsync();
        await place.ProjectAsync(store);

        Assert.Equal(0, await store.Projector.SettleOrphansAsync());
        await place.SqlAsync<int>("UPDATE replicas SET seen_at = seen_at - 61000");
        await other.BeatAsync();
        Assert.Equal(0, await store.Projector.SettleOrphansAsync());
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task An_activity_shows_within_a_second_while_the_projector_runs(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        using var stop = new CancellationTokenSource();
        var running = store.Projector.RunAsync(stop.Token);
        await new Conversation(store).WholeAsync();
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () => (await store.Activities.ListAsync(All)).Data.Length == 1);

        // Beside other work a disk takes its time to make anything durable: what the two records of a request took tells how long.
        var begun = TimeProvider.System.GetTimestamp();
        await new Conversation(store).WholeAsync();
        var (finished, durable) = (TimeProvider.System.GetTimestamp(), TimeProvider.System.GetElapsedTime(begun));
        while ((await store.Activities.ListAsync(All)).Data.Length == 1)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(finished) < TimeSpan.FromSeconds(1) + (4 * durable), $"{TimeProvider.System.GetElapsedTime(finished)} and not there; its records took {durable}.");
            // That something can be read is told by reading alone.
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task The_log_is_followed_again_once_a_store_that_was_away_is_back()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        using var log = new LogLines();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        await using var store = await Store.OpenAsync(place.Url, StorePlace.Master, TimeProvider.System, loggers);
        using var stop = new CancellationTokenSource();
        var running = store.Projector.RunAsync(stop.Token);
        await new Conversation(store).WholeAsync();
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (await store.Activities.ListAsync(All)).Data.Length == 1);

        await PostgresServer.AllowConnectionsAsync(place.Url, allow: false);
        // The lead is lost, and asked for in vain.
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(10), () => Task.FromResult(log.Text.Split("The log could not be followed").Length > 2));
        Assert.False(running.IsCompleted);
        await PostgresServer.AllowConnectionsAsync(place.Url, allow: true);

        await new Conversation(store).WholeAsync();
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (await store.Activities.ListAsync(All)).Data.Length == 2);
        await stop.CancelAsync();
        await running;
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_row_that_cannot_be_read_is_shown_and_holds_up_nothing(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        await store.AppendAsync(new EvidenceRecord { OrganizationId = "org_1", Kind = RecordKind.Event, RequestId = Guid.CreateVersion7(), At = 1, Body = new byte[10] });
        await new Conversation(store).WholeAsync();

        await place.ProjectAsync(store);

        Assert.Equal(["demarc_inference", "demarc_record_unreadable"], (await store.Activities.ListAsync(All)).Data.Select(a => a.Type));
    }

    [Fact]
    public async Task A_second_process_that_would_serve_from_a_SQLite_file_is_refused()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        using var stop = new CancellationTokenSource();
        var running = (await place.OpenAsync()).Projector.RunAsync(stop.Token);

        var refusal = await Assert.ThrowsAsync<StoreException>(async () => await (await place.OpenAsync()).Projector.RunAsync(stop.Token));

        Assert.Contains("Another process serves", refusal.Message, StringComparison.Ordinal);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task A_SQLite_file_stays_with_the_process_that_serves_from_it_while_its_log_cannot_be_followed()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        using var log = new LogLines();
        using var loggers = LoggerFactory.Create(logging => logging.AddProvider(log));
        await using var store = await Store.OpenAsync(place.Url, StorePlace.Master, TimeProvider.System, loggers);
        using var stop = new CancellationTokenSource();
        var running = store.Projector.RunAsync(stop.Token);
        var other = await place.OpenAsync();
        await place.SqlAsync<int>("ALTER TABLE activities RENAME TO away");
        await new Conversation(store).WholeAsync();

        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(20), async () =>
        {
            await Assert.ThrowsAsync<StoreException>(() => other.Projector.ClaimAsync(stop.Token));
            return log.Text.Split("The log could not be followed").Length > 4;
        });
        Assert.False(running.IsCompleted);
        await place.SqlAsync<int>("ALTER TABLE away RENAME TO activities");

        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (await store.Activities.ListAsync(All)).Data.Length == 1);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task A_restored_dump_is_followed_from_where_it_was()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var store = await place.OpenAsync();
        await new Conversation(store).WholeAsync();
        await place.ProjectAsync(store);
        await new Conversation(store).WholeAsync();
        await store.DisposeAsync();
        // What another, older cluster's transaction numbers look like.
        await place.SqlAsync<int>("UPDATE records SET xact = ((xact::text::bigint) + 1000000000)::text::xid8; UPDATE watermarks SET xact = xact + 1000000000");

        var restored = await place.OpenAsync();
        await new Conversation(restored).WholeAsync();
        await place.ProjectAsync(restored);

        Assert.Equal(3, await place.SqlAsync<long>("SELECT count(*) FROM activities"));
        Assert.Equal(3, await place.SqlAsync<long>("SELECT count(*) FROM ledger"));
    }
}
