using System.Globalization;
using System.Net;
using System.Runtime.InteropServices;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Storage;
using Demarc.Tests.Storage;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Law 3, with a journal that is held and a disk that is full.</summary>
public sealed partial class DurabilityTests
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task No_byte_is_released_before_its_record_is_durable(bool stream)
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.SendAsync(place.Ask(ProxyPlace.Body()));
        using var hold = new JournalHold(place);

        var pending = place.Client.SendAsync(place.Ask(ProxyPlace.Body(stream: stream)), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        // The provider has answered, the store has not.
        await place.Simulator.Log.WaitAsync(2, 0, TestContext.Current.CancellationToken);
        await place.Simulator.Log.Read(0)[1].Completion.WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
        Assert.NotSame(pending, await Task.WhenAny(pending, Task.Delay(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken)));

        hold.Dispose();
        using var response = await pending;
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("answered", (await place.FinishedAsync(response.RequestId())).Result);
    }

    [Fact]
    public async Task The_end_of_a_stream_waits_for_its_settlement_and_what_came_before_does_not()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4, DurationMs = 500 } });
        using var response = await place.Client.SendAsync(place.Ask(ProxyPlace.Body(stream: true)), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var hold = new JournalHold(place);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        var seen = new List<string>();
        while (seen.LastOrDefault() != "event: content_block_stop")
            seen.Add((await reader.ReadLineAsync(TestContext.Current.CancellationToken))!);
        var next = ReadToEndAsync(reader);
        Assert.NotSame(next, await Task.WhenAny(next, Task.Delay(TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken)));

        hold.Dispose();
        var rest = await next;
        Assert.Contains("event: message_delta", rest, StringComparison.Ordinal);
        Assert.Contains("event: message_stop", rest, StringComparison.Ordinal);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_cannot_be_recorded_is_not_answered(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await place.SendAsync(place.Ask(ProxyPlace.Body()));
        if (kind == StoreKind.Sqlite)
            FillDisk(place);
        else
            await place.Store.SqlAsync<object>("ALTER TABLE records RENAME TO records_gone");

        foreach (var stream in new[] { false, true })
        {
            var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body(stream: stream, text: "canary")));
            Assert.Equal((HttpStatusCode.ServiceUnavailable, "api_error"), (response.StatusCode, Answers.Error(body).Type));
            Assert.DoesNotContain("canary", body, StringComparison.Ordinal);
        }
        if (kind == StoreKind.Postgres)
            await place.Store.SqlAsync<object>("ALTER TABLE records_gone RENAME TO records");
    }

    [Fact]
    public async Task A_stream_whose_settlement_is_refused_ends_in_an_error_event()
    {
        await using var place = await ProxyPlace.StartAsync(rules: new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4, DurationMs = 1000 } });
        using var response = await place.Client.SendAsync(place.Ask(ProxyPlace.Body(stream: true)), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        FillDisk(place);
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.DoesNotContain("message_stop", body, StringComparison.Ordinal);
        Assert.DoesNotContain("message_delta", body, StringComparison.Ordinal);
        Assert.Contains("could not record", body.Split("event: error")[1], StringComparison.Ordinal);
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

    // What the journal's files are open as becomes a device that is always full.
    private static void FillDisk(ProxyPlace place)
    {
        using var full = File.OpenHandle("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        var folder = Path.Combine(Path.GetDirectoryName(place.Store.Url["sqlite:".Length..])!, "journal");
        var open = Directory.GetFiles("/proc/self/fd").Where(fd => new FileInfo(fd).LinkTarget is { } target && target.StartsWith(folder, StringComparison.Ordinal) && target.EndsWith(".journal", StringComparison.Ordinal)).ToArray();
        Assert.Equal(2, open.Length);
        foreach (var file in open)
            Assert.True(Duplicate(full, int.Parse(Path.GetFileName(file), CultureInfo.InvariantCulture)) >= 0);
    }

    [LibraryImport("libc", EntryPoint = "dup2", SetLastError = true)]
    private static partial int Duplicate(SafeFileHandle from, int to);

    /// <summary>Keeps the journal from making anything durable, until disposed.</summary>
    private sealed class JournalHold : IDisposable
    {
        private readonly ManualResetEventSlim _release = new();
        private readonly Thread _holder;

        public JournalHold(ProxyPlace place)
        {
            using var held = new ManualResetEventSlim();
            var turn = ((SqliteStore)place.Gateway.Store).RecordJournal!.Turn;
            _holder = new Thread(() =>
            {
                lock (turn)
                {
                    held.Set();
                    _release.Wait();
                }
            })
            { IsBackground = true };
            _holder.Start();
            held.Wait();
        }

        public void Dispose()
        {
            _release.Set();
            _holder.Join();
        }
    }
}
