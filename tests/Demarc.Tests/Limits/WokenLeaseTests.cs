using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Storage.Ledger;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>A replica that stood still for a minute, whose leases others ended, and that goes on.</summary>
public sealed class WokenLeaseTests
{
    private const long Cap = 1_000_000;

    private static Meter Budget => new("org_1", LimitScope.Organization, null, null, null, SpendPeriod.Of(LimitPeriod.Monthly, TimeProvider.System.GetUtcNow()));

    [Fact]
    public async Task It_is_leased_to_again_once_what_it_had_begun_is_settled_however_much_it_begins_meanwhile()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var (woken, leader) = (await place.OpenAsync(), await place.OpenAsync());
        var leases = new DeadLeases(leader);
        Assert.True((await woken.Budgets.LeaseAsync(Budget, Cap, 1000, isRenewal: false)).Granted >= 1000);
        await new Conversation(woken).WholeAsync();
        var before = new Conversation(woken);
        await before.BeginAsync();
        await place.SqlAsync<int>("UPDATE replicas SET seen_at = seen_at - 61000");
        await leases.EndAsync();

        await woken.BeatAsync();
        var after = new Conversation(woken);
        await after.BeginAsync();
        Assert.True((await woken.Budgets.LeaseAsync(Budget, Cap, 1000, isRenewal: false)).IsEnded);
        // Neither in the log nor known to be open yet.
        await leases.FreeAsync(await leases.EndAsync());
        Assert.True((await woken.Budgets.LeaseAsync(Budget, Cap, 1000, isRenewal: false)).IsEnded);
        await place.ProjectAsync(leader);
        await leases.FreeAsync(await leases.EndAsync());
        Assert.True((await woken.Budgets.LeaseAsync(Budget, Cap, 1000, isRenewal: false)).IsEnded);

        await before.FinishAsync();
        await place.ProjectAsync(leader);
        await leases.FreeAsync(await leases.EndAsync());
        Assert.Equal(1, await place.SqlAsync<long>("SELECT count(*) FROM open_requests"));
        Assert.True((await woken.Budgets.LeaseAsync(Budget, Cap, 1000, isRenewal: false)).Granted >= 1000);
    }

    [Fact]
    public async Task What_a_version_before_ended_is_freed_as_well()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var (woken, leader) = (await place.OpenAsync(), await place.OpenAsync());
        var leases = new DeadLeases(leader);
        await woken.Budgets.LeaseAsync(Budget, Cap, 1000, isRenewal: false);
        await new Conversation(woken).WholeAsync();
        await place.SqlAsync<int>("UPDATE budget_leases SET ended = 1");

        await place.ProjectAsync(leader);
        await leases.FreeAsync(await leases.EndAsync());
        Assert.Equal(0, await place.SqlAsync<long>("SELECT count(*) FROM budget_leases"));
    }
}
