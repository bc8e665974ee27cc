using System.Net;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage.Directory;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>Who has none is told so on the page and at the machine; who leaves frees theirs.</summary>
public sealed class SeatTests
{
    [Fact]
    public async Task The_last_seat_is_taken_released_and_taken_again()
    {
        await using var place = await SignInPlace.StartAsync(rest: "seats: { groups: [developers], maximum: 1, help: \"Ask seats@corp.example.\" }");
        var zed = await place.SignInAsync("zed");
        var device = await place.DeviceAsync();

        var (status, page) = await place.ApproveAsync(device.GetProperty("user_code").GetString()!, "amy");

        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("all 1 seats are taken. Ask seats@corp.example.", page, StringComparison.Ordinal);
        var denied = (await place.RedeemAsync(device)).Json;
        Assert.Equal("access_denied", denied.GetProperty("error").GetString());
        Assert.Contains("all 1 seats are taken. Ask seats@corp.example.", denied.GetProperty("error_description").GetString(), StringComparison.Ordinal);
        Assert.Equal("zed@corp.example", Assert.Single((await CommandAsync(place, "list")).EnumerateArray()).GetProperty("email").GetString());

        await CommandAsync(place, "release", "zed@corp.example");

        using (await SignInTests.RefusedAsync(place, zed.Access()))
        {
        }
        Assert.Contains("Your seat was released. Ask seats@corp.example.", (await place.RefreshAsync(zed.Refresh())).Json.GetProperty("error_description").GetString(), StringComparison.Ordinal);
        await place.SignInAsync("amy");
        Assert.Equal("amy@corp.example", Assert.Single((await CommandAsync(place, "list")).EnumerateArray()).GetProperty("email").GetString());
        Assert.Equal(3, await place.Gateway.SqlAsync<long>("SELECT count(*) FROM records WHERE kind = 4 AND CAST(body AS text) LIKE '%claude_user_seat_tier_updated%'"));
    }

    [Fact]
    public async Task Whom_no_rule_gives_a_seat_an_administrator_can()
    {
        await using var place = await SignInPlace.StartAsync(rest: "seats: { groups: [others], maximum: 5 }");
        var device = await place.DeviceAsync();
        var (status, page) = await place.ApproveAsync(device.GetProperty("user_code").GetString()!, "zed");
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Contains("you have no seat here yet. Ask your administrator for one.", page, StringComparison.Ordinal);

        await CommandAsync(place, "assign", "zed@corp.example");

        await place.SignInAsync("zed");
        Assert.Equal("hand", Assert.Single((await CommandAsync(place, "list")).EnumerateArray()).GetProperty("source").GetString());
    }

    [Fact]
    public async Task Who_leaves_frees_a_seat_and_who_leaves_the_group_too()
    {
        await using var place = await SignInPlace.StartAsync(rest: "seats: { groups: [developers] }");
        await place.SignInAsync("zed");
        var amy = await place.SignInAsync("amy");
        await using var store = await place.Gateway.OpenStoreAsync();
        var organization = (await place.Gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1"))!;
        async Task<string> IdAsync(string name) => (await store.Users.GetByEmailAsync(organization, $"{name}@corp.example"))!.Id;
        var actor = new ActorRecord("cli", "test");

        await store.Users.UpdateAsync(organization, await IdAsync("zed"), actor, status: "inactive");
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => await place.Gateway.SqlAsync<long>("SELECT count(*) FROM seats") == 1);
        var group = (await store.Groups.GetByNameAsync(organization, "developers"))!;
        await store.Groups.UpdateMembersAsync(organization, group.Id, [], [await IdAsync("amy")], actor);
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => await place.Gateway.SqlAsync<long>("SELECT count(*) FROM seats") == 0);

        using var refused = await SignInTests.RefusedAsync(place, amy.Access());
    }

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task However_many_ask_at_once_there_are_no_more_seats_than_that(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync();
        var organization = (await store.Organizations.EnsureFirstAsync("x", StorePlace.Actor)).Id;
        var group = (await store.Groups.CreateAsync(organization, "developers", StorePlace.Actor))!;
        var people = await Task.WhenAll(Enumerable.Range(0, 10).Select(async i => (await store.Users.CreateAsync(organization, $"u{i}@corp.example", "u", "developer", StorePlace.Actor))!.Id));
        await store.Groups.UpdateMembersAsync(organization, group.Id, people, [], StorePlace.Actor);
        var rules = new SeatRules(["developers"], 3);

        var outcomes = await Task.WhenAll(people.Select(p => store.Seats.TakeAsync(organization, p, rules, StorePlace.Actor)));

        Assert.Equal(3, outcomes.Count(o => o == SeatOutcome.Held));
        Assert.Equal(7, outcomes.Count(o => o == SeatOutcome.Full));
        Assert.Equal(3, (await store.Seats.ListAsync(organization, rules)).Length);
        Assert.Equal(SeatOutcome.NotEntitled, await store.Seats.TakeAsync(organization, people[Array.IndexOf(outcomes, SeatOutcome.Full)], rules with { Groups = [] }, StorePlace.Actor));
    }

    private static Task<JsonElement> CommandAsync(SignInPlace place, params string[] command) =>
        DemarcCommand.JsonAsync(Path.GetTempPath(), ["seat", .. command, "--config", Path.Combine(place.Gateway.DataDirectory, "demarc.yaml"), "--data", place.Gateway.DataDirectory]);
}
