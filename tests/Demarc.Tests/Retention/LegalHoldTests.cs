using Demarc.Storage.Retention;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Retention.RetentionPlace;

namespace Demarc.Tests.Retention;

public sealed class LegalHoldTests
{
    public static TheoryData<StoreKind, string, string, double?, double?, string[]> Holds()
    {
        var data = new TheoryData<StoreKind, string, string, double?, double?, string[]>();
        foreach (var kind in Enum.GetValues<StoreKind>())
        {
            data.Add(kind, "user", "user_1", null, null, ["clls_a", "clls_b"]);
            data.Add(kind, "session", "clls_b", null, null, ["clls_b"]);
            data.Add(kind, "group", "legal", null, null, ["clls_c"]);
            data.Add(kind, "organization", "org_1", null, null, ["clls_a", "clls_b", "clls_c"]);
            data.Add(kind, "user", "user_1", 250, null, ["clls_b"]);
            data.Add(kind, "user", "user_1", null, 250, ["clls_a"]);
            data.Add(kind, "organization", "org_1", 270, 230, []);
        }
        return data;
    }

    [Theory, MemberData(nameof(Holds))]
    public async Task What_is_held_is_not_swept_until_it_is_released(StoreKind kind, string scope, string subject, double? fromDaysAgo, double? toDaysAgo, string[] held)
    {
        await using var place = await RetentionPlace.CreateAsync(kind);
        await place.SayAsync("clls_a", 300, "a");
        await place.SayAsync("clls_b", 200, "b");
        await place.SayAsync("clls_c", 200, "c", "user_2");
        if (scope == "group")
        {
            var group = (await place.Store.Groups.CreateAsync(Organization, subject, StorePlace.Actor))!;
            await place.Store.Groups.UpdateMembersAsync(Organization, group.Id, ["user_2"], [], StorePlace.Actor);
            subject = group.Id;
        }
        var hold = await place.Store.LegalHolds.CreateAsync(
            Organization, new NewLegalHold("case 7", "a claim", scope, subject, fromDaysAgo is { } f ? DaysAgo(f) : null, toDaysAgo is { } t ? DaysAgo(t) : null), StorePlace.Actor);
        // Leaving the group frees nobody.
        if (scope == "group")
            await place.Store.Groups.UpdateMembersAsync(Organization, subject, [], ["user_2"], StorePlace.Actor);
        const string policy = "retention: { activities: 180d }\n";

        var report = await place.SweepAsync(policy);

        Assert.Equal(held, await place.SessionsAsync());
        foreach (var session in held)
            Assert.Equal([session[^1..]], await place.ReadAsync(session));
        Assert.Equal((held.Length, 2 * held.Length, 2 * (3 - held.Length)), (report.SessionsHeld, report.RecordsHeld, report.Records));
        Assert.Empty((await place.VerifyAsync()).Findings);

        Assert.NotNull(await place.Store.LegalHolds.ReleaseAsync(Organization, hold.Id, StorePlace.Actor));
        Assert.Null(await place.Store.LegalHolds.ReleaseAsync(Organization, hold.Id, StorePlace.Actor));
        await place.SweepAsync(policy);

        Assert.Empty(await place.SessionsAsync());
        Assert.Equal(0, await place.Place.SqlAsync<long>("SELECT count(*) FROM records WHERE content IS NOT NULL"));
        Assert.Empty((await place.VerifyAsync()).Findings);
        Assert.Equal(["case 7"], (await place.EventsAsync("demarc_legal_hold_created")).Select(e => e["name"]));
        Assert.Equal([hold.Id], (await place.EventsAsync("demarc_legal_hold_released")).Select(e => e["legal_hold_id"]));
    }
}
