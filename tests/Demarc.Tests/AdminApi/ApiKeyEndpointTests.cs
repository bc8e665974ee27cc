using System.Text.Json;
using Demarc.Governance.Identity;
using Xunit;

namespace Demarc.Tests.AdminApi;

public sealed class ApiKeyEndpointTests(GatewayPlace place) : IClassFixture<GatewayPlace>
{
    private const string Keys = "/v1/organizations/api_keys";

    [Fact]
    public async Task A_key_is_made_used_listed_renamed_and_ended()
    {
        var made = await place.AdminAsync(200, "POST", Keys, $$"""{"name":"laptop","user_id":"{{place.Admin.Id}}","expires_at":"2999-01-31T00:00:00+01:00"}""");
        var (id, key) = (Text(made, "id"), Text(made, "key"));
        Assert.StartsWith("demarc_key_", key, StringComparison.Ordinal);
        Assert.Equal("2999-01-30T23:00:00.000Z", Text(made, "expires_at"));
        Assert.Equal(200, (await place.AskAsync("GET", "/v1/models", key)).Status);

        var shown = await place.AdminAsync(200, "GET", $"{Keys}/{id}");
        Assert.Equal(
            ["id", "created_at", "created_by", "expires_at", "name", "partial_key_hint", "principal", "project_id", "status", "type", "workspace_id"],
            shown.EnumerateObject().Select(p => p.Name));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", Text(shown, "created_at"));
        Assert.Equal($$"""{"id":"{{place.Admin.Id}}","type":"user"}""", shown.GetProperty("created_by").GetRawText());
        Assert.Equal($$"""{"id":"{{place.Admin.Id}}","type":"user"}""", shown.GetProperty("principal").GetRawText());
        Assert.Equal(("laptop", "active", "api_key"), (Text(shown, "name"), Text(shown, "status"), Text(shown, "type")));
        Assert.Equal(JsonValueKind.Null, shown.GetProperty("workspace_id").ValueKind);

        var renamed = await place.AdminAsync(200, "POST", $"{Keys}/{id}", """{"name":"Anaïs' laptop","status":null}""");
        Assert.Equal(("Anaïs' laptop", "active"), (Text(renamed, "name"), Text(renamed, "status")));

        await place.AdminAsync(200, "POST", $"{Keys}/{id}", """{"status":"archived"}""");
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (await place.AskAsync("GET", "/v1/models", key)).Status == 401);
        var listed = await place.AdminAsync(200, "GET", $"{Keys}?status=archived&limit=1000");
        Assert.Contains(listed.GetProperty("data").EnumerateArray(), k => Text(k, "id") == id);

