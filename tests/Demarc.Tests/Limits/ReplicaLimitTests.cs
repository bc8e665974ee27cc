using System.Net;
using Demarc.Simulator.Scripts;
using Xunit;

namespace Demarc.Tests.Limits;

public sealed class ReplicaLimitTests(ITestOutputHelper output)
{
    private const int Tokens = 1000;
    private const long Limit = 40_000_000;

    /// <summary>As <see cref="HardLimitTests"/> has it for one process: $0.04 is 2.5 answers.</summary>
    [Theory]
    [InlineData(false, 50)]
    [InlineData(true, 50)]
    [InlineData(false, 500, Traits = ["suite", "faults"])]
    [InlineData(true, 500, Traits = ["suite", "faults"])]
    [InlineData(false, 5000, Traits = ["suite", "faults"])]
    [InlineData(true, 5000, Traits = ["suite", "faults"])]
    public async Task Of_many_at_once_on_three_replicas_two_are_served_whole_and_the_limit_holds(bool stream, int requests)
    {
        await using var place = await ReplicaPlace.StartAsync("0.04", new ScriptRule { Deltas = Tokens });
        using var client = new HttpClient(new SocketsHttpHandler()) { Timeout = TimeSpan.FromMinutes(2) };

        var asked = await Task.WhenAll(Enumerable.Range(0, requests).Select(i => place.AskAsync(client, i % 3, stream, Tokens, TestContext.Current.CancellationToken)));
        await place.SettledAsync(TimeSpan.FromSeconds(30));

        var answers = asked.Select(a => a!.Value).ToArray();
        var whole = answers.Count(a => IsWhole(a, stream));
        var spent = await place.Store.SqlAsync<long>("SELECT CAST(sum(nano_usd) AS bigint) FROM ledger");
        output.WriteLine($"{requests} {(stream ? "streams" : "whole")}: {whole} whole, {answers.Count(a => a.Status == HttpStatusCode.TooManyRequests)} refused, spent {spent}, highest {place.Highest}");
        Assert.Equal(2, whole);
        Assert.All(answers, a => Assert.True(IsWhole(a, stream) || a.Status == HttpStatusCode.TooManyRequests || a.Body.Contains("event: error", StringComparison.Ordinal), a.Body));
        Assert.InRange(place.Highest, 1, Limit);
        Assert.Equal(spent, await place.Store.SqlAsync<long>("SELECT settled FROM budgets"));
        Assert.InRange(spent, 30_000_000, Limit);
    }

    private static bool IsWhole((HttpStatusCode Status, string Body, string Id) answer, bool stream) =>
        answer.Status == HttpStatusCode.OK && (!stream || answer.Body.Contains("message_stop", StringComparison.Ordinal));
}
