using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Compliance;

public sealed class ActivityEndpointTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task An_inference_says_who_asked_what_where_it_ran_and_what_it_cost(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await place.AskAsync("my-session", User("hello"));

        var activity = Assert.Single(await place.ActivitiesAsync(1, "demarc_inference"));

        var actor = activity.GetProperty("actor");
        Assert.Equal(("user_actor", "developer@demarc.example"), (actor.Text("type"), actor.Text("email_address")));
        Assert.Equal("127.0.0.1", actor.Text("ip_address"));
        Assert.StartsWith("claude-cli/", actor.Text("user_agent"), StringComparison.Ordinal);
        Assert.StartsWith("apikey_", actor.Text("api_key_id"), StringComparison.Ordinal);
        Assert.StartsWith("activity_", activity.Text("id"), StringComparison.Ordinal);
        Assert.StartsWith("org_", activity.Text("organization_id"), StringComparison.Ordinal);
        Assert.True(Guid.TryParseExact(activity.Text("organization_uuid"), "D", out _));
        Assert.Equal(
            ("sonnet", "east", "claude-sonnet-4-6", "foundry", "anthropic", "eastus2", "my-session", "claude_code", "full"),
            (activity.Text("model_asked"), activity.Text("resource"), activity.Text("deployment"), activity.Text("platform"), activity.Text("hosting"),
                activity.Text("region"), activity.Text("client_session_id"), activity.Text("product_surface"), activity.Text("capture")));
        Assert.Equal(("answered", 200), (activity.Text("result"), activity.GetProperty("status").GetInt32()));
        var usage = activity.GetProperty("usage");
        Assert.True(usage.GetProperty("input_tokens").GetInt64() > 0 && usage.GetProperty("output_tokens").GetInt64() > 0);
        var nano = activity.GetProperty("cost_nano_usd").GetInt64();
        Assert.True(nano > 0);
        Assert.Equal(nano, decimal.Parse(activity.Text("cost_usd")!, System.Globalization.CultureInfo.InvariantCulture) * 1_000_000_000);
        Assert.StartsWith("sha256:", activity.GetProperty("receipt").Text("policy"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refusal_and_a_token_count_are_activities_of_their_own()
    {
        await using var place = await ProxyPlace.StartAsync();
        await place.SendAsync(place.Ask(ProxyPlace.Body(model: "nothing-of-the-kind")));
        await place.SendAsync(place.Ask(ProxyPlace.Body(), "/v1/messages/count_tokens"));

        var refused = Assert.Single(await place.ActivitiesAsync(1, "demarc_inference_refused"));
        Assert.Equal((400, "nothing-of-the-kind"), (refused.GetProperty("status").GetInt32(), refused.Text("model")));
        var counted = Assert.Single(await place.ActivitiesAsync(1, "demarc_token_count"));
        Assert.Equal((0, "0.00"), (counted.GetProperty("cost_nano_usd").GetInt64(), counted.Text("cost_usd")));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Pages_hold_each_activity_once_forwards_and_back(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await EventsAsync(place, 23);
        var url = $"{Activities}?activity_types[]=test_a&activity_types[]=test_b&limit=5";
        var all = (await place.ActivitiesAsync(23, "test_a", "test_b")).Select(a => a.Text("id")!).ToArray();
        Assert.Equal(23, all.Distinct().Count());

        var forwards = new List<string>();
        var page = await place.GetAsync(url);
        for (; page.GetProperty("has_more").GetBoolean(); page = await place.GetAsync($"{url}&after_id={page.Text("last_id")}"))
            forwards.AddRange(page.Data().Select(a => a.Text("id")!));
        forwards.AddRange(page.Data().Select(a => a.Text("id")!));
        Assert.Equal(all, forwards);

        var back = new List<string>(page.Data().Select(a => a.Text("id")!).Reverse());
        while (true)
        {
            page = await place.GetAsync($"{url}&before_id={page.Text("first_id")}");
            back.AddRange(page.Data().Select(a => a.Text("id")!).Reverse());
            if (!page.GetProperty("has_more").GetBoolean())
                break;
        }
        Assert.Equal(all.Reverse(), back);

        var oldestFirst = new List<string>();
        page = await place.GetAsync($"{url}&order=asc");
        for (; page.GetProperty("has_more").GetBoolean(); page = await place.GetAsync($"{url}&order=asc&after_id={page.Text("last_id")}"))
            oldestFirst.AddRange(page.Data().Select(a => a.Text("id")!));
        oldestFirst.AddRange(page.Data().Select(a => a.Text("id")!));
        Assert.Equal(all.Reverse(), oldestFirst);
        Assert.Equal(all[^5..^0].Reverse(), (await place.GetAsync($"{url}&order=asc&before_id={all[^6]}")).Data().Select(a => a.Text("id")!));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Filters_narrow_by_type_actor_organization_and_time(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await EventsAsync(place, 6);
        await place.AskAsync("s", User("hi"));
        var inference = Assert.Single(await place.ActivitiesAsync(1, "demarc_inference"));
        var (user, organization, uuid, at) = (inference.GetProperty("actor").Text("user_id"), inference.Text("organization_id"), inference.Text("organization_uuid"), inference.Text("created_at"));

        Assert.Equal(3, (await place.GetAsync($"{Activities}?activity_types[]=test_a")).Data().Length);
        Assert.DoesNotContain((await place.GetAsync($"{Activities}?exclude_activity_types[]=test_a")).Data(), a => a.Text("type") == "test_a");
        foreach (var name in new[] { "actor_ids[]", "user_ids[]" })
            Assert.All((await place.GetAsync($"{Activities}?{name}={user}")).Data(), a => Assert.Equal(user, a.GetProperty("actor").Text("user_id")));
        Assert.Contains(inference.Text("id"), (await place.GetAsync($"{Activities}?actor_ids[]={user}")).Data().Select(a => a.Text("id")));
        Assert.NotEmpty((await place.GetAsync($"{Activities}?organization_ids[]={organization}")).Data());
        Assert.NotEmpty((await place.GetAsync($"{Activities}?organization_ids[]={uuid}")).Data());
        Assert.Empty((await place.GetAsync($"{Activities}?organization_ids[]=00000000-0000-0000-0000-000000000001")).Data());
        Assert.Empty((await place.GetAsync($"{Activities}?organization_ids[]=org_0000000000000000000000")).Data());
        foreach (var (bound, holds) in new[] { ("gte", true), ("lte", true), ("gt", false), ("lt", false) })
            Assert.Equal(holds, (await place.GetAsync($"{Activities}?created_at.{bound}={at}&activity_types[]=demarc_inference")).Data().Length == 1);
    }

    [Theory]
    [InlineData("limit=0", "The limit parameter must be between 1 and 5000, inclusive. Got 0.")]
    [InlineData("limit=5001", "The limit parameter must be between 1 and 5000, inclusive. Got 5001.")]
    [InlineData("limit=many", "The limit parameter must be between 1 and 5000, inclusive. Got many.")]
    [InlineData("created_at.gte=2024-01-01", "The `created_at.gte` parameter contains an invalid timestamp format. Timestamps must be provided in RFC 3339 format e.g., \"2024-03-01T00:00:00Z\". Got \"2024-01-01\".")]
    [InlineData("after_id=activity_invalid123", "Invalid `after_id`. No activity found for `after_id` \"activity_invalid123\"")]
    [InlineData("before_id=activity_0000000000000000000000", "Invalid `before_id`. No activity found for `before_id` \"activity_0000000000000000000000\"")]
    [InlineData("after_id=a&before_id=b", "Only one of `after_id` and `before_id` can be set.")]
    [InlineData("activity_types[]=a&exclude_activity_types[]=b", "`activity_types[]` cannot be combined with `exclude_activity_types[]`.")]
    [InlineData("activity_types[]=a%27--", "\"a'--\" is no activity type.")]
    [InlineData("actor_ids[]=nobody", "\"nobody\" is no actor ID (user_… or svac_…).")]
    [InlineData("organization_ids[]=1", "\"1\" is no organization ID (org_… or a UUID).")]
    [InlineData("order=sideways", "The `order` parameter must be \"desc\" or \"asc\". Got \"sideways\".")]
    public async Task A_parameter_that_cannot_be_used_is_named(string query, string message)
    {
        await using var place = await ProxyPlace.StartAsync();
        Assert.Equal((400, "invalid_request_error", message), await place.RefusedAsync($"{Activities}?{query}"));
    }

    [Fact]
    public async Task An_unknown_parameter_is_named_and_its_value_is_not_kept()
    {
        await using var place = await ProxyPlace.StartAsync();

        var (status, _, message) = await place.RefusedAsync($"{Activities}?limit=1&token=hunter2");

        Assert.Equal(400, status);
        Assert.StartsWith("There is no `token` parameter here.", message, StringComparison.Ordinal);
        var json = await place.AwaitAsync($"{Activities}?activity_types[]=compliance_api_accessed", j => j.Data().Any(a => a.GetProperty("status_code").GetInt32() == 400));
        Assert.Contains("/v1/compliance/activities?limit=1", json.Data().Select(a => a.Text("url")));
        Assert.DoesNotContain("hunter2", json.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_in_the_wrong_place_is_not_kept()
    {
        await using var place = await ProxyPlace.StartAsync();
        var key = place.Keys["developer_key"];
        await place.RefusedAsync($"{Sessions}/{key}/messages");
        await place.RefusedAsync($"{Activities}?after_id={key}");

        var json = await place.AwaitAsync($"{Activities}?limit=5000", j => j.Data().Count(a => a.Text("type") == "compliance_api_accessed" && a.GetProperty("status_code").GetInt32() == 400) == 2);

        Assert.DoesNotContain(key[^40..], json.GetRawText(), StringComparison.Ordinal);
    }

    private static async Task EventsAsync(ProxyPlace place, int count)
    {
        await using var store = await place.OpenStoreAsync();
        var organization = (await store.Organizations.ListAsync())[0].Id;
        for (var n = 0; n < count; n++)
            await store.RecordAsync(organization, new ActorRecord("cli", "test"), n % 2 == 0 ? "test_a" : "test_b", new() { ["n"] = $"{n}" });
        await place.AwaitAsync($"{Activities}?activity_types[]=test_a&activity_types[]=test_b", j => j.Data().Length == count);
    }
}
