using Xunit;

namespace Demarc.Tests.Storage;

public class ContentKeyTests
{
    private static readonly DateOnly Day = new(2026, 11, 22);

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Replicas_that_race_for_a_key_get_the_same(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var stores = new[] { await place.OpenAsync(), await place.OpenAsync(), await place.OpenAsync() };

        for (var n = 0; n < 20; n++)
        {
            var keys = await Task.WhenAll(stores.Concat(stores).Select(s => s.ContentKeyAsync("org_1", $"clls_{n}", Day).AsTask()));
            Assert.Single(keys.Select(k => k.Identify("a message"u8)).Distinct());
        }
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_key_is_durable_and_its_own_for_each_session_and_day(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var key = await store.ContentKeyAsync("org_1", "clls_1", Day);
        var content = "prompt"u8.ToArray();
        var request = Guid.CreateVersion7();
        var kept = key.Seal(content, "org_1", "clls_1", request);
        Assert.True(store.ContentKeyAsync("org_1", "clls_1", Day).AsTask().IsCompletedSuccessfully);
        await store.DisposeAsync();

        var later = await place.OpenAsync();
        Assert.Equal(content, (await later.ContentKeyAsync("org_1", "clls_1", Day)).Open(kept, "org_1", "clls_1", request));
        foreach (var other in new[]
        {
            await later.ContentKeyAsync("org_1", "clls_1", Day.AddDays(1)),
            await later.ContentKeyAsync("org_1", "clls_2", Day),
            await later.ContentKeyAsync("org_2", "clls_1", Day),
        })
            Assert.NotEqual(key.Identify("a message"u8), other.Identify("a message"u8));
    }
}
