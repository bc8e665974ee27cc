using System.Diagnostics;
using System.Net;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>Leaving takes effect (law 7): within five seconds, in the middle of a stream if need be.</summary>
public sealed class RevocationTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("signed out")]
    [InlineData("made inactive")]
    public async Task A_stream_under_way_ends_within_five_seconds(string how)
    {
        await using var place = await SignInPlace.StartAsync();
        var tokens = await place.SignInAsync();
        place.Gateway.Simulator.Script.Set(new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4 } });
        using var answer = await place.AskAsync(tokens.Access(), HttpCompletionOption.ResponseHeadersRead, stream: true);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        await using var body = await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken);
        using var reader = new StreamReader(body);
        Assert.Equal("event: message_start", await reader.ReadLineAsync(TestContext.Current.CancellationToken));

        var begun = Stopwatch.GetTimestamp();
        if (how == "signed out")
            await place.PostAsync("/oauth/revoke", ("token", tokens.Refresh()));
        else
        {
            await using var store = await place.Gateway.OpenStoreAsync();
            var user = await place.Gateway.SqlAsync<string>("SELECT id FROM users WHERE email = 'zed@corp.example'");
            var organization = await place.Gateway.SqlAsync<string>("SELECT organization_id FROM users LIMIT 1");
            await store.Users.UpdateAsync(organization!, user!, new ActorRecord("cli", "test"), status: "inactive");
        }
        var rest = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);

        Assert.True(Stopwatch.GetElapsedTime(begun) < Bound, Stopwatch.GetElapsedTime(begun).ToString());
        Assert.Contains("event: error", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("message_stop", rest, StringComparison.Ordinal);
        using var refused = await place.AskAsync(tokens.Access());
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await place.RefreshAsync(tokens.Refresh())).Status);
    }
}
