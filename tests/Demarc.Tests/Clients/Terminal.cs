using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>
/// Claude Code as a developer sees it, in a terminal of tmux: a fresh home, and its own folder of managed settings in place of the
/// machine's <c>/etc/claude-code</c>, in a mount namespace of its own. The program is unmodified.
/// </summary>
internal sealed class Terminal : IAsyncDisposable
{
    private const string Tmux = "/usr/bin/tmux";

    // A program this large takes its time on a busy machine.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-terminal-").FullName;
    private readonly string _managed;

    private Terminal() => _managed = Directory.CreateDirectory(Path.Combine(_folder, "managed", "claude-code")).FullName;

    /// <summary>Where it keeps what it is signed in with.</summary>
    public string Credentials => Path.Combine(_folder, "home", ".claude", ".credentials.json");

    /// <param name="managedSettings">What <c>/etc/claude-code/managed-settings.json</c> holds.</param>
    public static async Task<Terminal> StartAsync(string managedSettings)
    {
        var program = ClaudeCode.Program(ClaudeVersion.Newest);
        Component.Require(File.Exists(Tmux), "tmux is not installed (apt-get install tmux)");
        var terminal = new Terminal();
        await File.WriteAllTextAsync(Path.Combine(terminal._managed, "managed-settings.json"), managedSettings);
        var overlay = $"mount -t overlay overlay -o lowerdir={Path.GetDirectoryName(terminal._managed)}:/etc /etc";
        var separate = await Command.RunAsync("/usr/bin/unshare", ["-rm", "/bin/sh", "-c", overlay], "/", new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" }, TestContext.Current.CancellationToken);
        Component.Require(separate.ExitCode == 0, $"no mount namespace can be made here, to lay managed settings over /etc: {separate.Errors}");
        var project = Directory.CreateDirectory(Path.Combine(terminal._folder, "home", "project")).FullName;
        await terminal.RunAsync("-f", "/dev/null", "new-session", "-d", "-x", "140", "-y", "50", "-c", project,
            $"unshare -rm /bin/sh -c '{overlay} && exec env -i HOME={terminal._folder}/home PATH=/usr/bin:/bin TERM=xterm-256color LANG=C.UTF-8 CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC=1 {program}'");
        return terminal;
    }

    /// <summary>Waits until the screen shows a text; the whole screen.</summary>
    public async Task<string> ShowsAsync(string text)
    {
        var screen = "";
        // tmux tells nobody when a screen changes.
        for (var end = Environment.TickCount64 + (long)Patience.TotalMilliseconds; !screen.Contains(text, StringComparison.Ordinal); await Task.Delay(100, TestContext.Current.CancellationToken))
        {
            Assert.True(Environment.TickCount64 < end, $"The terminal did not come to show: {text}\n{screen}");
            screen = await RunAsync("capture-pane", "-p");
        }
        return screen;
    }

    /// <summary>Moves to a choice of a menu that the screen shows, and takes it.</summary>
    public async Task ChooseAsync(string choice)
    {
        var screen = await ShowsAsync(choice);
        for (var end = Environment.TickCount64 + (long)Patience.TotalMilliseconds; screen.Contains(choice, StringComparison.Ordinal); screen = await RunAsync("capture-pane", "-p"))
        {
            Assert.True(Environment.TickCount64 < end, $"The menu did not take: {choice}\n{screen}");
            var line = screen.Split('\n').LastOrDefault(l => l.Contains('❯', StringComparison.Ordinal)) ?? "";
            await PressAsync(line.Contains(choice, StringComparison.Ordinal) ? "Enter" : "Down");
            // A menu that has just come takes no key until none was pressed for a while, and says so to nobody; and a key too many
            // would fall to the screen behind it.
            await Task.Delay(3000, TestContext.Current.CancellationToken);
        }
    }

    public Task PressAsync(string key) => RunAsync("send-keys", key);

    /// <summary>Types a line, and sends it when it stands there.</summary>
    public async Task TypeAsync(string line)
    {
        await RunAsync("send-keys", "-l", line);
        await ShowsAsync(line);
        await PressAsync("Enter");
    }

    /// <summary>Waits until the program has ended, and its terminal with it.</summary>
    public Task EndsAsync() => GatewayPlace.UntilAsync(Patience, async () => (await TellAsync("has-session")).ExitCode != 0);

    public async ValueTask DisposeAsync()
    {
        await TellAsync("kill-server");
        await GatewayPlace.UntilAsync(Patience, async () => (await TellAsync("has-session")).ExitCode != 0);
        Directory.Delete(_folder, recursive: true);
    }

    private async Task<string> RunAsync(params string[] command)
    {
        var result = await TellAsync(command);
        Assert.True(result.ExitCode == 0, $"tmux {string.Join(' ', command)}: {result.Errors}");
        return result.Output;
    }

    private Task<CommandResult> TellAsync(params string[] command) => Command.RunAsync(
        Tmux, ["-S", Path.Combine(_folder, "tmux"), .. command], _folder, new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin", ["LANG"] = "C.UTF-8", ["SHELL"] = "/bin/sh" }, CancellationToken.None);
}
