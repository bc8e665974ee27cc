using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Demarc.Storage.Journals;

/// <summary>
/// A file of frames, written from its start on and used again and again. It has its size from the beginning, so that what is
/// made durable is data alone: a file that grows takes its file system two more writes each time.
/// </summary>
internal sealed partial class JournalFile : IDisposable
{
    private const int WholeBytes = 8 << 20;

    private readonly SafeFileHandle _file;
    private long _used;

    public JournalFile(string path)
    {
        Path = path;
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        if (!File.Exists(path))
            new FileStream(path, options).Dispose();
        _file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        _used = RandomAccess.GetLength(_file);
    }

    public string Path { get; }

    /// <summary>Where the next frame goes.</summary>
    public long End { get; private set; }

    /// <summary>The number of the last frame; 0 when there is none.</summary>
    public long Last { get; private set; }

    /// <summary>Whether anything was written since it was cleared, be it in vain.</summary>
    public bool IsUsed => _used > 0;

    /// <summary>Whether what is to come had better go to another file.</summary>
    public bool IsFull => End >= WholeBytes;

    /// <summary>Writes frames, ended, behind those that are there; durable on return.</summary>
    /// <exception cref="IOException">The disk is full, or fails; what was there before is still there.</exception>
    public void Append(ReadOnlySpan<byte> frames, long last)
    {
        // What a write that fails leaves behind is cleared with the rest.
        _used = Math.Max(_used, End + frames.Length);
        RandomAccess.Write(_file, frames, End);
        Flush();
        End += frames.Length - JournalFrame.EndBytes;
        Last = last;
    }

    /// <summary>Starts over: what was there is written over by what comes.</summary>
    public void Restart() => (End, Last) = (0, 0);

    /// <summary>All bytes, those of an earlier use too.</summary>
    public byte[] Read()
    {
        var bytes = new byte[RandomAccess.GetLength(_file)];
        return bytes[..RandomAccess.Read(_file, bytes, 0)];
    }

    /// <summary>Writes zeros over all that was written, and gives the file its size; durable on return.</summary>
    public void Clear()
    {
        var zeros = new byte[64 << 10];
        var length = RandomAccess.GetLength(_file);
        for (long at = 0, until = length == WholeBytes ? Math.Min(_used, length) : WholeBytes; at < until; at += zeros.Length)
            RandomAccess.Write(_file, zeros.AsSpan(0, (int)Math.Min(zeros.Length, until - at)), at);
        RandomAccess.SetLength(_file, WholeBytes);
        RandomAccess.FlushToDisk(_file);
        _used = 0;
        Restart();
    }

    public void Dispose() => _file.Dispose();

    private void Flush()
    {
        // Not the times of the file, which FlushToDisk would write as well.
        if (!OperatingSystem.IsLinux())
            RandomAccess.FlushToDisk(_file);
        else if (FlushData(_file) != 0)
            throw new IOException($"{Path} could not be made durable: {Marshal.GetLastPInvokeErrorMessage()}");
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FlushData(SafeFileHandle file);
}
