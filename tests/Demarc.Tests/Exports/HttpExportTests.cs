using System.Text.Json;
using Demarc.Control.Exports;
using Demarc.Governance.Identity;
using Demarc.Storage.Evidence;
using Demarc.Tests.Storage;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Demarc.Tests.Exports;

public sealed class HttpExportTests
{
    private static HttpDestination To(Collector collector, string path = "/in", bool isArray = false) =>
        new(isArray, [new("authorization", new Secret("Bearer of-the-collector"))]) { Name = "siem", Url = new Uri(collector.Url, path), Place = ExportPlace.Out() };

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Everything_arrives_in_the_logs_order_though_the_collector_fails_breaks_and_repeats(StoreKind kind)
    {
        await using var place = await ExportPlace.StartAsync(kind);
        await using var collector = await Collector.StartAsync();
        // Refused; broken after it was read; taken, and the answer lost; asked to wait.
        collector.Moods.Enqueue(http => Status(http, 500));
        collector.Moods.Enqueue(Abort);
        collector.Moods.Enqueue(http => Status(http, 503, "1"));
        var end = await place.AppendAsync(1300);
        place.Export(To(collector) with { Types = ["test_event"] });
        await ExportPlace.UntilAsync(() => collector.Positions.Length >= 1300);
        collector.Moods.Enqueue(Abort);
        await place.AppendAsync(40);
        await ExportPlace.UntilAsync(() => collector.Positions.Distinct().Count() == 1340);

        Assert.Equal(collector.Positions.Distinct().Order(), collector.Positions.Distinct());
        Assert.True(end >= 1300);
        Assert.All(collector.Taken, t => Assert.Equal(("application/x-ndjson", "Bearer of-the-collector"), (t.Headers["content-type"], t.Headers["authorization"])));
        await ExportPlace.UntilAsync(async () => await place.CursorAsync() is { Failures: 0, Problem: null, Exported: >= 1340 });
        // Three in a row are on record, and so is that they ended.
        await ExportPlace.UntilAsync(async () => (await place.ActivitiesAsync("demarc_export_resumed")).Length == 1);
        Assert.Single(await place.ActivitiesAsync("demarc_export_failed"));
        Assert.Single(await place.ActivitiesAsync("demarc_export_started"));
    }

