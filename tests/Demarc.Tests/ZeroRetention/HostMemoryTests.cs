using Demarc.Serving;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.ZeroRetention;

/// <summary>Law 5 at the start: where memory could reach a disk, zero data retention does not start.</summary>
public sealed class HostMemoryTests : IDisposable
{
    private const string Header = "Filename\tType\tSize\tUsed\tPriority\n";

    private readonly string _root = Directory.CreateTempSubdirectory("demarc-host-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("0", "core", "", null)]
    [InlineData("unlimited", "core", "", "core-dumps")]
    [InlineData("unlimited", "/var/crash/%e", "", "core-dumps")]
    [InlineData("unlimited", "|/usr/lib/systemd/systemd-coredump", "", null)]
    [InlineData("0", "core", "/dev/sda2 partition 1 0 -2\n", "swap")]
    [InlineData("0", "core", "/swapfile file 1 0 -2\n", "swap")]
    [InlineData("0", "core", "/dev/dm-1 partition 1 0 -2\n", null)]
    [InlineData("0", "core", "/dev/dm-2 partition 1 0 -2\n", "swap")]
    [InlineData("0", "core", "/dev/zram0 partition 1 0 -2\n", null)]
    [InlineData("0", "core", "/dev/zram1 partition 1 0 -2\n", "swap")]
    [InlineData("0", "core", "/dev/dm-1 partition 1 0 -2\n/dev/sda2 partition 1 0 -2\n", "swap")]
    public void What_the_host_may_write_is_told_from_its_own_files(string limit, string pattern, string swaps, string? open)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The files of Linux");
        Host(limit, pattern, swaps);

        Assert.Equal(open is null ? [] : [open], HostMemory.Open(_ => null, _root).Select(o => o.What));
    }

    [Theory]
    [InlineData("proc/swaps", "swap")]
    [InlineData("sys/block/zram0/backing_dev", "swap")]
    [InlineData("proc/sys/kernel/core_pattern", "core-dumps")]
    public void What_cannot_be_read_is_not_taken_for_safe(string file, string open)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The files of Linux");
        Host("0", "core", "/dev/zram0 partition 1 0 -2\n");
        File.Delete(Path.Combine(_root, file));
        Directory.CreateDirectory(Path.Combine(_root, file));

        Assert.Equal(open, Assert.Single(HostMemory.Open(_ => null, _root)).What);
    }

    [Fact]
    public void Swap_that_the_control_group_may_not_use_is_none_and_a_runtime_that_dumps_is_one()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "The files of Linux");
        Host("0", "core", "/dev/sda2 partition 1 0 -2\n");
        Write("sys/fs/cgroup/kubepods/memory.swap.max", "0\n");
        Assert.Empty(HostMemory.Open(_ => null, _root));
        Write("sys/fs/cgroup/kubepods/memory.swap.max", "max\n");
        Assert.Equal("swap", Assert.Single(HostMemory.Open(_ => null, _root)).What);

        var dumps = HostMemory.Open(name => name == "DOTNET_DbgEnableMiniDump" ? "1" : null, _root).Select(o => o.Problem).ToArray();
        Assert.Contains("start without it", dumps[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_process_under_such_a_policy_dumps_nothing_and_refuses_to_start_where_the_runtime_would()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Limits of Linux");
        var config = Path.Combine(_root, "demarc.yaml");
        await File.WriteAllTextAsync(config, "listen: 127.0.0.1:0\npolicies: [ { require: { zdr: true } } ]\n", TestContext.Current.CancellationToken);
        var environment = new Dictionary<string, string>(DemarcCommand.Environment) { ["DOTNET_DbgEnableMiniDump"] = "1" };

        var refused = await Command.RunAsync("dotnet", [DemarcCommand.Program, "serve", "--config", config, "--data", _root], _root, environment, TestContext.Current.CancellationToken);
        Assert.Equal(1, refused.ExitCode);
        Assert.Contains("require.zdr", refused.Errors, StringComparison.Ordinal);
        Assert.Contains("DOTNET_DbgEnableMiniDump=1", refused.Errors, StringComparison.Ordinal);
        Assert.Contains("zero_retention: { waive: [core-dumps]", refused.Errors, StringComparison.Ordinal);

        using (var serving = await ServingProcess.StartAsync(config, _root))
            Assert.Matches(@"Max core file size\s+0\s+0 ", await File.ReadAllTextAsync($"/proc/{serving.Id}/limits", TestContext.Current.CancellationToken));

        // Waived, it starts, and says so in the log.
        await File.AppendAllTextAsync(config, "zero_retention: { waive: [core-dumps, swap], reason: a test machine }\n", TestContext.Current.CancellationToken);
        using (await ServingProcess.StartAsync(config, _root, ("DOTNET_DbgEnableMiniDump", "1")))
        {
            await using var log = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={_root}/demarc.db;Mode=ReadOnly;Pooling=false");
            await log.OpenAsync(TestContext.Current.CancellationToken);
            using var command = log.CreateCommand();
            command.CommandText = "SELECT CAST(body AS text) FROM records WHERE instr(body, CAST('demarc_zero_retention_waived' AS blob)) > 0";
            var waived = (string)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
            Assert.Contains("a test machine", waived, StringComparison.Ordinal);
            Assert.Contains("core-dumps", waived, StringComparison.Ordinal);
        }
    }

    private void Host(string limit, string pattern, string swaps)
    {
        Write("proc/self/limits", $"Limit                     Soft Limit           Hard Limit           Units\nMax core file size        {limit,-20} unlimited            bytes\n");
        Write("proc/sys/kernel/core_pattern", pattern + "\n");
        Write("proc/swaps", Header + swaps);
        Write("proc/self/cgroup", "0::/kubepods/pod1\n");
        Write("sys/block/dm-1/dm/uuid", "CRYPT-LUKS2-abc\n");
        Write("sys/block/dm-2/dm/uuid", "LVM-abc\n");
        Write("sys/block/zram0/backing_dev", "none\n");
        Write("sys/block/zram1/backing_dev", "/dev/sda3\n");
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(_root, path))!);
        File.WriteAllText(Path.Combine(_root, path), text);
    }
}
