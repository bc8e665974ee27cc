using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;
using Xunit;

namespace Demarc.Tests.Storage;

public sealed class ActivityPageTests
{
    private static readonly string[][] Types = [[], ["type_0"], ["type_0", "type_3"], ["type_4", "type_unknown"], ["type_unknown", "type_other"], [.. Enumerable.Range(0, 300).Select(n => $"type_{n}")]];
    private static readonly string[][] Excluded = [[], ["type_0"], ["type_0", "type_1", "type_2", "type_3", "type_4"], ["type_0", "type_1", "type_2", "type_3"], ["type_unknown"]];
    private static readonly string[][] Actors = [[], ["user_1"], ["user_1", "user_3", "user_1"], ["user_unknown"], [.. Enumerable.Range(2, 200).Select(n => $"user_{n}")]];

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Whatever_is_filtered_a_page_holds_what_a_plain_reading_finds(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        for (var n = 0; n < 400; n++)
            // Some types and some people are rarer than others.
            await store.AppendAsync(Event($"type_{(n % 10 < 6 ? 0 : n % 5)}", $"user_{n * n % 7}"));
        await place.ProjectAsync(store);
        var all = (await store.Activities.ListAsync(new ActivitiesQuery { OrganizationId = "org_1", Limit = 5000 })).Data;
        var actors = all.ToDictionary(a => a.Position, a => JsonSerializer.Deserialize(a.Body, RecordJson.Default.EventRecord)!.Actor.Id);

        foreach (var (types, excluded) in Types.Select(t => (t, Excluded[0])).Concat(Excluded.Select(e => (Types[0], e))))
        {
            foreach (var wanted in Actors)
            {
                foreach (var (limit, after, before) in new (int, long?, long?)[] { (100, null, null), (3, null, null), (2, 31, null), (2, null, 17), (100, null, 40), (100, 0, null), (150, null, null), (150, null, 10) })
                {
                    var expected = all
                        .Where(a => (types.Length == 0 || types.Contains(a.Type)) && !excluded.Contains(a.Type) && (wanted.Length == 0 || wanted.Contains(actors[a.Position])))
                        .Where(a => (after is null || a.Position < after) && (before is null || a.Position > before)).Select(a => a.Position).ToArray();
                    var page = before is null ? expected.Take(limit) : expected.TakeLast(limit);

                    var found = await store.Activities.ListAsync(new ActivitiesQuery
                    {
                        OrganizationId = "org_1",
                        Types = types,
                        ExcludedTypes = excluded,
                        ActorIds = wanted,
                        Limit = limit,
                        After = after,
                        Before = before,
                    });

                    Assert.Equal(page, found.Data.Select(a => a.Position));
                    Assert.Equal(expected.Length > limit, found.HasMore);
                }
            }
        }
    }

    private static EvidenceRecord Event(string type, string actor) => new()
    {
        OrganizationId = "org_1",
        Kind = RecordKind.Event,
        RequestId = Guid.CreateVersion7(),
        At = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds(),
        Body = JsonSerializer.SerializeToUtf8Bytes(new EventRecord { Type = type, Actor = new ActorRecord("user", actor) }, RecordJson.Default.EventRecord),
    };
}
