using Demarc.Governance;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage.Directory;
using Demarc.Tests.AdminApi;
using Xunit;

namespace Demarc.Tests.Storage;

public sealed class RoleStoreTests
{
    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task A_role_that_is_given_in_one_process_holds_in_another_and_ends_at_its_time(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var time = new GatewayPlace.JumpingTime();
        var store = await place.OpenAsync(time);
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        var user = (await store.Users.CreateAsync(organization, "ana@contoso.example", "Ana", "managed", StorePlace.Actor))!;
        var account = (await store.ServiceAccounts.CreateAsync(organization, "ci", StorePlace.Actor, "managed"))!;
        var group = (await store.Groups.CreateAsync(organization, "auditors", StorePlace.Actor))!;
        await store.Groups.UpdateMembersAsync(organization, group.Id, [user.Id, account.Id], [], StorePlace.Actor);
        var (_, key) = await store.ApiKeys.CreateAsync(new NewApiKey(organization, ApiKeyKind.Inference, "k", "user", user.Id), StorePlace.Actor);
        Assert.False((await store.Principals.AuthenticateAsync(key.Reveal())).Principal!.Access.AsksSomewhere);
        using var stop = new CancellationTokenSource();
        var following = store.Changes.RunAsync(stop.Token);
        var other = await place.OpenAsync(time);

        var until = time.GetUtcNow().AddMinutes(5);
        var made = (await other.RoleAssignments.AssignAsync(organization, new NewRoleAssignment("developer", false, "group", group.Id, new(ScopeKind.Resource, "east"), until), StorePlace.Actor))!;
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (await store.Principals.AuthenticateAsync(key.Reveal())).Principal!.Access.Rules == "+resource east");
        var members = await other.Principals.MembersAsync(organization, await other.Principals.MemberIdsAsync(organization, null, 10));
        Assert.Equal([account.Id, user.Id], members.Select(m => m.Id));
        Assert.All(members, m => Assert.Equal(made.Id, Assert.Single(m.Access.Grants).By));
        time.Jump(TimeSpan.FromMinutes(6));
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (await store.Principals.AuthenticateAsync(key.Reveal())).Principal!.Access.Rules.Length == 0 && !(await store.Principals.AuthenticateAsync(key.Reveal())).Principal!.Access.AsksSomewhere);
        Assert.Empty(await other.RoleAssignments.ListAsync(organization));

        await stop.CancelAsync();
        await following;
    }

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task A_role_at_a_scope_of_another_version_permits_nothing(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        var user = (await store.Users.CreateAsync(organization, "ana@contoso.example", "Ana", "managed", StorePlace.Actor))!;
        await store.RoleAssignments.AssignAsync(organization, new NewRoleAssignment("admin", false, "user", user.Id, new(ScopeKind.Workspace, "wrkspc_1")), StorePlace.Actor);
        await place.SqlAsync<long?>("UPDATE role_assignments SET scope_kind = 'region'");

        var member = Assert.Single(await store.Principals.MembersAsync(organization, [user.Id]));
        Assert.Equal(Permission.None, member.Access.Organization);
        Assert.False(member.Access.AsksSomewhere);
    }

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task A_request_and_a_change_are_decided_once(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        var user = (await store.Users.CreateAsync(organization, "ana@contoso.example", "Ana", "managed", StorePlace.Actor))!;

        var asked = await store.RoleRequests.AskAsync(organization, user.Id, "admin", RoleScope.Organization, "incident", TimeSpan.FromMinutes(10), StorePlace.Actor);
        var decided = await Task.WhenAll(Enumerable.Range(0, 4).Select(i => store.RoleRequests.DecideAsync(asked, i % 2 == 0, StorePlace.Actor)));
        Assert.Single(decided, d => d);
        var request = Assert.Single(await store.RoleRequests.ListAsync(organization));
        Assert.Equal(request.Status == "approved" ? 1 : 0, (await store.RoleAssignments.ListAsync(organization)).Length);

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();
        var change = new PendingChange
        {
            Id = "chg_1",
            OrganizationId = organization,
            Kind = "aliases",
            Summary = "s",
            Method = "PUT",
            Route = "/r",
            RouteValues = "{}",
            Path = "/r",
            Query = "",
            Body = [1, 2],
            AskedType = "user",
            AskedBy = user.Id,
            Status = "pending",
            CreatedAt = now,
            ExpiresAt = now + 60_000,
        };
        await store.PendingChanges.KeepAsync(change, StorePlace.Actor);
        Assert.True(await store.PendingChanges.DecideAsync(change, approve: true, StorePlace.Actor));
        Assert.False(await store.PendingChanges.DecideAsync(change, approve: false, StorePlace.Actor));
        Assert.Equal(("approved", 2), ((await store.PendingChanges.GetAsync(organization, "chg_1"))!.Status, (await store.PendingChanges.GetAsync(organization, "chg_1"))!.Body.Length));
        Assert.NotEqual(KeyStatus.Active, (await store.Principals.AuthenticateAsync("eyJ.x.y")).Status);
    }
}
