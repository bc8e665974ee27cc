using System.Diagnostics;
using System.Net;
using Demarc.Governance.Evidence;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Commands;
using Demarc.Tests.Identity.Scim;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>Leaving takes effect (law 7): within five seconds, in the middle of a stream if need be.</summary>
public sealed class RevocationTests
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("signed out")]
    [InlineData("made inactive")]
    [InlineData("ended by command")]
    [InlineData("deactivated by the directory")]
    [InlineData("deleted by the directory")]
    public async Task A_stream_under_way_ends_within_five_seconds(string how)
    {
        await using var place = await SignInPlace.StartAsync(rest: $"scim: {{ tokens: [{ScimPlace.Token}] }}");
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
        else if (how == "ended by command")
        {
            var config = Path.Combine(place.Gateway.DataDirectory, "demarc.yaml");
            var listed = await DemarcCommand.JsonAsync(Path.GetTempPath(), "sign-in", "list", "--config", config, "--data", place.Gateway.DataDirectory);
            begun = Stopwatch.GetTimestamp();
            await DemarcCommand.DoneAsync(Path.GetTempPath(), "sign-in", "end", Assert.Single(listed.EnumerateArray()).GetProperty("id").GetString()!, "--config", config, "--data", place.Gateway.DataDirectory);
        }
        else if (how.EndsWith("directory", StringComparison.Ordinal))
        {
            var user = await place.Gateway.SqlAsync<string>("SELECT id FROM users WHERE email = 'zed@corp.example'");
            begun = Stopwatch.GetTimestamp();
            using var request = new HttpRequestMessage(how.StartsWith("deleted", StringComparison.Ordinal) ? HttpMethod.Delete : HttpMethod.Patch, new Uri(place.Gateway.Url, $"/scim/v2/Users/{user}"));
            request.Headers.Authorization = new("Bearer", ScimPlace.Token);
            if (request.Method == HttpMethod.Patch)
                request.Content = new StringContent("""{"Operations":[{"op":"Replace","path":"active","value":"False"}]}""");
            request.Content?.Headers.ContentType = new("application/scim+json");
            using var done = await place.Gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(done.IsSuccessStatusCode, done.ToString());
        }
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
