using System.Text;
using Demarc.Storage;
using Demarc.Storage.Content;
using Demarc.Storage.Retention;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Compliance;

/// <summary>A message expires with its first capture, whichever gateway sees it again.</summary>
public sealed class RestartedCaptureTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_was_captured_before_a_restart_is_not_sealed_again_nor_after_its_erasure(StoreKind kind)
    {
        var time = new SteppedTime();
        await using var place = await ProxyPlace.StartAsync(kind);
        var history = await SayAsync(place, "", "the first day");
        await place.ActivitiesAsync(1, "demarc_inference");

        // The next day, after a restart.
        time.Step(TimeSpan.FromDays(1));
        await place.RestartAsync(time);
        history = await SayAsync(place, history, "the second day");
        await place.ActivitiesAsync(2, "demarc_inference");
        var session = Assert.Single((await place.GetAsync(Sessions)).Data()).Text("id")!;
        var (first, second) = await StoredAsync(place, session) is [var a, var b] ? (a, b) : throw new InvalidOperationException();
        Assert.Contains("the first day", first, StringComparison.Ordinal);
        Assert.Contains("the second day", second, StringComparison.Ordinal);
        Assert.DoesNotContain("the first day", second, StringComparison.Ordinal);
        Assert.Equal(1, Count((await place.GetAsync($"{Sessions}/{session}/messages")).GetRawText(), "\"text\":\"the first day\""));

        // The first day goes; another gateway knows nothing of it.
        await EraseAsync(place, session, time.GetUtcNow());
        await place.RestartAsync(time);
        history = await SayAsync(place, history, "more of the second day");
        await place.ActivitiesAsync(3, "demarc_inference");
        Assert.Equal(2, (await StoredAsync(place, session)).Length);
        Assert.DoesNotContain("the first day", string.Concat(await StoredAsync(place, session)), StringComparison.Ordinal);
        Assert.Equal(1, Count(string.Concat(await StoredAsync(place, session)), "\"content\":\"the second day\""));

        // All of it goes, and the session with it.
        await EraseAsync(place, session, time.GetUtcNow().AddDays(1));
        time.Step(TimeSpan.FromDays(1));
        await place.RestartAsync(time);
        await SayAsync(place, history, "the third day");
        await place.ActivitiesAsync(4, "demarc_inference");
        var third = Assert.Single(await StoredAsync(place, session));
        Assert.DoesNotContain("the first day", third, StringComparison.Ordinal);
        Assert.DoesNotContain("the second day", third, StringComparison.Ordinal);
        var shown = (await place.GetAsync($"{Sessions}/{session}/messages")).GetRawText();
        Assert.Contains("the third day", shown, StringComparison.Ordinal);
        Assert.Contains("retention_elapsed", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_one_replica_captured_another_does_not_seal_again()
    {
        await using var place = await ProxyPlace.StartAsync(StoreKind.Postgres);
        var history = await SayAsync(place, "", "asked of the first");
        await place.ActivitiesAsync(1, "demarc_inference");
        var first = place.Gateway;
        await using var second = await place.BesideAsync();
        history = await SayAsync(place, history, "asked of the second");
        await place.ActivitiesAsync(2, "demarc_inference");
        place.Use(first);
        await SayAsync(place, history, "asked of the first again");
        await place.ActivitiesAsync(3, "demarc_inference");

        var session = Assert.Single((await place.GetAsync(Sessions)).Data()).Text("id")!;
        var all = await StoredAsync(place, session);
        Assert.Equal(3, all.Length);
        Assert.Equal(1, Count(string.Concat(all), "\"content\":\"asked of the first\""));
        Assert.Equal(1, Count(string.Concat(all), "\"content\":\"asked of the second\""));
    }

    // Asks with the history so far; the history after it.
    private static async Task<string> SayAsync(ProxyPlace place, string history, string text)
    {
        var messages = history + User(text);
        var answer = (await place.AskAsync("s1", messages)).GetProperty("content").GetRawText();
        return $$"""{{messages}},{"role":"assistant","content":{{answer}}},""";
    }

    // What is sealed of a session and can be opened, request by request.
    private static async Task<string[]> StoredAsync(ProxyPlace place, string session)
    {
        var store = place.Gateway.Store;
        var organization = (await store.Organizations.ListAsync())[0].Id;
        var contents = new SessionContents(store, organization, session);
        var texts = new List<string>();
        foreach (var request in await store.Sessions.RequestsAsync(organization, session))
        {
            if (await contents.OpenAsync(request) is { } content)
                texts.Add(Encoding.UTF8.GetString(content));
        }
        return [.. texts];
    }

    private static async Task EraseAsync(ProxyPlace place, string session, DateTimeOffset before)
    {
        Store store = place.Gateway.Store;
        var journal = new ErasureJournal(store, Path.Combine(place.Folder, "erasures.jsonl"));
        var entry = journal.New((await store.Organizations.ListAsync())[0].Id, "retention") with { Sessions = [new SessionCut(session, DateOnly.FromDateTime(before.UtcDateTime))] };
        await journal.EraseAsync(entry, StorePlace.Actor);
    }

    private static int Count(string text, string part) => text.Split(part).Length - 1;
}
