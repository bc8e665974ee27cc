using Demarc.Governance.Evidence;
using Demarc.Storage;
using Xunit;

namespace Demarc.Tests.Storage;

public class AppendTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Appends_of_many_callers_are_all_kept_each_callers_in_order(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();

        // Ten callers queue without waiting in between.
        var appends = new List<Task>();
        for (var n = 0; n < 1000; n++)
            appends.Add(store.AppendAsync(StorePlace.Event("org_1", $"caller_{n % 10}", $"{n / 10}")));
        await Task.WhenAll(appends);

        var rows = await place.LogAsync(store);
        Assert.Equal(1000, rows.Length);
        foreach (var caller in rows.GroupBy(r => Read(r.Body).Type))
            Assert.Equal(Enumerable.Range(0, 100).Select(n => $"{n}"), caller.Select(r => Read(r.Body).Fields["value"]));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_request_finishes_once_and_others_in_its_batch_are_not_disturbed(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var other = await place.OpenAsync();
        var request = Guid.CreateVersion7();
        await other.AppendAsync(Finished(request, "other"));

        var before = store.AppendAsync(StorePlace.Event("org_1"));
        var second = store.AppendAsync(Finished(request, "ours"));
        var after = store.AppendAsync(StorePlace.Event("org_1"));

        await before;
        await after;
        await Assert.ThrowsAsync<AlreadyRecordedException>(() => second);
        Assert.Equal(3, await place.SqlAsync<long>("SELECT count(*) FROM records"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_write_that_fails_leaves_nothing_and_those_beside_it_stand(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();

        var beside = store.AppendAsync(StorePlace.Event("org_1"));
        var failing = store.WriteAsync<int>(async transaction =>
        {
            await transaction.AppendAsync(StorePlace.Event("org_1"));
            throw new InvalidOperationException("on purpose");
        });
        await beside;

        Assert.Equal("on purpose", (await Assert.ThrowsAsync<InvalidOperationException>(() => failing)).Message);
        Assert.Equal(1, await place.SqlAsync<long>("SELECT count(*) FROM records"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Disposing_makes_durable_what_is_queued_and_refuses_what_comes_later(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();

        var appends = Enumerable.Range(0, 500).Select(_ => store.AppendAsync(StorePlace.Event("org_1"))).ToArray();
        await store.DisposeAsync();

        await Task.WhenAll(appends);
        Assert.Equal(500, await place.SqlAsync<long>("SELECT count(*) FROM records"));
        await Assert.ThrowsAsync<StoreException>(() => store.AppendAsync(StorePlace.Event("org_1")));
    }

    [Fact]
    public async Task Appends_survive_lost_connections_and_count_once()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var store = await place.OpenAsync();
        var acknowledged = 0;

        var appending = Task.WhenAll(Enumerable.Range(0, 8).Select(async _ =>
        {
            for (var n = 0; n < 200; n++)
            {
                await store.AppendAsync(StorePlace.Event("org_1"));
                Interlocked.Increment(ref acknowledged);
            }
        }));
        for (var cuts = 0; cuts < 5 && !appending.IsCompleted; cuts++)
        {
            var seen = acknowledged;
            while (acknowledged == seen && !appending.IsCompleted)
                await Task.Delay(1, Stop);
            await PostgresServer.DropConnectionsAsync(place.Url);
        }
        await appending;

        Assert.Equal(1600, await place.SqlAsync<long>("SELECT count(*) FROM records"));
        Assert.Equal(1600, await place.SqlAsync<long>("SELECT count(DISTINCT request_id) FROM records"));
    }

    [Fact]
    public async Task A_reader_never_passes_a_row_that_commits_late()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var store = await place.OpenAsync();
        var entered = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        var late = store.WriteAsync(async transaction =>
        {
            await transaction.AppendAsync(StorePlace.Event("org_1", "late"));
            entered.SetResult();
            await release.Task;
            return 0;
        });
        await entered.Task;
        await store.AppendAsync(StorePlace.Event("org_1", "early"));
        var during = await store.ReadLogAsync(default, 10);
        release.SetResult();
        await late;
        var after = await place.LogAsync(store);

        Assert.Empty(during);
        Assert.Equal(["late", "early"], after.Select(r => Read(r.Body).Type));
    }

    internal static EventRecord Read(byte[] body) => System.Text.Json.JsonSerializer.Deserialize(body, RecordJson.Default.EventRecord)!;

    private static EvidenceRecord Finished(Guid request, string result) => new()
    {
        OrganizationId = "org_1",
        Kind = RecordKind.Finished,
        RequestId = request,
        At = 1,
        Body = System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(
            new FinishedRecord { Id = "req_1", Result = result }, RecordJson.Default.FinishedRecord),
    };
}
