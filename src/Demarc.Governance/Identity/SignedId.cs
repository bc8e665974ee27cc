using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Evidence;

namespace Demarc.Governance.Identity;

/// <summary>
/// A secret that is an id and a generation under a MAC: 52 bytes in base 62 behind a prefix. Forgeries are turned away
/// without the store, which keeps no secret at all; the same id and generation give the same secret again.
/// </summary>
/// <param name="prefix">For example <c>demarc_refresh_</c>; each has a MAC key of its own.</param>
public sealed class SignedId(string prefix, MasterKey master)
{
    private const int IdSize = 16;
    private const int GenerationSize = 4;
    private const int Size = IdSize + GenerationSize + HMACSHA256.HashSizeInBytes;

    private readonly byte[] _key = master.Derive("demarc signed id " + prefix);

    public Secret Of(Guid id, int generation = 0)
    {
        Span<byte> bytes = stackalloc byte[Size];
        id.TryWriteBytes(bytes, bigEndian: true, out _);
        BinaryPrimitives.WriteInt32BigEndian(bytes[IdSize..], generation);
        HMACSHA256.HashData(_key, bytes[..(IdSize + GenerationSize)], bytes[(IdSize + GenerationSize)..]);
        return new Secret(prefix + Base62.Encode(bytes));
    }

    /// <summary>False for what is no secret of this prefix, or a forged one.</summary>
    public bool TryRead(ReadOnlySpan<char> secret, out Guid id, out int generation)
    {
        (id, generation) = (default, 0);
        Span<byte> bytes = stackalloc byte[Size];
        if (!secret.StartsWith(prefix, StringComparison.Ordinal) || !Base62.TryDecode(secret[prefix.Length..], bytes))
            return false;
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(_key, bytes[..(IdSize + GenerationSize)], mac);
        if (!CryptographicOperations.FixedTimeEquals(mac, bytes[(IdSize + GenerationSize)..]))
            return false;
        (id, generation) = (new Guid(bytes[..IdSize], bigEndian: true), BinaryPrimitives.ReadInt32BigEndian(bytes[IdSize..]));
        return true;
    }

    /// <summary>The form in which the store keeps a word that people type.</summary>
    public byte[] Hash(string word) => HMACSHA256.HashData(_key, Encoding.UTF8.GetBytes(word));
}
