using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Governance.Identity;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.AdminApi;

/// <summary>Every route that is mapped, with every kind of key.</summary>
public sealed partial class KeyKindTests(GatewayPlace place) : IClassFixture<GatewayPlace>
{
    private const string Prefix = "/v1/organizations/";

    [Theory]
    [InlineData("none", 401, "authentication_error")]
    [InlineData("forged", 401, "authentication_error")]
    [InlineData("foreign", 401, "authentication_error")]
    [InlineData("expired", 401, "authentication_error")]
    [InlineData("revoked", 401, "authentication_error")]
    [InlineData("inference", 403, "permission_error")]
    [InlineData("compliance", 403, "permission_error")]
    [InlineData("admin", 0, null)]
    public async Task Administration_takes_an_admin_key_that_holds_and_no_other(string kind, int status, string? type)
    {
        var key = await KeyAsync(kind);
        var routes = place.Gateway.Routes.Where(r => r.Contains(Prefix, StringComparison.Ordinal)).ToArray();
        Assert.True(routes.Length >= 11, string.Join(", ", routes));
        foreach (var (method, path) in routes.Select(RoutePaths.Concrete))
        {
            foreach (var header in new[] { "x-api-key", "api-key", "authorization" })
            {
                var answer = await place.AskAsync(method, path, key, method is "GET" or "DELETE" ? null : "{}", header);
                if (type is null)
                {
                    Assert.True(answer.Status is 200 or 400 or 404, $"{method} {path}: {answer}");
                    continue;
                }
                Assert.True(answer.Status == status, $"{method} {path}: {answer}");
                var error = JsonSerializer.Deserialize<JsonElement>(answer.Body).GetProperty("error");
                Assert.Equal(type, error.GetProperty("type").GetString());
                Assert.NotEmpty(error.GetProperty("message").GetString()!);
            }
        }
    }

    [Fact]
    public async Task Every_route_but_the_open_ones_refuses_a_stranger()
    {
        var closed = place.Gateway.Routes.Except(Routes.Open).Except(Routes.SignIn).ToArray();
        Assert.True(closed.Length >= 19, string.Join(", ", closed));
        string?[] keys = [null, await KeyAsync("forged")];
        foreach (var (method, path) in closed.Select(RoutePaths.Concrete))
        {
            foreach (var key in keys)
            {
                var answer = await place.AskAsync(method, path, key, method is "GET" or "DELETE" ? null : "{}");
                Assert.True(answer.Status == 401, $"{method} {path}: {answer}");
            }
        }
    }

    [Fact]
    public async Task A_known_key_of_another_kind_that_tries_is_on_record()
    {
        var (id, key) = await place.KeyAsync(ApiKeyKind.Inference);
        await place.AskAsync("GET", "/v1/organizations/users", key);

        var refused = Assert.Single(await place.EventsAsync("demarc_admin_refused"), e => e.Actor.KeyId == id);
        Assert.Equal(("inference", "127.0.0.1", "admin-test/1"), (refused.Actor.KeyKind, refused.Actor.IpAddress, refused.Actor.UserAgent));
        Assert.Equal("/v1/organizations/users", refused.Fields["route"]);
    }

    private async Task<string?> KeyAsync(string kind)
    {
        var now = TimeProvider.System.GetUtcNow();
        switch (kind)
        {
            case "none":
                return null;
            case "forged":
                return Digit().Replace((await place.KeyAsync(ApiKeyKind.Admin)).Secret, d => d.Value == "1" ? "2" : "1");
            case "foreign":
                return ApiKey.Create(ApiKeyKind.Admin, new byte[32], TimeProvider.System).Key.Reveal();
            case "expired":
                return (await place.KeyAsync(ApiKeyKind.Admin, now.AddSeconds(-1))).Secret;
            case "revoked":
                var (id, secret) = await place.KeyAsync(ApiKeyKind.Admin);
                await place.Store.ApiKeys.UpdateAsync(place.Installation.Organization.Id, id, new("cli", "test"), status: "archived");
                return secret;
            default:
                return (await place.KeyAsync(Enum.Parse<ApiKeyKind>(kind, ignoreCase: true))).Secret;
        }
    }

    [GeneratedRegex(".$")]
    private static partial Regex Digit();
}
