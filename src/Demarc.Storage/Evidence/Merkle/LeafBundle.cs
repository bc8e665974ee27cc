using System.Buffers.Binary;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Storage.Evidence.Merkle;

/// <summary>Up to 256 consecutive leaves of an organization's tree, and the records they are of.</summary>
public sealed record LeafBundle
{
    /// <summary>Its first leaf is this times 256.</summary>
    public required long Number { get; init; }

    /// <summary>32 bytes a leaf: <see cref="RecordCommitment"/>.</summary>
    public required byte[] Entries { get; init; }

    /// <summary>8 bytes a leaf, big-endian.</summary>
    public required byte[] Sequences { get; init; }

    /// <summary>How many leaves it has.</summary>
    public int Count => Entries.Length / RecordCommitment.Size;

    /// <summary>The index of a leaf in the tree.</summary>
    public long IndexOf(int place) => (Number * Tile.Width) + place;

    public ReadOnlySpan<byte> Entry(int place) => Entries.AsSpan(place * RecordCommitment.Size, RecordCommitment.Size);

    /// <summary>The record's sequence in the log; 0 where the table was cut.</summary>
    public long Sequence(int place) =>
        Sequences.Length >= (place + 1) * sizeof(long) ? BinaryPrimitives.ReadInt64BigEndian(Sequences.AsSpan(place * sizeof(long))) : 0;

    /// <summary>Where the record of that sequence is in it; negative when it is not.</summary>
    public int PlaceOf(long sequence)
    {
        var place = Count - 1;
        while (place >= 0 && Sequence(place) != sequence)
            place--;
        return place;
    }
}
