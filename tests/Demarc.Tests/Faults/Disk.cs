using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>A file system of its own that a test fills, or slows down.</summary>
internal sealed class Disk : IAsyncDisposable
{
    private const string Groups = "/sys/fs/cgroup/blkio";

    private readonly string? _image;
    private string? _group;

    private Disk(string folder, string? image) => (Folder, _image) = (folder, image);

    public string Folder { get; }

    private string Filler => Path.Combine(Folder, "filler");

    /// <summary>In memory, of so many MiB.</summary>
    public static async Task<Disk> SmallAsync(int size)
    {
        var folder = Directory.CreateTempSubdirectory("demarc-disk-").FullName;
        var mounted = await RunAsync("mount", "-t", "tmpfs", "-o", $"size={size}m", "none", folder);
        Component.Require(mounted.ExitCode == 0, "A file system of a fixed size cannot be mounted here (needs root)");
        return new Disk(folder, null);
    }

    /// <summary>A loop device whose writes, of who is started by <see cref="Prefix"/>, are so many a second.</summary>
    public static async Task<Disk> SlowAsync(int writesPerSecond)
    {
        Component.Require(Directory.Exists(Groups), "The kernel has no blkio control group (version 1) to slow a disk down with");
        var folder = Directory.CreateTempSubdirectory("demarc-disk-").FullName;
        var image = folder + ".image";
        var made = await RunAsync("sh", "-ec", $"truncate -s 256M {image}; mkfs.ext4 -q {image}; mount -o loop {image} {folder}; cat /sys/block/$(basename $(findmnt -n -o SOURCE {folder}))/dev");
        Component.Require(made.ExitCode == 0, $"A loop device cannot be mounted here: {made.Errors}");
        var disk = new Disk(folder, image) { _group = Path.Combine(Groups, Path.GetFileName(folder)) };
        Directory.CreateDirectory(disk._group);
        await File.WriteAllTextAsync(Path.Combine(disk._group, "blkio.throttle.write_iops_device"), $"{made.Output.Trim()} {writesPerSecond}");
        return disk;
    }

    /// <summary>What a command is started with, for the disk to be slow for it.</summary>
    public string[] Prefix => ["sh", "-c", $"echo $$ > {_group}/cgroup.procs; exec \"$@\"", "sh"];

    /// <summary>Leaves no room.</summary>
    public async Task FillAsync()
    {
        await using var file = new FileStream(Filler, FileMode.Create, FileAccess.Write, FileShare.None, 0);
        for (var size = 1 << 20; size > 0; size = size > 1 ? size / 2 : 0)
        {
            try
            {
                while (true)
                    await file.WriteAsync(new byte[size], TestContext.Current.CancellationToken);
            }
            catch (IOException)
            {
                // Full for so much.
            }
        }
    }

    public void Free() => File.Delete(Filler);

    public async ValueTask DisposeAsync()
    {
        await RunAsync("umount", Folder);
        Directory.Delete(Folder);
        if (_image is not null)
            File.Delete(_image);
        if (_group is not null)
            Directory.Delete(_group);
    }

    private static Task<CommandResult> RunAsync(string program, params string[] arguments) =>
        Command.RunAsync(program, arguments, "/", DemarcCommand.Environment, TestContext.Current.CancellationToken);
}
