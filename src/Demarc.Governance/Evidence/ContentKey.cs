using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Evidence;

/// <summary>
/// The key of one session and UTC day. Seals captured content (AES-256-GCM over packed bytes) and
/// identifies messages (SipHash, 16 bytes). Destroying it erases all that it sealed.
/// </summary>
public sealed class ContentKey
{
    /// <summary>Bytes of a content key and of the master key.</summary>
    public const int Size = 32;

    // What the plain text was before it was sealed: as it came, or packed with its length in front.
    private const byte Plain = 1;
    private const byte Packed = 2;

    // Below this, packing costs more time than it saves bytes.
    private const int PackFrom = 1024;
    private const int NonceSize = 12;
    private const int TagSize = 16;
    private const int HeaderSize = 1 + NonceSize + TagSize;

    private readonly byte[] _seal;
    private readonly byte[] _identify;

    // Keyed once and used again: setting a key up costs more than a short message. Taken by one at a time; whoever comes
    // while they are away makes its own.
    private AesGcm? _aes;

    /// <param name="secret">32 random bytes; not kept.</param>
    public ContentKey(ReadOnlySpan<byte> secret)
    {
        if (secret.Length != Size)
            throw new ArgumentException($"A content key has {Size} bytes; got {secret.Length}.", nameof(secret));
        _seal = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret.ToArray(), Size, info: "demarc seal"u8.ToArray());
        _identify = HKDF.DeriveKey(HashAlgorithmName.SHA256, secret.ToArray(), Size, info: "demarc identify"u8.ToArray());
    }

    /// <summary>The identity of a message's canonical form under this key.</summary>
    public UInt128 Identify(ReadOnlySpan<byte> canonical) => SipHash.Of(_identify, canonical);

    /// <summary>Packs and seals content, bound to the place it belongs to.</summary>
    public byte[] Seal(ReadOnlySpan<byte> content, string organizationId, string sessionId, Guid requestId)
    {
        var room = ArrayPool<byte>.Shared.Rent(sizeof(int) + BrotliEncoder.GetMaxCompressedLength(content.Length));
        try
        {
            var (format, plain) = Pack(content, room);
            var output = new byte[HeaderSize + plain.Length];
            output[0] = format;
            Randomness.Fill(output.AsSpan(1, NonceSize));
            var aes = Interlocked.Exchange(ref _aes, null) ?? new AesGcm(_seal, TagSize);
            aes.Encrypt(
                output.AsSpan(1, NonceSize), plain.Span, output.AsSpan(HeaderSize), output.AsSpan(1 + NonceSize, TagSize),
                Place(format, organizationId, sessionId, requestId));
            Interlocked.Exchange(ref _aes, aes)?.Dispose();
            return output;
        }
        finally
        {
            // Content stays nowhere: the pool's next user would find it.
            ArrayPool<byte>.Shared.Return(room, clearArray: true);
        }
    }

    /// <summary>Opens what <see cref="Seal"/> made; throws <see cref="CryptographicException"/> when it was altered or moved.</summary>
    public byte[] Open(ReadOnlySpan<byte> sealedContent, string organizationId, string sessionId, Guid requestId)
    {
        if (sealedContent.Length < HeaderSize || sealedContent[0] is not (Plain or Packed))
            throw new CryptographicException("Sealed content has an unknown format.");
        var plain = new byte[sealedContent.Length - HeaderSize];
        using var aes = new AesGcm(_seal, TagSize);
        aes.Decrypt(
            sealedContent.Slice(1, NonceSize), sealedContent[HeaderSize..], sealedContent.Slice(1 + NonceSize, TagSize), plain,
            Place(sealedContent[0], organizationId, sessionId, requestId));
        if (sealedContent[0] == Plain)
            return plain;
        var content = new byte[BinaryPrimitives.ReadInt32BigEndian(plain)];
        return BrotliDecoder.TryDecompress(plain.AsSpan(sizeof(int)), content, out var length) && length == content.Length
            ? content
            : throw new CryptographicException("Sealed content does not unpack.");
    }

    private static (byte Format, ReadOnlyMemory<byte> Plain) Pack(ReadOnlySpan<byte> content, byte[] room)
    {
        if (content.Length >= PackFrom && BrotliEncoder.TryCompress(content, room.AsSpan(sizeof(int)), out var length, quality: 1, window: 18) && length < content.Length)
        {
            BinaryPrimitives.WriteInt32BigEndian(room, content.Length);
            return (Packed, room.AsMemory(0, sizeof(int) + length));
        }
        content.CopyTo(room);
        return (Plain, room.AsMemory(0, content.Length));
    }

    private static byte[] Place(byte format, string organizationId, string sessionId, Guid requestId) =>
        Encoding.UTF8.GetBytes($"{format}\n{organizationId}\n{sessionId}\n{requestId:N}");
}

/// <summary>The installation's master key: wraps content keys and derives the keys of tokens and cursors.</summary>
public sealed class MasterKey
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    private readonly byte[] _secret;
    private readonly byte[] _wrap;

    /// <param name="secret">At least 32 random bytes.</param>
    public MasterKey(ReadOnlySpan<byte> secret)
    {
        if (secret.Length < ContentKey.Size)
            throw new ArgumentException($"A master key has at least {ContentKey.Size} bytes; got {secret.Length}.", nameof(secret));
        _secret = secret.ToArray();
        _wrap = Derive("demarc wrap");
    }

    /// <summary>A 32-byte key for one purpose; the same purpose gives the same key on every replica.</summary>
    public byte[] Derive(string purpose) =>
        HKDF.DeriveKey(HashAlgorithmName.SHA256, _secret, ContentKey.Size, info: Encoding.UTF8.GetBytes(purpose));

    /// <summary>Wraps a content key's secret, bound to its session and day.</summary>
    public byte[] Wrap(ReadOnlySpan<byte> secret, string organizationId, string sessionId, DateOnly day)
    {
        var output = new byte[NonceSize + TagSize + secret.Length];
        Randomness.Fill(output.AsSpan(0, NonceSize));
        using var aes = new AesGcm(_wrap, TagSize);
        aes.Encrypt(
            output.AsSpan(0, NonceSize), secret, output.AsSpan(NonceSize + TagSize), output.AsSpan(NonceSize, TagSize),
            Place(organizationId, sessionId, day));
        return output;
    }

    /// <summary>Unwraps; throws <see cref="CryptographicException"/> under another master key or place.</summary>
    public byte[] Unwrap(ReadOnlySpan<byte> wrapped, string organizationId, string sessionId, DateOnly day)
    {
        var secret = new byte[wrapped.Length - NonceSize - TagSize];
        using var aes = new AesGcm(_wrap, TagSize);
        aes.Decrypt(
            wrapped[..NonceSize], wrapped[(NonceSize + TagSize)..], wrapped.Slice(NonceSize, TagSize), secret,
            Place(organizationId, sessionId, day));
        return secret;
    }

    private static byte[] Place(string organizationId, string sessionId, DateOnly day) =>
        Encoding.UTF8.GetBytes($"{organizationId}\n{sessionId}\n{day:yyyy-MM-dd}");
}
