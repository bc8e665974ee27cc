using Demarc.Governance.Identity;
using Xunit;

namespace Demarc.Tests.AdminApi;

public sealed class LastAdminTests : IAsyncLifetime
{
    private readonly GatewayPlace _place = new();

    public ValueTask InitializeAsync() => _place.InitializeAsync();

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    [Theory]
    [InlineData("inactive")]
    [InlineData("archived")]
    public async Task The_last_admin_key_that_holds_cannot_end_itself(string status)
    {
        // Keys that do not hold are no way back in.
        await _place.KeyAsync(ApiKeyKind.Admin, TimeProvider.System.GetUtcNow().AddSeconds(-1));
        var leaver = (await _place.Store.Users.CreateAsync(_place.Installation.Organization.Id, "leaver@contoso.example", "Leaver", "admin", new("cli", "test")))!;
        await _place.KeyAsync(ApiKeyKind.Admin, user: leaver.Id);
        await _place.Store.Users.UpdateAsync(_place.Installation.Organization.Id, leaver.Id, new("cli", "test"), status: "inactive");
        var keys = await _place.AdminAsync(200, "GET", "/v1/organizations/api_keys");
        var id = keys.GetProperty("data").EnumerateArray().Last().GetProperty("id").GetString();

        var refused = await _place.AdminAsync(409, "POST", $"/v1/organizations/api_keys/{id}", $$"""{"name":"n","status":"{{status}}"}""");
        Assert.Equal("conflict_error", refused.GetProperty("error").GetProperty("type").GetString());
        var kept = await _place.AdminAsync(200, "GET", $"/v1/organizations/api_keys/{id}");
        Assert.Equal(("active", "test"), (kept.GetProperty("status").GetString(), kept.GetProperty("name").GetString()));
        Assert.Empty(await _place.EventsAsync("platform_api_key_updated"));
    }

    [Fact]
    public async Task Two_admin_keys_that_end_each_other_leave_one()
    {
        for (var round = 0; round < 5; round++)
        {
            var (a, b) = (await _place.KeyAsync(ApiKeyKind.Admin), await _place.KeyAsync(ApiKeyKind.Admin));
            var organization = _place.Installation.Organization.Id;
            foreach (var other in (await _place.Store.ApiKeys.ListAsync(organization, new(Status: "active"), new(Limit: 1000))).Data.Where(k => k.Id != a.Id && k.Id != b.Id))
                await _place.Store.ApiKeys.UpdateAsync(organization, other.Id, new("cli", "test"), status: "archived");

            var answers = await Task.WhenAll(EndAsync(a.Secret, b.Id), EndAsync(b.Secret, a.Id));

            Assert.Single(answers, 200);
            Assert.Single((await _place.Store.ApiKeys.ListAsync(organization, new(Status: "active"), new())).Data);
        }

        async Task<int> EndAsync(string key, string id) =>
            (await _place.AskAsync("POST", $"/v1/organizations/api_keys/{id}", key, """{"status":"inactive"}""")).Status;
    }
}