    [Fact]
    public async Task A_collector_that_asks_for_time_gets_it()
    {
        await using var place = await ExportPlace.StartAsync();
        await using var collector = await Collector.StartAsync();
        var asked = new List<long>();
        collector.Moods.Enqueue(http => { asked.Add(TimeProvider.System.GetTimestamp()); return Status(http, 429, "4"); });
        collector.Moods.Enqueue(_ => { asked.Add(TimeProvider.System.GetTimestamp()); return Task.FromResult(false); });
        await place.AppendAsync(1);
        place.Export(To(collector));

        await ExportPlace.UntilAsync(() => asked.Count == 2);

        Assert.InRange(TimeProvider.System.GetElapsedTime(asked[0], asked[1]).TotalSeconds, 3.9, 60);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Each_destination_gets_its_types_from_its_time_on_and_one_that_fails_holds_up_no_other(StoreKind kind)
    {
        await using var place = await ExportPlace.StartAsync(kind);
        await using var collector = await Collector.StartAsync();
        await using var broken = await Collector.StartAsync();
        broken.Moods.Enqueue(http => Status(http, 500));
        for (var i = 0; i < 50; i++)
            broken.Moods.Enqueue(http => Status(http, 500));
        await place.AppendAsync(3, "test_wanted");
        await place.AppendAsync(2, "test_unwanted");

        place.Export(
            To(collector, isArray: true) with { Types = ["test_wanted"] },
            To(collector, "/rest") with { Name = "rest", ExcludedTypes = ["test_wanted", "demarc_export_started", "demarc_export_failed"] },
            To(collector, "/later") with { Name = "later", From = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds(), Types = ["test_wanted"] },
            To(broken) with { Name = "broken" });
        await ExportPlace.UntilAsync(() => collector.Events.Length >= 5);
        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)).Length == 4);
        await place.AppendAsync(1, "test_wanted");
        await ExportPlace.UntilAsync(() => collector.Events.Length >= 7);

        string[] Types(string path) => [.. collector.Taken.Where(t => t.Path == path).SelectMany(t => JsonDocument.Parse(t.Body[0] == '[' ? t.Body : $"[{string.Join(',', t.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries))}]").RootElement.EnumerateArray())
            .Select(e => e.GetProperty("metadata").GetProperty("event_code").GetString()!)];
        Assert.Equal(["test_wanted", "test_wanted", "test_wanted", "test_wanted"], Types("/in"));
        Assert.Equal(["test_unwanted", "test_unwanted"], Types("/rest"));
        // What happened before a destination's time is not for it; what comes after it began is.
        Assert.Equal(["test_wanted"], Types("/later"));
        Assert.Equal("HTTP 500", (await place.CursorAsync("broken")).Problem);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_cursor_that_is_set_back_sends_again_and_whoever_was_replaced_moves_it_no_more(StoreKind kind)
    {
        await using var place = await ExportPlace.StartAsync(kind);
        await using var collector = await Collector.StartAsync();
        await place.AppendAsync(5);
        place.Export(To(collector) with { Types = ["test_event"] });
        await ExportPlace.UntilAsync(() => collector.Positions.Length == 5);
        await ExportPlace.UntilAsync(async () => (await place.CursorAsync()).Exported == 5);
        var before = await place.CursorAsync();

        await place.Store.Exports.RewindAsync(ExportPlace.Organization, "siem", 0, StorePlace.Actor);
        Assert.False(await place.Store.Exports.MoveAsync(ExportPlace.Organization, before, before with { Position = before.Position + 1 }));
        await ExportPlace.UntilAsync(() => collector.Positions.Length == 10);

        Assert.Equal(collector.Positions[..5], collector.Positions[5..]);
        Assert.Equal(5, collector.Events.Select(e => e.GetProperty("metadata").GetProperty("uid").GetString()).Distinct().Count());
        Assert.Single(await place.ActivitiesAsync("demarc_export_rewound"));
        Assert.Null(await place.Store.Exports.RewindAsync(ExportPlace.Organization, "unknown", 0, StorePlace.Actor));
    }

    [Fact]
    public async Task Of_two_replicas_one_exports_and_the_other_goes_on_where_it_ended()
    {
        await using var place = await ExportPlace.StartAsync(StoreKind.Postgres);
        await using var collector = await Collector.StartAsync();
        using var first = new CancellationTokenSource();
        var second = await place.Place.OpenAsync();
        place.Export(place.Store, first.Token, To(collector) with { Types = ["test_event"] });
        await place.AppendAsync(20);
        await ExportPlace.UntilAsync(() => collector.Positions.Length == 20);
        using var later = new CancellationTokenSource();
        place.Export(second, later.Token, To(collector) with { Types = ["test_event"] });
        await place.AppendAsync(20);
        await ExportPlace.UntilAsync(() => collector.Positions.Length == 40);
        Assert.Single(await place.ActivitiesAsync("demarc_export_started"));

        await first.CancelAsync();
        await place.AppendAsync(20);
        await ExportPlace.UntilAsync(() => collector.Positions.Distinct().Count() == 60);
        await ExportPlace.UntilAsync(async () => (await place.ActivitiesAsync("demarc_export_started")).Length == 2);
        await later.CancelAsync();

        Assert.Equal(collector.Positions.Order(), collector.Positions);
    }

    [Fact]
    public async Task Other_destinations_take_over_when_the_configuration_changes()
    {
        await using var place = await ExportPlace.StartAsync();
        await using var collector = await Collector.StartAsync();
        var exporter = place.Export();
        await place.AppendAsync(2);
        exporter.Use([To(collector) with { Types = ["test_event"] }]);
        await ExportPlace.UntilAsync(() => collector.Positions.Length == 2);
        await ExportPlace.UntilAsync(async () => (await place.CursorAsync()).Exported == 2);

        exporter.Use([To(collector, "/other") with { Types = ["test_event"] }]);
        await place.AppendAsync(1);
        await ExportPlace.UntilAsync(() => collector.Positions.Length == 3);

        // The same name has the same cursor.
        Assert.Equal("/other", collector.Taken.Last().Path);
    }

    private static async Task<bool> Status(HttpContext http, int status, string? retryAfter = null)
    {
        http.Response.StatusCode = status;
        if (retryAfter is not null)
            http.Response.Headers.RetryAfter = retryAfter;
        await http.Response.WriteAsync("a collector's words, which nobody repeats");
        return true;
    }

    private static Task<bool> Abort(HttpContext http)
    {
        http.Abort();
        return Task.FromResult(true);
    }
}
