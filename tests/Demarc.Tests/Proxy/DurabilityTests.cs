using System.Net;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Storage;
using Microsoft.Data.Sqlite;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Law 3, with a real store that somebody else holds locked.</summary>
public sealed class DurabilityTests
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task No_byte_is_released_before_its_record_is_durable(bool stream)
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.SendAsync(place.Ask(ProxyPlace.Body()));
        using var blocker = Block(place);

        var pending = place.Client.SendAsync(place.Ask(ProxyPlace.Body(stream: stream)), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        // The provider has answered, the store has not.
        await place.Simulator.Log.WaitAsync(2, 0, TestContext.Current.CancellationToken);
        await place.Simulator.Log.Read(0)[1].Completion.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.NotSame(pending, await Task.WhenAny(pending, Task.Delay(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken)));

        Release(blocker);
        using var response = await pending;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("answered", (await place.FinishedAsync(response.RequestId())).Result);
    }

    [Fact]
    public async Task The_end_of_a_stream_waits_for_its_settlement_and_what_came_before_does_not()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4, DurationMs = 500 } });
        using var response = await place.Client.SendAsync(place.Ask(ProxyPlace.Body(stream: true)), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var blocker = Block(place);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var seen = new List<string>();
        while (seen.LastOrDefault() != "event: content_block_stop")
            seen.Add((await reader.ReadLineAsync(TestContext.Current.CancellationToken))!);
        var next = ReadToEndAsync(reader);
        Assert.NotSame(next, await Task.WhenAny(next, Task.Delay(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken)));

        Release(blocker);
        var rest = await next;
        Assert.Contains("event: message_delta", rest, StringComparison.Ordinal);
        Assert.Contains("event: message_stop", rest, StringComparison.Ordinal);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_cannot_be_recorded_is_not_answered(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await place.SendAsync(place.Ask(ProxyPlace.Body()));
        await place.Store.SqlAsync<object>("ALTER TABLE records RENAME TO records_gone");

        foreach (var stream in new[] { false, true })
        {
            var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(stream: stream, text: "canary")));
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "api_error"), (response.StatusCode, Answers.Error(body).Type));
            Assert.DoesNotContain("canary", body, StringComparison.Ordinal);
        }
        await place.Store.SqlAsync<object>("ALTER TABLE records_gone RENAME TO records");
    }

    [Fact]
    public async Task A_stream_whose_settlement_is_refused_ends_in_an_error_event()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4, DurationMs = 1000 } });
        using var response = await place.Client.SendAsync(place.Ask(ProxyPlace.Body(stream: true)), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await place.Store.SqlAsync<object>("ALTER TABLE records RENAME TO records_gone");
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("message_stop", body, StringComparison.Ordinal);
        Assert.DoesNotContain("message_delta", body, StringComparison.Ordinal);
        Assert.Contains("could not record", body.Split("event: error")[1], StringComparison.Ordinal);
        await place.Store.SqlAsync<object>("ALTER TABLE records_gone RENAME TO records");
    }

    [Fact]
    public async Task A_key_revoked_in_mid_stream_ends_the_stream()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4 } });
        using var response = await place.Client.SendAsync(place.Ask(ProxyPlace.Body(stream: true)), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        var rest = ReadToEndAsync(new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)));

        // As another process would do it: the store alone carries the news.
        await place.Store.SqlAsync<object>("UPDATE api_keys SET status = 'inactive' WHERE kind = 'inference'");
        await place.Store.SqlAsync<object>("UPDATE changes SET version = version + 1");

        var text = await rest.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);
        Assert.Contains("revoked", text.Split("event: error")[1], StringComparison.Ordinal);
        var finished = await place.FinishedAsync(response.RequestId());
        Assert.Equal(("revoked", true), (finished.Result, finished.Incomplete));
        var (after, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));
        Assert.Equal(HttpStatusCode.Unauthorized, after.StatusCode);
        Assert.Contains("revoked", Answers.Error(body).Message, StringComparison.Ordinal);
    }

    private static Task<string> ReadToEndAsync(StreamReader reader) => reader.ReadToEndAsync(TestContext.Current.CancellationToken);

    // Another process in the middle of a write: SQLite has one writer.
    private static SqliteConnection Block(ProxyPlace place)
    {
        var connection = new SqliteConnection($"Data Source={place.Store.Url["sqlite:".Length..]};Pooling=false");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "BEGIN IMMEDIATE";
        command.ExecuteNonQuery();
        return connection;
    }

    private static void Release(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "ROLLBACK";
        command.ExecuteNonQuery();
    }
}
