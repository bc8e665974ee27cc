using System.Runtime.InteropServices;

namespace Demarc.Serving;

/// <summary>The C library's heap, from which SQLite and OpenSSL take.</summary>
internal static partial class NativeHeap
{
    // M_ARENA_MAX of mallopt(3).
    private const int ArenaMax = -8;

    /// <summary>
    /// An arena for each processor, two at least: glibc makes up to eight for each, and what one has freed no other uses, which kept 10 to 20 MB.
    /// What <c>MALLOC_ARENA_MAX</c> says stands, and where there is no glibc nothing is done. To be called before threads begin.
    /// </summary>
    public static void Bound()
    {
        if (!OperatingSystem.IsLinux() || Environment.GetEnvironmentVariable("MALLOC_ARENA_MAX") is not null)
            return;
        try
        {
            _ = MallOpt(ArenaMax, Math.Max(2, Environment.ProcessorCount));
        }
        catch (Exception e) when (e is EntryPointNotFoundException or DllNotFoundException)
        {
            // Another C library, with a heap of its own.
        }
    }

    [LibraryImport("libc", EntryPoint = "mallopt")]
    private static partial int MallOpt(int parameter, int value);
}
