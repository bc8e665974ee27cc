using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Journals;
using Demarc.Storage.Projections;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.Storage;

public sealed class JournalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-journal-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, InlineData(0, 0, null), InlineData(1, 0, ""), InlineData(7, 9, "clls_1"), InlineData(8, 100_000, "sitzung-ä-日"), InlineData(3_000_001, 15, null)]
    public void A_record_comes_back_as_it_was(int body, int content, string? session)
    {
        var record = Record(Bytes(body), Bytes(content), session);
        var bytes = new byte[JournalFrame.Size(record)];

        Assert.Equal(bytes.Length, JournalFrame.Write(bytes, 42, record));
        Assert.True(JournalFrame.TryRead(bytes, out var number, out var read, out var length));

        Assert.Equal((42, bytes.Length), (number, length));
        Assert.Equal((record.OrganizationId, record.Kind, record.RequestId, record.At, record.SessionId), (read.OrganizationId, read.Kind, read.RequestId, read.At, read.SessionId));
        Assert.True(record.Body.Span.SequenceEqual(read.Body.Span) && record.Content.Span.SequenceEqual(read.Content.Span));

        static byte[] Bytes(int length) => [.. Enumerable.Range(0, length).Select(n => (byte)(n * 31))];
    }

    [Fact]
    public async Task A_server_waits_for_a_command_that_takes_what_the_journal_has()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        var store = await place.OpenAsync();
        var folder = Path.Combine(Path.GetDirectoryName(place.Url["sqlite:".Length..])!, "journal");
        Task<Lead> serving;
        using (Journal.Open(folder))
        {
            serving = store.LeadAsync(Leadership.Projections, Stop);
            Assert.False(serving.IsCompleted, serving.Exception?.ToString());
        }
        await using var lead = await serving;
        Assert.NotNull(store.RecordJournal);
    }

    [Fact]
    public void A_frame_that_was_not_written_whole_is_none()
    {
        var record = Record([1, 2, 3], [4, 5], "clls_1");
        var whole = new byte[JournalFrame.Size(record)];
        JournalFrame.Write(whole, 7, record);

        for (var i = 0; i < whole.Length; i++)
        {
            Assert.False(JournalFrame.TryRead(whole.AsSpan(0, i), out _, out _, out _), $"cut at {i}");
            var flipped = whole.ToArray();
            flipped[i] ^= 0x40;
            Assert.False(JournalFrame.TryRead(flipped, out _, out _, out _), $"flipped at {i}");
        }
        Assert.False(JournalFrame.TryRead(new byte[200], out _, out _, out _));
    }

    [Fact]
    public void What_was_left_is_found_in_order_over_both_files_and_nothing_older()
    {
        using (var journal = Journal.Open(_folder))
        {
            journal.Start(100);
            // Three times around both files; what the store has not is always less than a file holds.
            for (var n = 0; n < 60; n++)
                journal.Append([Event(new byte[900_000]), Event([(byte)n])], journal.Last - 4);
            Assert.Equal(220, journal.Last);
        }

        using (var again = Journal.Open(_folder))
        {
            Assert.Equal(Enumerable.Range(211, 10).Select(n => (long)n), again.Left(210).Select(left => left.Number));
            Assert.Equal(59, again.Left(219).Single().Record.Body.Span[0]);

            again.Start(220);
            Assert.Empty(again.Left(0));
        }
        Assert.All(Directory.GetFiles(_folder), file => Assert.DoesNotContain(File.ReadAllBytes(file), b => b != 0));
    }

    [Fact]
    public void What_was_torn_at_the_end_does_not_bring_back_what_stood_there_before()
    {
        long end;
        using (var journal = Journal.Open(_folder))
        {
            journal.Start(0);
            journal.Append([Event([1]), Event([2]), Event([3])], 0);
            journal.Start(3);
            journal.Append([Event([4])], 3);
            end = JournalFrame.Size(Event([4]));
            journal.Append([Event([5]), Event([6])], 3);
        }
        var file = Path.Combine(_folder, "a.journal");
        var bytes = File.ReadAllBytes(file);
        // Of the second group, the later frame came to the disk and the earlier did not.
        bytes.AsSpan((int)end, (int)end).Clear();
        File.WriteAllBytes(file, bytes);

        using var again = Journal.Open(_folder);
        Assert.Equal([4L], again.Left(3).Select(left => left.Number));
    }

    [Fact]
    public async Task Only_one_process_has_it_open()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        var serving = await place.OpenAsync();
        await using var lead = await serving.LeadAsync(Leadership.Projections, Stop);
        await serving.AppendAsync(StorePlace.Event("org_1"));

        // The command line reads beside it, and takes nothing from it.
        var beside = await place.OpenAsync();
        await beside.AppendAsync(StorePlace.Event("org_1"));
        await serving.SettledAsync();

        Assert.Equal(2, await place.SqlAsync<long>("SELECT count(*) FROM records"));
        Assert.Throws<StoreException>(() => { _ = beside.LeadAsync(Leadership.Projections, Stop); });
    }

    [Fact]
    public async Task What_the_store_refuses_stays_and_is_offered_again_and_counts_once()
    {
        using var journal = Journal.Open(_folder);
        journal.Start(0);
        var (taken, refuse, asked) = (new List<EvidenceRecord>(), true, new SemaphoreSlim(0));
        var (began, windows) = (TimeProvider.System.GetUtcNow(), new List<JournalWindow>());
        var writer = new JournalWriter(journal, Take, TimeProvider.System, NullLogger.Instance, window =>
        {
            windows.Add(window);
            return Task.CompletedTask;
        });

        // Durable, though the store is away.
        await Task.WhenAll(Enumerable.Range(0, 50).Select(n => writer.AppendAsync(Event([(byte)n]))));
        await asked.WaitAsync(Stop);
        Assert.Empty(taken);
        refuse = false;
        await asked.WaitAsync(Stop);
        await writer.TakenAsync();
        await writer.DisposeAsync();

        Assert.Equal(50, taken.Select(r => r.RequestId).Distinct().Count());
        Assert.Equal(50, taken.Count);
        var window = Assert.Single(windows);
        Assert.Equal(50, window.Records);
        Assert.True(began <= window.From && window.From <= window.To, $"{began:O}: {window}");
        await Assert.ThrowsAsync<StoreException>(() => writer.AppendAsync(Event([0])));

        Task Take(List<EvidenceRecord> records, long last)
        {
            asked.Release();
            if (refuse)
                throw new StoreException("away");
            taken.AddRange(records);
            Assert.Equal(taken.Count, last);
            return Task.CompletedTask;
        }
    }

    [Theory, Trait("suite", "faults"), InlineData(1, 20_000, 21_000), InlineData(2 << 20, 128, 128 + 64)]
    public async Task While_the_store_takes_nothing_the_journal_ends_by_refusing_and_what_it_has_is_kept(int size, int least, int most)
    {
        using var journal = Journal.Open(_folder);
        journal.Start(0);
        var writer = new JournalWriter(journal, (_, _) => throw new StoreException("away"), TimeProvider.System, NullLogger.Instance);
        var (durable, refused) = (0, 0);

        await AppendAsync(writer, size, () => Volatile.Read(ref refused) == 0, () => Interlocked.Increment(ref durable), () => Interlocked.Increment(ref refused));
        await writer.DisposeAsync();

        using var again = Journal.Open(_folder);
        Assert.InRange(durable, least, most);
        Assert.Equal(durable, again.Left(0).Count);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task What_follows_a_refused_record_of_its_request_is_refused_until_that_one_is_taken(bool queued)
    {
        using var journal = Journal.Open(_folder);
        journal.Start(0);
        await using var writer = new JournalWriter(journal, (_, _) => Task.CompletedTask, TimeProvider.System, NullLogger.Instance);
        var begun = new EvidenceRecord { OrganizationId = "org_1", Kind = RecordKind.Begun, RequestId = Guid.CreateVersion7(), At = 1, Body = new byte[] { 1 }, IsRefused = true };

        Assert.Contains("before this one", (await Assert.ThrowsAsync<StoreException>(() => AppendAsync(Finished()))).Message, StringComparison.Ordinal);
        var again = writer.AppendAsync(begun);
        writer.Hurry();
        await again.WaitAsync(Stop);
        await AppendAsync(Finished());

        Assert.Equal(2, journal.Last);

        EvidenceRecord Finished() => new() { OrganizationId = "org_1", Kind = RecordKind.Finished, RequestId = begun.RequestId, At = 2, Body = new byte[] { 2 }, After = begun };

        // By its caller, or by the thread while somebody else has the turn.
        async Task AppendAsync(EvidenceRecord record)
        {
            Task append;
            if (!queued)
                append = writer.AppendAsync(record);
            else
            {
                using var holds = new ManualResetEventSlim();
                using var released = new ManualResetEventSlim();
                var holder = new Thread(() =>
                {
                    lock (writer.Turn)
                    {
                        holds.Set();
                        released.Wait(Stop);
                    }
                });
                holder.Start();
                holds.Wait(Stop);
                append = writer.AppendAsync(record);
                Assert.False(append.IsCompleted);
                released.Set();
                holder.Join();
            }
            await append.WaitAsync(TimeSpan.FromSeconds(30), Stop);
        }
    }

    [Fact, Trait("suite", "faults")]
    public async Task While_the_store_is_slow_appends_wait_for_it_and_none_is_refused()
    {
        using var journal = Journal.Open(_folder);
        journal.Start(0);
        var slow = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var full = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var writer = new JournalWriter(journal, (_, _) => slow.Task, TimeProvider.System, NullLogger.Instance);
        var (durable, refused) = (0, 0);

        var callers = AppendAsync(writer, 1, () => Volatile.Read(ref durable) < 60_000, Count, () => Interlocked.Increment(ref refused));
        await full.Task.WaitAsync(Stop);
        slow.SetResult();
        await callers;
        await writer.DisposeAsync();

        Assert.Equal(0, refused);
        Assert.True(durable >= 60_000);

        void Count()
        {
            Interlocked.Increment(ref durable);
            if (!writer.HasRoom)
                full.TrySetResult();
        }
    }

    [Fact, Trait("suite", "faults")]
    public async Task What_a_full_disk_took_of_a_write_is_cleared_with_the_rest()
    {
        await using var disk = await Faults.Disk.SmallAsync(18);
        using (var journal = Journal.Open(disk.Folder))
        {
            journal.Start(0);
            Assert.Throws<IOException>(() => journal.Append([Event([.. Enumerable.Repeat((byte)7, 12 << 20)])], 0));
            Assert.True(journal.IsUsed);
            Assert.Contains(File.ReadAllBytes(Path.Combine(disk.Folder, "a.journal")), b => b == 7);
            journal.Clear();
        }
        Assert.All(Directory.GetFiles(disk.Folder), file => Assert.DoesNotContain(File.ReadAllBytes(file), b => b != 0));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    // Many at once, each one after the other.
    private static Task AppendAsync(JournalWriter writer, int size, Func<bool> more, Action durable, Action refused) =>
        Task.WhenAll(Enumerable.Range(0, 64).Select(async _ =>
        {
            while (more())
            {
                try
                {
                    await writer.AppendAsync(Event(new byte[size]));
                    durable();
                }
                catch (StoreException)
                {
                    refused();
                }
            }
        }));

    private static EvidenceRecord Event(byte[] body) => Record(body, [], null);

    private static EvidenceRecord Record(byte[] body, byte[] content, string? session) => new()
    {
        OrganizationId = "org_1",
        Kind = RecordKind.Event,
        RequestId = Guid.CreateVersion7(),
        At = 1_795_000_000_000,
        SessionId = session,
        Body = body,
        Content = content,
    };
}
