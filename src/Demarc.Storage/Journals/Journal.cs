using Demarc.Governance.Evidence;

namespace Demarc.Storage.Journals;

/// <summary>
/// Where the records of a serving process are durable before the store has them: two files, of which one is written while the
/// store takes what is in the other. Numbers rise by one from record to record, over all files and starts, so that what is left
/// of an earlier use is never taken for what follows. One process at a time, the one that serves; not safe for concurrent use.
/// </summary>
internal sealed class Journal : IDisposable
{
    private const int FirstBuffer = 256 << 10;
    private const int MaxKept = 4 << 20;

    private readonly FileStream _held;
    private readonly JournalFile[] _files;
    private JournalFile _file;
    private byte[] _buffer = new byte[FirstBuffer];

    private Journal(FileStream held, JournalFile[] files) => (_held, _files, _file) = (held, files, files[0]);

    /// <summary>The number of the last record.</summary>
    public long Last { get; private set; }

    /// <summary>Whether anything was written since it was cleared.</summary>
    public bool IsUsed => Array.Exists(_files, file => file.IsUsed);

    /// <summary>Opens the journal of a folder; nobody else can while it is.</summary>
    /// <exception cref="IOException">Another process has it open.</exception>
    public static Journal Open(string folder)
    {
        System.IO.Directory.CreateDirectory(folder);
        return Open(folder, Lock(folder));
    }

    /// <summary>The same, or null where another process has it open: that one gives its records to the store itself.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static Journal? OpenUnheld(string folder)
    {
        FileStream held;
        try
        {
            held = Lock(folder);
        }
        catch (IOException)
        {
            // Held: nothing else is asked of that file.
            return null;
        }
        return Open(folder, held);
    }

    // The lock ends with the process, however it ends.
    private static FileStream Lock(string folder) => new(Path.Combine(folder, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1);

    private static Journal Open(string folder, FileStream held)
    {
        try
        {
            return new Journal(held, [new JournalFile(Path.Combine(folder, "a.journal")), new JournalFile(Path.Combine(folder, "b.journal"))]);
        }
        catch
        {
            held.Dispose();
            throw;
        }
    }

    /// <summary>Names the journal for as long as its folder exists: whoever takes its records knows by it how far they came.</summary>
    /// <param name="fresh">The name of one that has none yet.</param>
    public static string NameOf(string folder, string fresh)
    {
        var file = Path.Combine(folder, "name");
        if (File.Exists(file) && File.ReadAllText(file).Trim() is { Length: > 0 } name)
            return name;
        File.WriteAllText(file, fresh);
        return fresh;
    }

    /// <summary>What a process that is gone left behind, in order, after a number.</summary>
    public List<(long Number, EvidenceRecord Record)> Left(long after)
    {
        var all = new List<(long Number, EvidenceRecord Record)>();
        foreach (var file in _files)
        {
            long? before = null;
            for (ReadOnlySpan<byte> bytes = file.Read(); JournalFrame.TryRead(bytes, out var number, out var record, out var length) && number == (before ?? number - 1) + 1; bytes = bytes[length..])
            {
                before = number;
                if (number > after)
                    all.Add((number, record));
            }
        }
        all.Sort((a, b) => a.Number.CompareTo(b.Number));
        return all;
    }

    /// <summary>Goes on after a number, with nothing of what was: the store has it.</summary>
    public void Start(long last)
    {
        Clear();
        Last = last;
    }

    /// <summary>Adds records; durable on return.</summary>
    /// <param name="taken">The number up to which the store has all.</param>
    /// <exception cref="IOException">The disk is full, or fails; nothing was added.</exception>
    public void Append(List<EvidenceRecord> records, long taken)
    {
        if (_file.IsFull && Array.Find(_files, file => file != _file) is { } other && other.Last <= taken)
        {
            other.Restart();
            _file = other;
        }
        var bytes = JournalFrame.EndBytes;
        foreach (var record in records)
            bytes += JournalFrame.Size(record);
        if (_buffer.Length < bytes || _buffer.Length > MaxKept)
            _buffer = new byte[Math.Max(bytes, FirstBuffer)];
        var (number, at) = (Last, 0);
        foreach (var record in records)
            at += JournalFrame.Write(_buffer.AsSpan(at), ++number, record);
        _buffer.AsSpan(at, JournalFrame.EndBytes).Clear();
        _file.Append(_buffer.AsSpan(0, at + JournalFrame.EndBytes), number);
        Last = number;
    }

    /// <summary>Leaves nothing of what was written. The store has all of it.</summary>
    public void Clear()
    {
        foreach (var file in _files)
            file.Clear();
    }

    public void Dispose()
    {
        foreach (var file in _files)
            file.Dispose();
        _held.Dispose();
    }

}
