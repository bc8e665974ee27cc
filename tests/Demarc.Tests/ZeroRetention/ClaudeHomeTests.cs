using System.Text;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Clients;
using Demarc.Tests.Identity;
using Xunit;

namespace Demarc.Tests.ZeroRetention;

/// <summary>Law 5 on the client's own machine: what Claude Code keeps of a conversation ends after the period that its served settings state.</summary>
[Trait("suite", "faults")]
public sealed class ClaudeHomeTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_the_clean_up_period_of_the_served_settings_nothing_of_a_conversation_is_in_its_home()
    {
        const string canary = "canary-5f2e81";
        await using var place = await SignInPlace.StartAsync(rest: """
            policies:
              - { settings: { cleanupPeriodDays: 1 } }
            """);
        var credentials = ClaudeCodeSignInTests.Credentials(place.Gateway.Url, await place.SignInAsync(), expired: false);
        var home = Directory.CreateTempSubdirectory("demarc-claude-home-").FullName;
        try
        {
            // A file's name is what its tool finds, and so becomes part of the conversation.
            var project = Directory.CreateDirectory(Path.Combine(home, "project")).FullName;
            var named = Path.Combine(project, canary + ".txt");
            await File.WriteAllTextAsync(named, "", Stop);
            var run = await ClaudeCode.PrintAtAsync(home, ClaudeVersion.Newest, new Dictionary<string, string>(), credentials, []);
            Assert.True(run.ExitCode == 0, run.ToString());
            File.Delete(named);
            var kept = Traces(home, canary);
            Assert.NotEmpty(kept);

            // Two days later. The client cleans up some seconds after its start: an answer that takes its time keeps it there.
            place.Gateway.Simulator.Script.Set(new ScriptRule { Text = "There is nothing new here to be listed", Deltas = 15, BetweenEventsMs = 1000 });
            Age(home);
            run = await ClaudeCode.PrintAtAsync(home, ClaudeVersion.Newest, new Dictionary<string, string>(), null, []);

            Assert.True(run.ExitCode == 0, run.ToString());
            Assert.Empty(Traces(home, canary));
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static void Age(string home)
    {
        var then = TimeProvider.System.GetUtcNow().AddDays(-2).UtcDateTime;
        foreach (var entry in Directory.EnumerateFileSystemEntries(Path.Combine(home, ".claude"), "*", SearchOption.AllDirectories).Where(f => !f.EndsWith(".credentials.json", StringComparison.Ordinal)))
            File.SetLastWriteTimeUtc(entry, then);
    }

    private static string[] Traces(string home, string canary) =>
        [.. Directory.EnumerateFiles(home, "*", SearchOption.AllDirectories).Where(f => File.ReadAllBytes(f).AsSpan().IndexOf(Encoding.UTF8.GetBytes(canary)) >= 0)];
}
