using System.Diagnostics;
using System.Threading.Channels;
using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Configuration;

public sealed class ConfigWatchTests : IAsyncLifetime
{
    private const int Applied = 2101;
    private const int Kept = 2102;
    private const int NotApplied = 2104;

    private readonly ConfigFolder _folder = new();
    private readonly Journal<ConfigWatch> _journal = new();
    private readonly Channel<(DemarcConfig Config, ConfigResult Result)> _applied = Channel.CreateUnbounded<(DemarcConfig, ConfigResult)>();
    private ConfigResult _first = null!;
    private ConfigWatch _watch = null!;
    private bool _refuse;

    public async ValueTask InitializeAsync()
    {
        _first = _folder.Read(ConfigFolder.Example());
        _watch = new ConfigWatch(_folder.ConfigPath, _folder.Sources, _first, Apply, HastyTime.Instance, _journal);
        await _watch.StartAsync(TestContext.Current.CancellationToken);

        Task Apply(DemarcConfig config, ConfigResult result)
        {
            if (_refuse)
                throw new InvalidOperationException("refused by the test");
            _applied.Writer.TryWrite((config, result));
            return Task.CompletedTask;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _watch.StopAsync(CancellationToken.None);
        _watch.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task A_changed_file_is_applied_and_announced_with_both_hashes()
    {
        _folder.Write("demarc.yaml", ConfigFolder.Example().Replace("Contoso", "Fabrikam", StringComparison.Ordinal));

        var (config, result) = await NextAsync();
        Assert.Equal("Fabrikam", config.OrganizationName);
        var (level, line) = await _journal.NextAsync(Applied);
        Assert.Equal(LogLevel.Information, level);
        Assert.Contains(_first.Hash, line, StringComparison.Ordinal);
        Assert.Contains(result.Hash, line, StringComparison.Ordinal);
        Assert.NotEqual(_first.Hash, result.Hash);
    }

    [Fact]
    public async Task A_bad_change_keeps_the_last_good_one_and_says_all_that_is_wrong()
    {
        _folder.Write("demarc.yaml", ConfigFolder.Example() + "colour: blue\nshape: round\n");

        var (level, line) = await _journal.NextAsync(Kept);
        Assert.Equal(LogLevel.Error, level);
        Assert.Contains(_first.Hash, line, StringComparison.Ordinal);
        Assert.Contains("unknown key 'colour'", line, StringComparison.Ordinal);
        Assert.Contains("unknown key 'shape'", line, StringComparison.Ordinal);
        Assert.DoesNotContain(ConfigFolder.Canary, line, StringComparison.Ordinal);
        Assert.False(_applied.Reader.TryRead(out _));

        // Back to good, by the same bytes as at first.
        _folder.Write("demarc.yaml", ConfigFolder.Example());
        Assert.Equal(_first.Hash, (await NextAsync()).Result.Hash);
        Assert.DoesNotContain(Kept, _journal.Rest());
    }

    [Fact]
    public async Task A_changed_secret_is_applied_though_the_file_is_the_same()
    {
        _folder.Write("secrets/anthropic-key", "sk-rotated\n");

        var (config, result) = await NextAsync();
        Assert.Equal("sk-rotated", ((KeyCredential)config.Resources[1].Credential).Key.Reveal());
        Assert.Equal(_first.Hash, result.Hash);
    }

    [Fact]
    public async Task A_secret_that_was_missing_at_a_reload_is_waited_for()
    {
        _folder.Write("demarc.yaml", ConfigFolder.Example().Replace("secrets/anthropic-key", "secrets/late", StringComparison.Ordinal));
        Assert.Contains("'secrets/late'", (await _journal.NextAsync(Kept)).Line, StringComparison.Ordinal);

        _folder.Write("secrets/late", "sk-late");
        Assert.Equal("sk-late", ((KeyCredential)(await NextAsync()).Config.Resources[1].Credential).Key.Reveal());
    }

    [Fact]
    public async Task A_change_that_cannot_be_applied_is_logged_and_the_next_one_is_tried()
    {
        _refuse = true;
        _folder.Write("demarc.yaml", ConfigFolder.Example() + "# one\n");
        Assert.Equal(LogLevel.Error, (await _journal.NextAsync(NotApplied)).Level);

        _refuse = false;
        _folder.Write("demarc.yaml", ConfigFolder.Example() + "# two\n");
        await NextAsync();
        Assert.Contains(_first.Hash, (await _journal.NextAsync(Applied)).Line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hangup_signal_reads_the_file_again()
    {
        using var kill = Process.Start("/bin/sh", ["-c", $"kill -HUP {Environment.ProcessId}"]);
        await kill.WaitForExitAsync(TestContext.Current.CancellationToken);

        Assert.Equal(_first.Hash, (await NextAsync()).Result.Hash);
    }

    [Fact]
    public void A_file_that_is_still_being_written_is_not_a_change_yet()
    {
        var watch = new FileWatch(_first.Files, File.ReadAllBytes, TimeProvider.System);
        Assert.False(watch.HasSettledChange());

        File.WriteAllText(_folder.ConfigPath, "# half");
        Assert.False(watch.HasSettledChange());
        File.WriteAllText(_folder.ConfigPath, "# half and more");
        Assert.False(watch.HasSettledChange());
        Assert.True(watch.HasSettledChange());

        File.WriteAllText(_folder.ConfigPath, ConfigFolder.Example());
        Assert.False(watch.HasSettledChange());
        Assert.False(watch.HasSettledChange());
    }

    [Fact]
    public void A_swapped_link_is_a_change()
    {
        var (link, one, two) = (Path.Combine(_folder.Root, "link"), Path.Combine(_folder.Root, "one"), Path.Combine(_folder.Root, "two"));
        File.WriteAllText(one, "first");
        File.WriteAllText(two, "other");
        File.SetLastWriteTimeUtc(two, File.GetLastWriteTimeUtc(one));
        File.CreateSymbolicLink(link, one);
        var hashes = new FileHashes();
        hashes.Read(link, File.ReadAllBytes);
        var watch = new FileWatch(hashes, File.ReadAllBytes, TimeProvider.System);

        File.Delete(link);
        File.CreateSymbolicLink(link, two);
        Assert.False(watch.HasSettledChange());
        Assert.True(watch.HasSettledChange());
    }

    private async Task<(DemarcConfig Config, ConfigResult Result)> NextAsync()
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        return await _applied.Reader.ReadAsync(limit.Token);
    }
}
