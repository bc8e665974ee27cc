using System.Net;
using System.Text.RegularExpressions;
using Demarc.Simulator.Scripts;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Identity;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>The real Claude Code's <c>/login</c>, as a developer goes through it in a terminal.</summary>
[Trait("suite", "faults")]
public sealed partial class ClaudeCodeLoginTests
{
    [Fact]
    public async Task A_developer_signs_in_asks_is_revoked_in_mid_stream_signs_in_again_and_out()
    {
        await using var place = await SignInPlace.StartAsync(rest: """
            policies:
              - { settings: { env: { CLAUDE_CODE_GATEWAY_HINT_HEADERS: "1" } } }
            """);
        var at = place.Gateway.Url.AbsoluteUri.TrimEnd('/');
        await using var terminal = await Terminal.StartAsync($$"""{"forceLoginMethod":"gateway","forceLoginGatewayUrl":"{{at}}","parentSettingsBehavior":"merge"}""");

        // 1 the first start: the gateway that managed settings name, trusted by hand
        await terminal.ShowsAsync("Choose the text style");
        await terminal.PressAsync("Enter");
        await terminal.ShowsAsync("set by managed settings");
        await terminal.PressAsync("Enter");
        await terminal.ChooseAsync("Yes, trust this gateway");
        var code = UserCode().Match(await terminal.ShowsAsync("Waiting for sign-in")).Value;
        Assert.Contains("records who asked what", await terminal.ShowsAsync("Notice from"), StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await place.ApproveAsync(code, "zed")).Status);
        await terminal.ShowsAsync("Signed in to Cloud gateway as zed@corp.example");
        await terminal.ChooseAsync("Yes, continue");
        await terminal.ShowsAsync("Connected to Cloud gateway");
        await terminal.PressAsync("Enter");
        await terminal.ShowsAsync("Security notes");
        await terminal.PressAsync("Enter");
        await terminal.ChooseAsync("Yes, I trust this folder");

        // 2 the settings that a policy has, and the first answer under them
        await terminal.ShowsAsync("CLAUDE_CODE_GATEWAY_HINT_HEADERS");
        await terminal.ChooseAsync("Yes, I trust these settings");
        await terminal.ShowsAsync("auto mode on");
        await terminal.TypeAsync("hello there");
        await terminal.ShowsAsync("Echo: hello there");
        Assert.Contains(await place.Gateway.RequestsAsync(), r => r.Begun.Actor.Email == "zed@corp.example");

        // 3 revoked in mid-stream
        place.Gateway.Simulator.Script.Set(new ScriptRule { Stream = true, Text = "a beginning and", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4 } });
        var asked = place.Gateway.Simulator.Log.Read(0).Length;
        await terminal.TypeAsync("a long story");
        // The client shows whole paragraphs alone: that its stream has begun shows at the provider.
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), () => Task.FromResult(place.Gateway.Simulator.Log.Read(0).Length > asked));
        var config = Path.Combine(place.Gateway.DataDirectory, "demarc.yaml");
        var session = await place.Gateway.SqlAsync<string>("SELECT id FROM sign_ins");
        await DemarcCommand.DoneAsync(Path.GetTempPath(), "sign-in", "end", session!, "--config", config, "--data", place.Gateway.DataDirectory);
        await terminal.ShowsAsync("Please run /login");

        // 4 signed in again, in the same terminal, and out
        place.Gateway.Simulator.Script.Set();
        await terminal.TypeAsync("/login");
        await terminal.ShowsAsync("set by managed settings");
        await terminal.PressAsync("Enter");
        code = UserCode().Match(await terminal.ShowsAsync("Waiting for sign-in")).Value;
        Assert.Equal(HttpStatusCode.OK, (await place.ApproveAsync(code, "zed")).Status);
        await terminal.ChooseAsync("Yes, continue");
        await terminal.ShowsAsync("Connected to Cloud gateway");
        await terminal.PressAsync("Enter");
        await terminal.ShowsAsync("auto mode on");
        await terminal.TypeAsync("hello again");
        await terminal.ShowsAsync("Echo: hello again");
        await terminal.TypeAsync("/logout");
        await terminal.EndsAsync();
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => await place.Gateway.SqlAsync<long>("SELECT count(*) FROM sign_ins WHERE status = 'signed_out'") == 1);
        Assert.False(File.Exists(terminal.Credentials));
    }

    [GeneratedRegex("[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}")]
    private static partial Regex UserCode();
}
