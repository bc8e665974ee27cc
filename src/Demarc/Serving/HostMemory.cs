using System.Globalization;
using System.Runtime.InteropServices;

namespace Demarc.Serving;

/// <summary>
/// What of this process's memory the host may write to a disk: core dumps and swap (law 5). Linux; elsewhere the operator
/// has to say that there is neither.
/// </summary>
internal static partial class HostMemory
{
    public const string CoreDumps = "core-dumps";
    public const string Swap = "swap";

    // prctl(2) and getrlimit(2).
    private const int SetDumpable = 4;
    private const int CoreLimit = 4;

    private static readonly string[] MiniDumpSwitches = ["DOTNET_DbgEnableMiniDump", "COMPlus_DbgEnableMiniDump"];

    /// <summary>Turns off what this process can turn off itself: the kernel's dumps of it.</summary>
    public static void Close()
    {
        if (!OperatingSystem.IsLinux())
            return;
        _ = Prctl(SetDumpable, 0, 0, 0, 0);
        var none = default(Limit);
        _ = SetRLimit(CoreLimit, in none);
    }

    /// <summary>What is open: <see cref="CoreDumps"/> or <see cref="Swap"/>, and what to do about it.</summary>
    /// <param name="environment">Variables as the process began with them: the runtime read them then.</param>
    /// <param name="root">Where <c>/proc</c> and <c>/sys</c> are; empty but in tests.</param>
    public static IEnumerable<(string What, string Problem)> Open(Func<string, string?> environment, string root = "")
    {
        if (!OperatingSystem.IsLinux())
        {
            yield return (CoreDumps, "whether this system writes core dumps cannot be told here");
            yield return (Swap, "whether this system swaps to an encrypted disk cannot be told here");
            yield break;
        }
        if (Array.Find(MiniDumpSwitches, name => environment(name) is "1") is { } set)
            yield return (CoreDumps, $"{set}=1 makes the runtime write its memory to a file when it crashes: start without it");
        if (CoreProblem(root) is { } core)
            yield return (CoreDumps, core);
        foreach (var device in OpenSwaps(root))
            yield return (Swap, $"{device} is swap that is not known to be encrypted: turn it off (swapoff), put it on dm-crypt, or run where memory.swap.max is 0");
    }

    // With a pipe the kernel asks no limit; a process that is not dumpable is dumped neither way.
    private static string? CoreProblem(string root)
    {
        var limit = Lines($"{root}/proc/self/limits").FirstOrDefault(l => l.StartsWith("Max core file size", StringComparison.Ordinal));
        var soft = limit?["Max core file size".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        if (soft is null)
            return "the limit of core dumps cannot be read from /proc/self/limits";
        if (Read($"{root}/proc/sys/kernel/core_pattern") is not { } patterns)
            return "where core dumps go cannot be read from /proc/sys/kernel/core_pattern";
        var pattern = patterns.FirstOrDefault() ?? "";
        if (soft != "0" && pattern.Length > 0 && !pattern.StartsWith('|'))
            return $"the kernel writes core dumps of this process to {pattern}: start with ulimit -c 0 (LimitCORE=0)";
        return root.Length == 0 && Prctl(GetDumpable, 0, 0, 0, 0) != 0
            ? "this process can be dumped, and could not turn that off (prctl PR_SET_DUMPABLE)" : null;
    }

    private static IEnumerable<string> OpenSwaps(string root)
    {
        if (Read($"{root}/proc/swaps") is not { } swaps)
        {
            yield return "whatever /proc/swaps names, which cannot be read,";
            yield break;
        }
        var devices = swaps.Skip(1).Select(l => l.Split([' ', '\t'], 2)[0]).Where(d => d.Length > 0).ToArray();
        if (devices.Length == 0 || IsWithoutSwap(root))
            yield break;
        foreach (var device in devices)
        {
            var name = Path.GetFileName(device);
            // A compressed device is memory itself.
            if (name.StartsWith("zram", StringComparison.Ordinal) && Read($"{root}/sys/block/{name}/backing_dev") is [] or ["none", ..])
                continue;
            if (Lines($"{root}/sys/block/{name}/dm/uuid").FirstOrDefault() is { } uuid && uuid.StartsWith("CRYPT-", StringComparison.Ordinal))
                continue;
            yield return device;
        }
    }

    // A control group whose memory may not be swapped.
    private static bool IsWithoutSwap(string root)
    {
        foreach (var line in Lines($"{root}/proc/self/cgroup"))
        {
            if (!line.StartsWith("0::", StringComparison.Ordinal))
                continue;
            for (var path = line[3..].TrimEnd('/'); ; path = path[..path.LastIndexOf('/')])
            {
                if (Lines($"{root}/sys/fs/cgroup{path}/memory.swap.max").FirstOrDefault() == "0")
                    return true;
                if (path.Length == 0)
                    return false;
            }
        }
        return false;
    }

    private static string[] Lines(string path) => Read(path) ?? [];

    // Null where it is there and cannot be read.
    private static string[]? Read(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            // The kernel has nothing of the kind.
            return [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private const int GetDumpable = 3;

    [LibraryImport("libc", EntryPoint = "prctl")]
    private static partial int Prctl(int option, nuint two, nuint three, nuint four, nuint five);

    [LibraryImport("libc", EntryPoint = "setrlimit")]
    private static partial int SetRLimit(int resource, in Limit limit);

    /// <summary>Soft and hard; both zero.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Limit
    {
        private readonly nuint _soft;
        private readonly nuint _hard;
    }
}
