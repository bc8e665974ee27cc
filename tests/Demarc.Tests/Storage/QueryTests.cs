using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;
using Xunit;

namespace Demarc.Tests.Storage;

public class QueryTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_poller_that_walks_both_ways_misses_and_repeats_nothing(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        for (var n = 0; n < 10; n++)
            await store.AppendAsync(StorePlace.Event(n % 5 == 4 ? "org_2" : "org_1", $"type_{n % 2}"));
        await place.ProjectAsync(store);
        var query = new ActivitiesQuery { OrganizationId = "org_1", Limit = 3 };

        var newest = await store.Activities.ListAsync(query);
        var older = await store.Activities.ListAsync(query with { After = newest.Data[^1].Position });
        var oldest = await store.Activities.ListAsync(query with { After = older.Data[^1].Position });
        var back = await store.Activities.ListAsync(query with { Before = oldest.Data[0].Position });
        await store.AppendAsync(StorePlace.Event("org_1", "later"));
        await place.ProjectAsync(store);
        var arrived = await store.Activities.ListAsync(query with { Before = newest.Data[0].Position });

        Assert.Equal([9, 8, 7, 6, 4, 3, 2, 1], newest.Data.Concat(older.Data).Concat(oldest.Data).Select(a => a.Position));
        Assert.Equal((true, true, false), (newest.HasMore, older.HasMore, oldest.HasMore));
        Assert.Equal(older.Data.Select(a => a.Position), back.Data.Select(a => a.Position));
        Assert.Equal("later", Assert.Single(arrived.Data).Type);
    }

    [Theory, InlineData(StoreKind.Sqlite, 1), InlineData(StoreKind.Postgres, 1), InlineData(StoreKind.Sqlite, 1000), InlineData(StoreKind.Postgres, 1000)]
    public async Task Filters_of_the_feed_agree_with_a_plain_reading(StoreKind kind, int milliseconds)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        // Times jump back and forth, as records of several replicas do: within a second, or over many.
        long[] times = [.. new[] { 1000, 1010, 1005, 1030, 990, 1040, 1040, 1020, 1050, 1001 }.Select(t => (long)t * milliseconds)];
        for (var n = 0; n < times.Length; n++)
            await store.AppendAsync(Event($"type_{n % 3}", $"user_{n % 4}", times[n]));
        await place.ProjectAsync(store);
        var query = new ActivitiesQuery { OrganizationId = "org_1" };
        var all = (await store.Activities.ListAsync(query)).Data;
        Assert.Equal(times.Reverse(), all.Select(a => a.At));

        var positions = async (ActivitiesQuery q) => (await store.Activities.ListAsync(q)).Data.Select(a => a.Position);
        for (var from = 985 * milliseconds; from <= 1055 * milliseconds; from += 5 * milliseconds)
            for (var to = from; to <= 1055 * milliseconds; to += 5 * milliseconds)
            {
                var (within, between) = (all.Where(a => a.At >= from && a.At < to).Select(a => a.Position).ToArray(), query with { From = from, To = to });
                Assert.Equal(within, await positions(between));
                Assert.Equal(within.Take(3), await positions(between with { Limit = 3 }));
                Assert.Equal(within.TakeLast(3), await positions(between with { Limit = 3, Before = 0 }));
            }

        Assert.Equal([9, 8, 6, 5, 3, 2], await positions(query with { Types = ["type_1", "type_2"] }));
        Assert.Equal([10, 7, 4, 1], await positions(query with { ExcludedTypes = ["type_1", "type_2"] }));
        Assert.Equal([9, 6, 5, 2, 1], (await positions(query with { ActorIds = ["user_0", "user_1"] })).Where(p => p != 10));
        Assert.Equal([9, 6], await positions(query with { ActorIds = ["user_0", "user_1"], Types = ["type_2"] }));
        Assert.Equal([10, 7, 4, 1], await positions(query with { Types = [.. Enumerable.Range(0, 40).Select(n => $"type_{n * 3}")] }));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Sessions_are_paged_newest_first_with_ties_by_id(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        foreach (var (session, at) in new[] { ("clls_a", 100L), ("clls_b", 200L), ("clls_c", 200L), ("clls_d", 300L) })
            await new Conversation(store, session: session, at: at).WholeAsync();
        await place.ProjectAsync(store);
        var query = new SessionsQuery { OrganizationId = "org_1", Limit = 2 };

        var first = await store.Sessions.ListAsync(query);
        var second = await store.Sessions.ListAsync(query with { After = (first.Data[^1].CreatedAt, first.Data[^1].Id) });

        Assert.Equal(["clls_d", "clls_c", "clls_b", "clls_a"], first.Data.Concat(second.Data).Select(s => s.Id));
        Assert.Equal((true, false), (first.HasMore, second.HasMore));
        Assert.Equal(["clls_c", "clls_b"], (await store.Sessions.ListAsync(query with { From = 200, To = 300 })).Data.Select(s => s.Id));
        Assert.Null(await store.Sessions.GetAsync("org_2", "clls_a"));
        Assert.Empty(await store.Sessions.RequestsAsync("org_2", "clls_a"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Requests_of_a_session_are_listed_as_they_began_open_ones_too(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var (first, second) = (new Conversation(store), new Conversation(store));
        await first.BeginAsync();
        await second.BeginAsync();
        await second.FinishAsync(content: [2]);
        await place.ProjectAsync(store);

        var requests = await store.Sessions.RequestsAsync("org_1", "clls_1");
        var later = await store.Sessions.RequestsAsync("org_1", "clls_1", after: requests[0].Begun);

        Assert.Equal([first.Id, second.Id], requests.Select(r => new Guid(r.RequestId, bigEndian: true)));
        Assert.Null(requests[0].FinishedBody);
        Assert.Equal([2], requests[1].Content!);
        Assert.Equal(second.Id, new Guid(Assert.Single(later).RequestId, bigEndian: true));
    }

    private static EvidenceRecord Event(string type, string actor, long at) => new()
    {
        OrganizationId = "org_1",
        Kind = RecordKind.Event,
        RequestId = Guid.CreateVersion7(),
        At = at,
        Body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
            new EventRecord { Type = type, Actor = new ActorRecord("user", actor) }, RecordJson.Default.EventRecord),
    };
}
