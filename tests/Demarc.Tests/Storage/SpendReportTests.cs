using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Ledger;
using Xunit;

namespace Demarc.Tests.Storage;

public class SpendReportTests
{
    private static readonly DateTimeOffset Noon = new(2026, 11, 20, 12, 0, 0, TimeSpan.Zero);

    private static readonly SpendQuery November = new("org_1", new(2026, 11, 1, 0, 0, 0, TimeSpan.Zero), new(2026, 12, 1, 0, 0, 0, TimeSpan.Zero));

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_stream_that_broke_and_its_retry_are_two_calls_and_one_turn(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        await AskAsync(store, "prompt_1", finish: c => c.Finished(cost: 700) with { Result = "upstream_lost", Incomplete = true });
        await AskAsync(store, "prompt_1", finish: c => c.Finished(cost: 900));
        await place.ProjectAsync(store);
        // The same turn in a later batch, and with a projector that has nothing in memory.
        await AskAsync(store, "prompt_1", finish: c => c.Finished(cost: 50));
        await place.ProjectAsync(store);
        store = await place.OpenAsync();
        await AskAsync(store, "prompt_1", finish: c => c.Finished(cost: 5));
        await AskAsync(store, "prompt_2");
        await AskAsync(store, prompt: null);
        await AskAsync(store, prompt: null);
        await place.ProjectAsync(store);

        var spent = Assert.Single(await store.Spend.ListAsync(November));
        Assert.Equal((7, 4), (spent.Requests, spent.Turns));
        Assert.Equal((4655, 1, 700), (spent.NanoUsd, spent.IncompleteRequests, spent.IncompleteNanoUsd));
        Assert.Equal(4, await place.SqlAsync<long>("SELECT CAST(sum(turns) AS bigint) FROM ledger"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_an_advisor_used_is_reported_at_its_model_and_the_call_counts_once(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        await AskAsync(store, finish: c => c.Finished(cost: 60) with
        {
            ListNanoUsd = 80,
            Parts =
            [
                new PartRecord("claude-sonnet-4-6", new UsageRecord { InputTokens = 100, WebSearchRequests = 2 }, 10, 20),
                new PartRecord("claude-opus-5", new UsageRecord { InputTokens = 300_000, OutputTokens = 7 }, 50, 60),
            ],
        });
        await place.ProjectAsync(store);

        var lines = await store.Spend.ListAsync(November with { By = SpendDimensions.Model | SpendDimensions.ContextWindow });
        Assert.Equal(
            [("claude-opus-5", "200k-1M", 0L, 300_000L, 50L, 60L), ("claude-sonnet-4-6", "0-200k", 1L, 100L, 10L, 20L)],
            lines.Select(l => (l.Model, l.ContextWindow, l.Requests, l.InputTokens, l.NanoUsd, l.ListNanoUsd)));
        var minute = Assert.Single(await store.Spend.ListAsync(November with { Bucket = SpendBucket.Minute }));
        Assert.Equal((1, 300_100, 60, 2), (minute.Requests, minute.InputTokens, minute.NanoUsd, minute.WebSearchRequests));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Minutes_hours_days_and_the_whole_say_the_same(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        // A minute before and at the ends of an hour and a day, in two organizations.
        DateTimeOffset[] times = [Noon, Noon.AddMinutes(59).AddMilliseconds(59_999), Noon.AddHours(1), Noon.AddHours(12).AddMilliseconds(-1), Noon.AddHours(12)];
        foreach (var time in times)
            await AskAsync(store, at: time);
        await AskAsync(store, organization: "org_2");
        await place.ProjectAsync(store);

        Assert.Equal(
            [(Noon, 1L), (Noon.AddMinutes(59), 1), (Noon.AddHours(1), 1), (Noon.AddHours(12).AddMinutes(-1), 1), (Noon.AddHours(12), 1)],
            await BucketsAsync(SpendBucket.Minute));
        Assert.Equal([(Noon, 2L), (Noon.AddHours(1), 1), (Noon.AddHours(11), 1), (Noon.AddHours(12), 1)], await BucketsAsync(SpendBucket.Hour));
        Assert.Equal([(Noon.AddHours(-12), 4L), (Noon.AddHours(12), 1)], await BucketsAsync(SpendBucket.Day));
        Assert.Equal(5, Assert.Single(await store.Spend.ListAsync(November)).Requests);
        // Hours decide where the range is not of whole days.
        Assert.Equal(1, Assert.Single(await store.Spend.ListAsync(November with { From = Noon.AddHours(1), To = Noon.AddHours(2) })).Requests);
        Assert.Empty(await store.Spend.ListAsync(November with { From = Noon.AddHours(2), To = Noon.AddHours(3) }));
        await Assert.ThrowsAsync<ArgumentException>(() => store.Spend.ListAsync(November with { From = Noon, Bucket = SpendBucket.Day }));

        async Task<(DateTimeOffset, long)[]> BucketsAsync(SpendBucket bucket) =>
            [.. (await store.Spend.ListAsync(November with { Bucket = bucket })).Select(l => (DateTimeOffset.FromUnixTimeMilliseconds(l.At), l.Requests))];
    }

    [Theory]
    [InlineData(StoreKind.Sqlite, "2026-01-01", "2027-01-01", 6), InlineData(StoreKind.Postgres, "2026-01-01", "2027-01-01", 6)]
    [InlineData(StoreKind.Sqlite, "2026-09-30", "2026-12-01", 5), InlineData(StoreKind.Postgres, "2026-09-30", "2026-12-01", 5)]
    [InlineData(StoreKind.Sqlite, "2026-10-01", "2026-11-01", 2)]
    [InlineData(StoreKind.Sqlite, "2026-10-02", "2026-11-01", 1)]
    [InlineData(StoreKind.Sqlite, "2026-10-31", "2026-11-02", 2)]
    [InlineData(StoreKind.Sqlite, "2026-09-30", "2026-10-31", 2)]
    [InlineData(StoreKind.Sqlite, "2026-11-02", "2026-11-02", 0)]
    public async Task A_range_of_months_and_days_counts_each_call_once(StoreKind kind, string from, string to, int calls)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        string[] days = ["2026-09-29", "2026-09-30", "2026-10-01", "2026-10-31", "2026-11-01", "2026-11-30"];
        foreach (var day in days)
            await AskAsync(store, at: At(day).AddHours(23));
        await place.ProjectAsync(store);

        var query = new SpendQuery("org_1", At(from), At(to));
        foreach (var by in new[] { SpendDimensions.None, SpendDimensions.Model, SpendDimensions.Principal, SpendDimensions.Key | SpendDimensions.Resource })
        {
            Assert.Equal(calls, (await store.Spend.ListAsync(query with { By = by })).Sum(l => l.Requests));
            Assert.Equal(calls, (await store.Spend.ListAsync(query with { By = by, Bucket = SpendBucket.Day })).Length);
        }

        static DateTimeOffset At(string day) => new(DateOnly.Parse(day, System.Globalization.CultureInfo.InvariantCulture), TimeOnly.MinValue, TimeSpan.Zero);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Every_dimension_is_told_apart_and_filtered(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        await AskAsync(store, workspace: "wrkspc_1", finish: c => c.Finished(cost: 3) with { Provider = new ProviderRecord { InferenceGeo = "us", Speed = "fast", ServiceTier = "batch" } });
        await AskAsync(store, actor: "user_2", finish: c => c.Finished(cost: 2) with { PriceSource = "fallback" });
        await place.ProjectAsync(store);

        var lines = await store.Spend.ListAsync(November with { By = (SpendDimensions)8191 });
        Assert.Equal(
            [
                ("user_1", "user", "apikey_1", "wrkspc_1", "", "foundry", "east", "sonnet", "claude-sonnet-4-6", "claude_code", "batch", "fast", "us", "0-200k", 3L, 0L),
                ("user_2", "user", "apikey_1", "", "", "foundry", "east", "sonnet", "claude-sonnet-4-6", "claude_code", "standard", "standard", "global", "0-200k", 2L, 2L),
            ],
            lines.Select(l => (
                l.PrincipalId, l.PrincipalType, l.KeyId, l.WorkspaceId, l.ProjectId, l.Platform, l.Resource, l.Deployment, l.Model, l.Surface, l.ServiceTier,
                l.Speed, l.InferenceGeo, l.ContextWindow, l.NanoUsd, l.FallbackNanoUsd)));
        Assert.Equal(2, (await OnlyAsync(SpendDimensions.Principal, "user_2", "user_9"))!.NanoUsd);
        Assert.Equal(3, (await OnlyAsync(SpendDimensions.Speed, "fast"))!.NanoUsd);
        Assert.Equal(5, (await OnlyAsync(SpendDimensions.Model, "claude-sonnet-4-6"))!.NanoUsd);
        Assert.Null(await OnlyAsync(SpendDimensions.Model, "' OR 1 = 1 --"));

        async Task<SpendLine?> OnlyAsync(SpendDimensions dimension, params string[] values) =>
            (await store.Spend.ListAsync(November with { Only = new Dictionary<SpendDimensions, string[]> { [dimension] = values } })).SingleOrDefault();
    }

    private static async Task AskAsync(
        Store store, string? prompt = null, string organization = "org_1", string actor = "user_1", string? workspace = null, DateTimeOffset? at = null,
        Func<Conversation, FinishedRecord>? finish = null)
    {
        var request = new Conversation(store, organization, actor, at: (at ?? Noon).ToUnixTimeMilliseconds());
        await request.BeginAsync(prompt: prompt, workspace: workspace);
        await request.FinishAsync(finish?.Invoke(request) ?? request.Finished());
    }
}
