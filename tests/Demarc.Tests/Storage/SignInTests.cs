using Demarc.Governance;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Storage;

public class SignInTests
{
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(30);

    private static readonly ProvidedIdentity Zed = new("https://login.example", "subject-1", "Zed@Corp.Example", "Zed", ["developers", "payments"]);

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_device_code_is_decided_and_redeemed_once_and_a_token_stands_for_the_person(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        var user = (await store.Identities.EnsureAsync(organization, Zed, "developer", StorePlace.Actor))!;
        var id = Guid.CreateVersion7();
        Assert.True(await store.DeviceCodes.OpenAsync(organization, id, [1, 2], Hour, "10.0.0.1", null));
        Assert.False(await store.DeviceCodes.OpenAsync(organization, Guid.CreateVersion7(), [1, 2], Hour, null, null));
        var device = (await store.DeviceCodes.FindWaitingAsync(organization, [1, 2]))!;
        Assert.Null(await store.SignIns.BeginAsync(device, Hour, StorePlace.Actor));

        Assert.True(await store.DeviceCodes.DecideAsync(organization, device.Id, user.Id, Zed.Issuer));
        Assert.False(await store.DeviceCodes.DecideAsync(organization, device.Id, null, Zed.Issuer));
        Assert.Null(await store.DeviceCodes.FindWaitingAsync(organization, [1, 2]));
        var session = (await store.SignIns.BeginAsync((await store.DeviceCodes.GetAsync(organization, id))!, Hour, StorePlace.Actor))!;
        Assert.Null(await store.SignIns.BeginAsync(device, Hour, StorePlace.Actor));

        var now = TimeProvider.System.GetUtcNow().ToUnixTimeSeconds();
        var token = new AccessTokens(StorePlace.Master, TimeProvider.System).Issue(
            new AccessTokenClaims("https://gateway.example", user.Id, AccessTokens.Audience, session.Id, "jti_1", now, now + 600, user.Email, user.Name, []));
        var (status, principal) = await store.Principals.AuthenticateAsync(token);
        Assert.Equal((KeyStatus.Active, user.Id, "zed@corp.example", session.Id), (status, principal!.Id, principal.Email, principal.KeyId));
        Assert.Equal(["developers", "payments"], principal.Groups.Order());
        Assert.Equal(now + 600, principal.ExpiresAt!.Value.ToUnixTimeSeconds());
        Assert.True(store.Principals.AuthenticateAsync(token).AsTask().IsCompletedSuccessfully);

        Assert.True(await store.SignIns.EndAsync(organization, session.Id, "revoked", StorePlace.Actor));
        Assert.False(await store.SignIns.EndAsync(organization, session.Id, "revoked", StorePlace.Actor));
        await store.Principals.FollowAsync(changed: true);
        Assert.True(principal.Revoked.IsCancellationRequested);
        Assert.Equal(KeyStatus.Revoked, (await store.Principals.AuthenticateAsync(token)).Status);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Two_who_refresh_at_once_get_the_same_generation_and_a_late_one_ends_the_session(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var time = new SteppedTime();
        var store = await place.OpenAsync(time);
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        var user = (await store.Identities.EnsureAsync(organization, Zed, "developer", StorePlace.Actor))!;
        var id = Guid.CreateVersion7();
        await store.DeviceCodes.OpenAsync(organization, id, [3], Hour, null, null);
        await store.DeviceCodes.DecideAsync(organization, Ids.From(Ids.DeviceCode, id), user.Id, Zed.Issuer);
        var session = (await store.SignIns.BeginAsync((await store.DeviceCodes.GetAsync(organization, id))!, Hour, StorePlace.Actor))!;

        var both = await Task.WhenAll(Enumerable.Range(0, 2).Select(_ => store.SignIns.RefreshAsync(organization, session.Id, 0, Grace, StorePlace.Actor)));
        Assert.Equal([1, 1], both.Select(s => s!.Generation));
        time.Step(Grace + TimeSpan.FromSeconds(1));
        Assert.Null(await store.SignIns.RefreshAsync(organization, session.Id, 0, Grace, StorePlace.Actor));
        Assert.Equal("reused", (await store.SignIns.GetAsync(organization, session.Id))!.Status);
        Assert.Null(await store.SignIns.RefreshAsync(organization, session.Id, 1, Grace, StorePlace.Actor));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Groups_follow_the_issuer_and_what_an_administrator_said_stays(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var organization = (await store.Organizations.EnsureFirstAsync("Contoso", StorePlace.Actor)).Id;
        var user = (await store.Identities.EnsureAsync(organization, Zed, "developer", StorePlace.Actor))!;
        var byHand = (await store.Groups.CreateAsync(organization, "reviewers", StorePlace.Actor))!;
        await store.Groups.UpdateMembersAsync(organization, byHand.Id, [user.Id], [], StorePlace.Actor);

        var again = await store.Identities.EnsureAsync(organization, Zed with { Groups = ["developers"], Email = "zed.new@corp.example" }, "developer", StorePlace.Actor);

        Assert.Equal(user.Id, again!.Id);
        Assert.Equal(["developers", "reviewers"], await store.Groups.NamesOfAsync(organization, user.Id));
        Assert.Null(await store.Identities.EnsureAsync(organization, Zed with { Subject = "subject-2" }, "developer", StorePlace.Actor));
        Assert.NotNull(await store.Identities.EnsureAsync(organization, Zed with { Subject = "subject-3", Email = "other@corp.example" }, "developer", StorePlace.Actor));
    }
}
