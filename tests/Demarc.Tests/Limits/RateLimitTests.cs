using System.Net;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Proxy;
using Xunit;

namespace Demarc.Tests.Limits;

public sealed class RateLimitTests
{
    private static string Rates(string rate) => $"  - rates: [ {{ per: person, {rate} }} ]";

    [Fact]
    public async Task Beyond_the_requests_of_a_minute_a_person_is_told_when_to_try_again()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Rates("requests_per_minute: 2"));

        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(ProxyPlace.Body()))).Response.StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(ProxyPlace.Body(stream: true)))).Response.StatusCode);
        var (response, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.InRange(response.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 120);
        var (type, message) = Answers.Error(body);
        Assert.Equal("rate_limit_error", type);
        Assert.Matches(@"^your limit of 2 requests a minute is reached; try again in \d+ s$", message);
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(ProxyPlace.Body(), "/v1/messages/count_tokens"))).Response.StatusCode);
    }

    [Fact]
    public async Task Tokens_count_once_they_are_known()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Rates("tokens_per_minute: 900"), rules: new ScriptRule { Deltas = 1000 });

        var thousand = ProxyPlace.Body().Replace("64", "1000", StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(thousand))).Response.StatusCode);
        var (response, body) = await place.SendAsync(place.Ask(thousand));

        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.Contains("900 tokens a minute", Answers.Error(body).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_many_at_a_time_as_allowed_and_the_next_when_one_has_ended()
    {
        await using var place = await ProxyPlace.StartAsync(policies: Rates("concurrent: 1"), rules: new ScriptRule { LatencyMs = 1000, Times = 1 });
        var first = place.SendAsync(place.Ask(ProxyPlace.Body()));
        while (place.Simulator.Log.Read(0).Length == 0)
            await Task.Yield();

        var (second, body) = await place.SendAsync(place.Ask(ProxyPlace.Body()));

        Assert.Equal(HttpStatusCode.TooManyRequests, second.StatusCode);
        Assert.Contains("1 requests at the same time", Answers.Error(body).Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await first).Response.StatusCode);
        // What was refused or answered has left.
        Assert.Equal(HttpStatusCode.OK, (await place.SendAsync(place.Ask(ProxyPlace.Body()))).Response.StatusCode);
    }
}