        var actor = (await place.EventsAsync("platform_api_key_updated")).Last(e => e.Fields["api_key_id"] == id).Actor;
        Assert.Equal(("user", place.Admin.Id, "admin", "127.0.0.1", "admin-test/1"), (actor.Type, actor.Id, actor.KeyKind, actor.IpAddress, actor.UserAgent));
    }

    [Fact]
    public async Task Pages_go_both_ways_and_filters_hold()
    {
        var account = (await place.Store.ServiceAccounts.CreateAsync(place.Installation.Organization.Id, "pages", new("cli", "test")))!;
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
            ids.Insert(0, Text(await place.AdminAsync(200, "POST", Keys, $$"""{"name":"page {{i}}","service_account_id":"{{account.Id}}"}"""), "id"));

        var filter = $"created_by_user_id={place.Admin.Id}&status=active";
        var all = Ids(await place.AdminAsync(200, "GET", $"{Keys}?{filter}&limit=1000"));
        Assert.Subset(all.ToHashSet(), ids.ToHashSet());
        Assert.Equal(all.OrderDescending(StringComparer.Ordinal), all);

        var middle = await place.AdminAsync(200, "GET", $"{Keys}?{filter}&limit=2&after_id={ids[0]}");
        Assert.Equal([ids[1], ids[2]], Ids(middle));
        Assert.Equal((ids[1], ids[2], true), (Text(middle, "first_id"), Text(middle, "last_id"), middle.GetProperty("has_more").GetBoolean()));
        Assert.Equal([ids[1], ids[2]], Ids(await place.AdminAsync(200, "GET", $"{Keys}?{filter}&limit=2&before_id={ids[3]}")));

        var none = await place.AdminAsync(200, "GET", $"{Keys}?created_by_user_id={Governance.Identity.Ids.New(Governance.Identity.Ids.User, TimeProvider.System)}");
        Assert.Equal("""{"data":[],"first_id":null,"has_more":false,"last_id":null}""", none.GetRawText());
        Assert.Empty(Ids(await place.AdminAsync(200, "GET", $"{Keys}?workspace_id={Governance.Identity.Ids.New(Governance.Identity.Ids.Workspace, TimeProvider.System)}")));
    }

    [Theory]
    [InlineData("limit=0", "limit")]
    [InlineData("limit=1001", "limit")]
    [InlineData("limit=ten", "limit")]
    [InlineData("status=gone", "status")]
    [InlineData("after_id=user_1", "after_id")]
    [InlineData("before_id=%00", "before_id")]
    [InlineData("workspace_id='--", "workspace_id")]
    [InlineData("created_by_user_id=%F0%28", "created_by_user_id")]
    public async Task A_parameter_that_cannot_be_is_named(string query, string field) =>
        Named(await place.AdminAsync(400, "GET", $"{Keys}?{query}"), field);

    [Theory]
    [InlineData("""{"name":"x","user_id":"USER","workspace":"w"}""", "workspace")]
    [InlineData("""{"name":"x","user_id":"USER","\ud800":1}""", "JSON")]
    [InlineData("""{"name":"x","name":"y","user_id":"USER"}""", "twice")]
    [InlineData("""{"name":"x","user_id":"USER" """, "JSON")]
    [InlineData("""["name"]""", "JSON object")]
    [InlineData("null", "JSON object")]
    [InlineData("", "JSON")]
    [InlineData("""{"user_id":"USER"}""", "name")]
    [InlineData("""{"name":null,"user_id":"USER"}""", "name")]
    [InlineData("""{"name":7,"user_id":"USER"}""", "name")]
    [InlineData("""{"name":" ","user_id":"USER"}""", "name")]
    [InlineData("""{"name":"a\u0000b","user_id":"USER"}""", "name")]
    [InlineData("""{"name":"a\u202eb","user_id":"USER"}""", "name")]
    [InlineData("""{"name":"\ud800","user_id":"USER"}""", "name")]
    [InlineData("""{"name":"LONG","user_id":"USER"}""", "name")]
    [InlineData("""{"name":"x"}""", "user_id")]
    [InlineData("""{"name":"x","user_id":"USER","service_account_id":"svac_1"}""", "user_id")]
    [InlineData("""{"name":"x","user_id":"user_unknown"}""", "user_id")]
    [InlineData("""{"name":"x","service_account_id":"svac_unknown"}""", "service_account_id")]
    [InlineData("""{"name":"x","user_id":"USER","kind":"root"}""", "kind")]
    [InlineData("""{"name":"x","user_id":"USER","expires_at":"tomorrow"}""", "expires_at")]
    [InlineData("""{"name":"x","user_id":"USER","expires_at":"2999-01-01T00:00:00"}""", "expires_at")]
    [InlineData("""{"name":"x","user_id":"USER","expires_at":"2020-01-01T00:00:00Z"}""", "expires_at")]
    public async Task A_body_that_cannot_be_is_refused_with_the_field(string body, string named)
    {
        body = body.Replace("USER", place.Admin.Id, StringComparison.Ordinal).Replace("LONG", new string('x', 201), StringComparison.Ordinal);
        Named(await place.AdminAsync(400, "POST", Keys, body), named);
    }

    [Theory]
    [InlineData("""{"status":"expired"}""", "status")]
    [InlineData("""{"status":true}""", "status")]
    [InlineData("""{"name":""}""", "name")]
    [InlineData("""{"key":"x"}""", "key")]
    public async Task A_change_that_cannot_be_is_refused_with_the_field(string body, string named) =>
        Named(await place.AdminAsync(400, "POST", $"{Keys}/{(await place.KeyAsync(ApiKeyKind.Inference)).Id}", body), named);

    [Fact]
    public async Task A_body_too_large_or_of_another_type_is_refused()
    {
        await place.AdminAsync(413, "POST", Keys, $$"""{"name":"{{new string('x', 70_000)}}"}""");
        Assert.Equal(415, (await place.AskAsync("POST", Keys, place.AdminKey)).Status);
    }

    [Theory]
    [InlineData("apikey_absent")]
    [InlineData("apikey_0000000000000000000000")]
    [InlineData("%0A")]
    public async Task An_unknown_key_is_not_found(string id)
    {
        await place.AdminAsync(404, "GET", $"{Keys}/{id}");
        await place.AdminAsync(404, "POST", $"{Keys}/{id}", """{"name":"x"}""");
    }

    private static void Named(JsonElement answer, string field)
    {
        Assert.Equal("invalid_request_error", Text(answer.GetProperty("error"), "type"));
        Assert.Contains(field, Text(answer.GetProperty("error"), "message"), StringComparison.Ordinal);
    }

    private static string[] Ids(JsonElement page) => [.. page.GetProperty("data").EnumerateArray().Select(k => Text(k, "id"))];

    private static string Text(JsonElement value, string name) => value.GetProperty(name).GetString()!;
}
