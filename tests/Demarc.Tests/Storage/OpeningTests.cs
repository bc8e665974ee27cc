using Demarc.Storage;
using Demarc.Storage.Migrations;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Exports;
using Xunit;

namespace Demarc.Tests.Storage;

public class OpeningTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Concurrent_first_starts_make_one_store(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);

        var stores = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => place.OpenAsync()));
        var organizations = await Task.WhenAll(stores.Select(s => s.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)));

        Assert.Single(organizations.Select(o => o.Id).Distinct());
        Assert.Equal(1, await place.SqlAsync<long>("SELECT count(*) FROM organizations"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_store_newer_than_the_program_is_refused(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        await (await place.OpenAsync()).DisposeAsync();
        await place.SqlAsync<int>("INSERT INTO migrations VALUES (9999, 'later', 0)");

        var refusal = await Assert.ThrowsAsync<StoreException>(() => place.OpenAsync());

        Assert.Contains("9999", refusal.Message, StringComparison.Ordinal);
    }

    /// <summary>A dump of an hour, say: whoever serves queues up behind a migration that waits for it, so it waits in short turns.</summary>
    [Fact(Timeout = 60_000)]
    [Trait("suite", "faults")]
    public async Task A_start_that_has_to_change_tables_which_others_have_tries_again_and_then_says_what_to_do()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        await (await place.OpenAsync()).DisposeAsync();
        const string waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'migrations'::regclass";
        await using var other = await place.HoldAsync("LOCK TABLE migrations IN ACCESS EXCLUSIVE MODE");

        // 1 it gives up for good
        var time = new GatewayPlace.JumpingTime();
        var late = place.OpenAsync(time);
        await ExportPlace.UntilAsync(async () => await place.SqlAsync<long>(waiting) > 0);
        time.Jump(TimeSpan.FromMinutes(2));
        var refusal = await Assert.ThrowsAsync<StoreException>(() => late);
        Assert.Contains("other transactions have had its tables for 60 seconds", refusal.Message, StringComparison.Ordinal);
        Assert.Contains("Nothing was changed", refusal.Message, StringComparison.Ordinal);

        // 2 it lets those behind it pass, and has the tables once they are free
        var patient = place.OpenAsync();
        await ExportPlace.UntilAsync(async () => await place.SqlAsync<long>(waiting) > 0);
        await ExportPlace.UntilAsync(async () => await place.SqlAsync<long>(waiting) == 0);
        Assert.False(patient.IsCompleted);
        await other.DisposeAsync();
        await patient;
    }

    [Theory]
    [InlineData("mysql://localhost/demarc")]
    [InlineData("postgres://localhost")]
    [InlineData("postgres://localhost/demarc?sslmodus=require")]
    public async Task An_address_that_cannot_be_understood_is_refused(string url) =>
        await Assert.ThrowsAsync<StoreException>(() =>
            Store.OpenAsync(url, StorePlace.Master, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance));

    [Theory, InlineData("Sqlite"), InlineData("SqliteDerived"), InlineData("SqliteKeys"), InlineData("Postgres")]
    public void Migrations_are_numbered_without_a_gap(string dialect) =>
        Assert.Equal(Enumerable.Range(1, Migration.Of(dialect).Length).Select(n => (long)n), Migration.Of(dialect).Select(m => m.Version));
}
