using System.Net;
using System.Text.Json;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>Where limits stand and who changed them, over the Admin API.</summary>
public sealed class SpendLimitViewTests
{
    private const string Limits = "/v1/organizations/spend_limits";

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Every_change_of_a_limit_is_in_the_audit_with_what_was_before_and_after(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        var id = (await place.AdminAsync(HttpMethod.Post, Limits, """{"scope":{"type":"organization"},"amount":"500","period":"daily"}""")).GetProperty("id").GetString();
        await place.AdminAsync(HttpMethod.Post, $"{Limits}/{id}", """{"amount":null}""");
        await place.AdminAsync(HttpMethod.Delete, $"{Limits}/{id}");

        var changes = await AuditAsync(place, 3);
        Assert.Equal(["deleted null/hard -", "updated 500/hard null/hard", "created - 500/hard"], changes.Select(c => $"{c.GetProperty("action").GetString()} {Amount(c, "before")} {Amount(c, "after")}"));
        Assert.All(changes, c => Assert.Equal((id, "daily", "organization", "scoped_api_key_actor"), (c.GetProperty("spend_limit_id").GetString(), c.GetProperty("period").GetString(), c.GetProperty("scope").GetProperty("type").GetString(), c.GetProperty("actor").GetProperty("type").GetString())));

        var first = await place.AdminAsync(HttpMethod.Get, $"{Limits}/audit?limit=2");
        Assert.True(first.GetProperty("has_more").GetBoolean());
        var rest = await place.AdminAsync(HttpMethod.Get, $"{Limits}/audit?limit=2&after_id={first.GetProperty("last_id").GetString()}");
        Assert.Equal((1, false), (rest.GetProperty("data").GetArrayLength(), rest.GetProperty("has_more").GetBoolean()));
        foreach (var wrong in (string[])["limit=0", "limit=1001", "limit=ten", "after_id=spl_x", "after_id=-1"])
            await place.AdminAsync(HttpMethod.Get, $"{Limits}/audit?{wrong}", null, 400);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task People_are_found_filtered_put_in_order_of_their_spend_and_paged(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind, null, new ScriptRule { Deltas = 1000 });
        await place.AdminAsync(HttpMethod.Post, Limits, """{"scope":{"type":"organization"},"amount":"500"}""");
        await place.AdminAsync(HttpMethod.Post, Limits, """{"scope":{"type":"organization"},"amount":"300","period":"weekly"}""");
        var store = await place.Store.OpenAsync();
        var organization = await place.Store.SqlAsync<string>("SELECT organization_id FROM organizations") ?? "";
        var late = (await store.Users.CreateAsync(organization, "zoe@contoso.example", "Zoe", "developer", StorePlace.Actor))!.Id;
        var developer = await place.Store.SqlAsync<string>("SELECT id FROM users WHERE role = 'developer' AND email <> 'zoe@contoso.example'");
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(ProxyPlace.Body().Replace("64", "1000", StringComparison.Ordinal)))).Response.StatusCode);
        await place.ProjectedAsync();

        var bySpend = await RowsAsync(place, "?period[]=monthly&sort=spend_desc");
        Assert.Equal(developer, User(bySpend[0]));
        Assert.StartsWith("1.5", bySpend[0].GetProperty("period_to_date_spend").GetString(), StringComparison.Ordinal);
        Assert.All(bySpend.Skip(1), r => Assert.Equal("0", r.GetProperty("period_to_date_spend").GetString()));
        Assert.Equal([late], (await RowsAsync(place, "?period[]=monthly&q=ZOE@")).Select(User));
        Assert.Equal([late, late], (await RowsAsync(place, $"?user_ids[]={late}")).Select(User));
        var page = await place.AdminAsync(HttpMethod.Get, $"{Limits}/effective?period[]=monthly&sort=spend_desc&limit=1");
        var second = await place.AdminAsync(HttpMethod.Get, $"{Limits}/effective?period[]=monthly&sort=spend_desc&limit=1&page={page.GetProperty("next_page").GetString()}");
        Assert.Equal((User(bySpend[0]), User(bySpend[1])), (User(page.GetProperty("data")[0]), User(second.GetProperty("data")[0])));
        foreach (var wrong in (string[])["?sort=spend_desc", "?sort=name&period[]=monthly", "?period[]=yearly", "?limit=0", "?page=x"])
            await place.AdminAsync(HttpMethod.Get, $"{Limits}/effective{wrong}", null, 400);
    }

    [Fact]
    public async Task Where_the_configuration_holds_a_person_to_less_that_is_shown_with_its_place()
    {
        await using var place = await ProxyPlace.StartAsync(policies: """
              - limits: [ { per: person, period: monthly, amount_usd: "4.00", mode: hard }, { per: person, period: daily, amount_usd: "9.00", mode: audit } ]
            """);
        await place.AdminAsync(HttpMethod.Post, Limits, """{"scope":{"type":"organization"},"amount":"500","period":"weekly"}""");

        Assert.Equal(["500 weekly spl_ -", "400 monthly  policies[0].limits[0]"], (await RowsAsync(place, "?q=developer")).Select(Row));
        await place.AdminAsync(HttpMethod.Post, Limits, """{"scope":{"type":"organization"},"amount":"300"}""");
        Assert.Equal(["300 monthly spl_ -"], (await RowsAsync(place, "?q=developer&period[]=monthly")).Select(Row));
        await place.AdminAsync(HttpMethod.Post, Limits, """{"scope":{"type":"organization"},"amount":null}""");
        Assert.Equal(["400 monthly  policies[0].limits[0]"], (await RowsAsync(place, "?q=developer&period[]=monthly")).Select(Row));

        static string Row(JsonElement row) =>
            $"{row.GetProperty("amount").GetString()} {row.GetProperty("period").GetString()} {row.GetProperty("spend_limit_id").GetString()?[..4]} {(row.GetProperty("source").TryGetProperty("configuration", out var where) ? where.GetString() : "-")}";
    }

    private static string? User(JsonElement row) => row.GetProperty("actor").GetProperty("user_id").GetString();

    private static async Task<JsonElement[]> RowsAsync(ProxyPlace place, string query) =>
        [.. (await place.AdminAsync(HttpMethod.Get, Limits + "/effective" + query)).GetProperty("data").EnumerateArray()];

    private static string Amount(JsonElement change, string when) =>
        change.GetProperty(when) is { ValueKind: JsonValueKind.Object } amount ? $"{amount.GetProperty("amount").GetString() ?? "null"}/{amount.GetProperty("mode").GetString()}" : "-";

    // Activities follow the log within a second; nothing but the answer tells when.
    private static async Task<JsonElement[]> AuditAsync(ProxyPlace place, int count)
    {
        var started = TimeProvider.System.GetTimestamp();
        while (true)
        {
            JsonElement[] changes = [.. (await place.AdminAsync(HttpMethod.Get, $"{Limits}/audit")).GetProperty("data").EnumerateArray()];
            if (changes.Length >= count)
                return changes;
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(10), $"{changes.Length} changes after 10 s.");
        }
    }
}
