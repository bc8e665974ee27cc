using System.Buffers;
using System.Buffers.Text;

namespace Demarc.Simulator.Messages;

/// <summary>An answer as it will go on the wire: its bytes, and where each event ends. Pooled; <see cref="Reset"/> before reuse.</summary>
internal sealed class WireAnswer
{
    private readonly List<int> _ends = [];

    public int Status { get; set; }

    public string ContentType { get; set; } = "";

    /// <summary>Streams are sent without a length.</summary>
    public bool IsStream { get; set; }

    public ArrayBufferWriter<byte> Bytes { get; } = new(4096);

    /// <summary>Where framings that carry an event's length build the event first.</summary>
    public ArrayBufferWriter<byte> Scratch { get; } = new(512);

    public List<KeyValuePair<string, string>> Headers { get; } = [];

    /// <summary>Events of a stream; 1 for a whole answer.</summary>
    public int Count => _ends.Count;

    public ReadOnlyMemory<byte> this[int piece] => Bytes.WrittenMemory[(piece == 0 ? 0 : _ends[piece - 1]).._ends[piece]];

    public void Reset()
    {
        Status = 200;
        ContentType = "application/json";
        IsStream = false;
        Bytes.ResetWrittenCount();
        Scratch.ResetWrittenCount();
        Headers.Clear();
        _ends.Clear();
    }

    /// <summary>What was written since the last piece is one event.</summary>
    public void EndPiece() => _ends.Add(Bytes.WrittenCount);

    public void SetWhole(ReadOnlySpan<byte> body)
    {
        Bytes.Write(body);
        EndPiece();
    }

    /// <summary>Keeps the first <paramref name="events"/> only.</summary>
    public void KeepFirst(int events)
    {
        if (events >= _ends.Count)
            return;
        var kept = Bytes.WrittenSpan[..(events == 0 ? 0 : _ends[events - 1])].ToArray();
        _ends.RemoveRange(events, _ends.Count - events);
        Bytes.ResetWrittenCount();
        Bytes.Write(kept);
    }
}

internal static class BufferWriting
{
    public static void Put(this ArrayBufferWriter<byte> output, long number)
    {
        Utf8Formatter.TryFormat(number, output.GetSpan(20), out var written);
        output.Advance(written);
    }

    public static void PutAscii(this ArrayBufferWriter<byte> output, string text)
    {
        System.Text.Encoding.ASCII.GetBytes(text, output.GetSpan(text.Length));
        output.Advance(text.Length);
    }
}
