using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Demarc.Governance.Evidence;

/// <summary>
/// SipHash-2-4 with 16 bytes of output (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012, and its reference
/// implementation): who does not know the key finds no two texts of one name. A short message costs a tenth of an HMAC.
/// </summary>
public static class SipHash
{
    /// <summary>Bytes of the key.</summary>
    public const int KeySize = 16;

    /// <exception cref="ArgumentException">The key is shorter than <see cref="KeySize"/>.</exception>
    public static UInt128 Of(ReadOnlySpan<byte> key, ReadOnlySpan<byte> text)
    {
        if (key.Length < KeySize)
            throw new ArgumentException($"A key has {KeySize} bytes; got {key.Length}.", nameof(key));
        var (k0, k1) = (BinaryPrimitives.ReadUInt64LittleEndian(key), BinaryPrimitives.ReadUInt64LittleEndian(key[8..]));
        var (v0, v1, v2, v3) = (k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d ^ 0xee, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573);
        var words = MemoryMarshal.Cast<byte, ulong>(text);
        foreach (var word in words)
            Take(BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word), ref v0, ref v1, ref v2, ref v3);
        var last = (ulong)text.Length << 56;
        var rest = text[(words.Length * sizeof(ulong))..];
        for (var i = 0; i < rest.Length; i++)
            last |= (ulong)rest[i] << (8 * i);
        Take(last, ref v0, ref v1, ref v2, ref v3);

        v2 ^= 0xee;
        var low = End(ref v0, ref v1, ref v2, ref v3);
        v1 ^= 0xdd;
        return new UInt128(End(ref v0, ref v1, ref v2, ref v3), low);
    }

    private static void Take(ulong word, ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v3 ^= word;
        Round(ref v0, ref v1, ref v2, ref v3);
        Round(ref v0, ref v1, ref v2, ref v3);
        v0 ^= word;
    }

    private static ulong End(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        for (var i = 0; i < 4; i++)
            Round(ref v0, ref v1, ref v2, ref v3);
        return v0 ^ v1 ^ v2 ^ v3;
    }

    private static void Round(ref ulong v0, ref ulong v1, ref ulong v2, ref ulong v3)
    {
        v0 += v1;
        v2 += v3;
        v1 = BitOperations.RotateLeft(v1, 13) ^ v0;
        v3 = BitOperations.RotateLeft(v3, 16) ^ v2;
        v0 = BitOperations.RotateLeft(v0, 32);
        v2 += v1;
        v0 += v3;
        v1 = BitOperations.RotateLeft(v1, 17) ^ v2;
        v3 = BitOperations.RotateLeft(v3, 21) ^ v0;
        v2 = BitOperations.RotateLeft(v2, 32);
    }
}
