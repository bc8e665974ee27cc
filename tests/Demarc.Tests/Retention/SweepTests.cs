using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Demarc.Storage.Retention;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Retention.RetentionPlace;

namespace Demarc.Tests.Retention;

/// <summary>What is past its retention ends, provably; what is not, stays.</summary>
public sealed class SweepTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Content_past_its_retention_is_destroyed_with_its_keys_and_the_log_proves_it(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        await place.SayAsync("clls_old", 200, "old");
        await place.SayAsync("clls_partly", 190, "first");
        await place.SayAsync("clls_partly", 3, "last");
        await place.SayAsync("clls_young", 170, "young");
        var before = await place.CheckpointAsync();

        var dry = await place.SweepAsync(dryRun: true);
        Assert.Equal((2, 0), (dry.Sessions, dry.Transcripts.Keys));
        Assert.Equal(["old"], await place.ReadAsync("clls_old"));
        Assert.Empty(await place.EventsAsync("demarc_retention_swept"));

        var report = await place.SweepAsync();

        Assert.Equal((2, 1, 2, 2), (report.Sessions, report.Transcripts.Sessions, report.Transcripts.Requests, report.Transcripts.Keys));
        Assert.Equal(["clls_partly", "clls_young"], await place.SessionsAsync());
        Assert.Equal(["gone", "last"], await place.ReadAsync("clls_partly"));
        Assert.Equal(["young"], await place.ReadAsync("clls_young"));
        Assert.True((await place.Store.Sessions.GetAsync(Organization, "clls_partly"))!.CreatedAt > DaysAgo(4));
        Assert.Equal(2, await place.Place.SqlAsync<long>("SELECT count(*) FROM records WHERE content IS NOT NULL"));
        var check = await place.VerifyAsync(before);
        Assert.Empty(check.Findings);
        Assert.Equal((1, 2), (check.Checkpoints, check.ContentsErased));
        Assert.Equal("2", Assert.Single(await place.EventsAsync(ErasedRecord.ContentTombstone))["count"]);
        var swept = Assert.Single(await place.EventsAsync("demarc_retention_swept"));
        Assert.Equal(("2", "2", "1"), (swept["contents"], swept["keys"], swept["sessions_removed"]));
        Assert.StartsWith(DateTimeOffset.FromUnixTimeMilliseconds(DaysAgo(200)).ToString("yyyy-MM-dd", null), swept["oldest_session"], StringComparison.Ordinal);

        // What the sweep did not name is not excused by it.
        await place.Place.SqlAsync<int>("UPDATE records SET content = NULL WHERE content IS NOT NULL");
        Assert.Equal(2, (await place.VerifyAsync(before)).Findings.Count(f => f.Problem.Contains("content was removed", StringComparison.Ordinal)));
        Assert.True((await place.SweepAsync()).IsEmpty);
    }

    [Fact]
    public async Task A_destroyed_key_is_in_no_file_any_more()
    {
        await using var place = await RetentionPlace.CreateAsync(StoreKind.Sqlite);
        await place.SayAsync("clls_old", 200, "old");
        await place.SayAsync("clls_young", 1, "young");
        var wrapped = (await place.Store.QueryKeysAsync<byte[]>("SELECT wrapped FROM content_keys ORDER BY session_id"));
        var folder = Path.GetDirectoryName(place.Place.Url["sqlite:".Length..])!;
        Assert.Contains(Directory.GetFiles(folder, "keys.db*"), file => Holds(file, wrapped[0]));

        await place.SweepAsync();

        Assert.DoesNotContain(Directory.GetFiles(folder), file => Holds(file, wrapped[0]));
        Assert.Contains(Directory.GetFiles(folder), file => Holds(file, wrapped[1]));

        static bool Holds(string path, byte[] bytes)
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var all = new byte[stream.Length];
            stream.ReadExactly(all);
            return all.AsSpan().IndexOf(bytes) >= 0;
        }
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task The_shortest_period_of_organization_and_policies_wins(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        foreach (var (user, days) in new[] { ("user_1", 5), ("user_1", 40), ("user_2", 5), ("user_2", 40), ("user_3", 100) })
            await place.SayAsync($"clls_{user}_{days}", days, "said", user);

        await place.SweepAsync("""
            retention: { transcripts: 90d }
            policies:
              - { match: { users: [user_1] }, retention: { transcripts: 30d } }
              - { match: { users: [user_1, user_2] }, retention: { transcripts: 365d } }
            """);

        Assert.Equal(["clls_user_1_5", "clls_user_2_40", "clls_user_2_5"], await place.SessionsAsync());
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Records_ledger_and_sign_ins_end_by_their_own_periods_and_what_is_left_verifies(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        var old = await place.SayAsync("clls_old", 300, "old");
        var middle = await place.SayAsync("clls_middle", 190, "middle");
        var young = await place.SayAsync("clls_young", 2, "young");
        var before = await place.CheckpointAsync();
        Assert.Equal(3, await place.Place.SqlAsync<long>("SELECT count(*) FROM ledger"));

        var report = await place.SweepAsync("retention: { activities: 200d, transcripts: 365d, ledger: 250d, identities: 30d }\n");

        // Transcripts are kept with their records: what outlives these in the configuration does not outlive them.
        Assert.Equal((1, 2), (report.Sessions, report.Records));
        Assert.True(report.LedgerRows > 0);
        Assert.Equal(2, await place.Place.SqlAsync<long>("SELECT count(*) FROM ledger"));
        Assert.Equal(2, await place.Place.SqlAsync<long>("SELECT count(*) FROM spend_days"));
        Assert.Null(await place.Store.Requests.FindAsync(Organization, old));
        Assert.NotNull(await place.Store.Requests.FindAsync(Organization, middle));
        Assert.NotNull(await place.Store.Requests.FindAsync(Organization, young));
        Assert.Equal(["clls_middle", "clls_young"], await place.SessionsAsync());
        var check = await place.VerifyAsync(before);
        Assert.Empty(check.Findings);
        Assert.Equal(2, check.Erased);

        // The tombstones themselves stay, however old they grow, and a second sweep has nothing to do.
        await place.Place.SqlAsync<int>("UPDATE records SET at = at - 31536000000 WHERE kind = 4");
        var again = await place.SweepAsync("retention: { activities: 200d }\n");
        Assert.Equal((0, 0), (again.Records, again.RecordsHeld));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task What_is_held_while_a_sweep_runs_is_not_destroyed_by_the_rest_of_it(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        await place.SayAsync("clls_old", 300, "old");
        var batches = 0;

        var report = await place.SweepAsync("retention: { activities: 200d, ledger: 250d }\n", mayGoOn: async () =>
        {
            // The transcripts are through, the records are next.
            if (++batches == 2)
                await place.Store.LegalHolds.CreateAsync(Organization, new NewLegalHold("case 7", "a claim", "organization", Organization), StorePlace.Actor);
        });

        Assert.Equal((1, 0, 2, 0), (report.Sessions, report.Records, report.RecordsHeld, report.LedgerRows));
        Assert.Equal(1, await place.Place.SqlAsync<long>("SELECT count(*) FROM ledger"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_sweep_that_another_process_has_taken_over_destroys_nothing_more(StoreKind kind)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        await place.SayAsync("clls_old", 300, "old");

        await Assert.ThrowsAsync<StoreException>(() => place.SweepAsync("retention: { activities: 200d }\n", mayGoOn: () => throw new StoreException("replaced")));

        Assert.Equal(["old"], await place.ReadAsync("clls_old"));
    }
}
