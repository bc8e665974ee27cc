using System.Net;
using System.Text.Json;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>Pages of the models that a key may ask for, both ways (Models API, "List Models").</summary>
public sealed class ModelListTests
{
    private const string Refused = "claude-opus-4-6";

    [Fact]
    public async Task Pages_of_any_size_hold_what_is_allowed_and_nothing_else_in_one_order()
    {
        await using var gateway = await GatewayFixture.StartAsync($$"""
            resources:
              - name: east
                platform: anthropic
                endpoint: SIMULATOR
                credential: { api_key: test }
                deployments: [ {{string.Join(", ", Enumerable.Range(1, 7).Select(n => $"{{ name: d{n}, model: {(n is 1 or 4 or 7 ? Refused : "claude-sonnet-4-6")} }}"))}} ]
            policies: [ { models: [claude-sonnet-4-6] } ]
            """);
        var (all, _) = await PageAsync(gateway, "limit=100");
        Assert.Equal(4, all.Length);
        Assert.DoesNotContain(all, name => name.EndsWith('1') || name.EndsWith('4') || name.EndsWith('7'));

        foreach (var limit in new[] { 1, 2, 3, 4, 5 })
        {
            for (var n = 0; n < all.Length; n++)
            {
                Check(all[(n + 1)..], limit, await PageAsync(gateway, $"limit={limit}&after_id={all[n]}"));
                var (before, hasMore) = await PageAsync(gateway, $"limit={limit}&before_id={all[n]}");
                Assert.Equal(all[Math.Max(0, n - limit)..n], before);
                Assert.Equal(n > limit, hasMore);
            }
            Check(all, limit, await PageAsync(gateway, $"limit={limit}"));
        }
        foreach (var wrong in new[] { "after_id=none", "before_id=none", "after_id=d4", "before_id=d4", "limit=0" })
        {
            using var refused = await AskAsync(gateway, wrong);
            Assert.Equal(HttpStatusCode.BadRequest, refused.StatusCode);
        }
    }

    private static void Check(string[] rest, int limit, (string[] Names, bool HasMore) page)
    {
        Assert.Equal(rest[..Math.Min(limit, rest.Length)], page.Names);
        Assert.Equal(rest.Length > limit, page.HasMore);
    }

    private static async Task<(string[] Names, bool HasMore)> PageAsync(GatewayFixture gateway, string query)
    {
        using var response = await AskAsync(gateway, query);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        var page = JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken));
        string[] names = [.. page.GetProperty("data").EnumerateArray().Select(m => m.GetProperty("id").GetString()!)];
        Assert.Equal((names.FirstOrDefault(), names.LastOrDefault()), (page.GetProperty("first_id").GetString(), page.GetProperty("last_id").GetString()));
        return (names, page.GetProperty("has_more").GetBoolean());
    }

    private static Task<HttpResponseMessage> AskAsync(GatewayFixture gateway, string query)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway.Url, "/v1/models?" + query));
        request.Headers.Add("x-api-key", gateway.DeveloperKey);
        return gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
    }
}
