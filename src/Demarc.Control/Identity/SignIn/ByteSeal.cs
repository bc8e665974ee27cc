using System.Security.Cryptography;

namespace Demarc.Control.Identity.SignIn;

/// <summary>Seals bytes: AES-256-GCM, the nonce and the tag before them.</summary>
internal sealed class ByteSeal(byte[] key)
{
    private const int NonceSize = 12;
    private const int TagSize = 16;

    public byte[] Seal(byte[] plain)
    {
        var output = new byte[NonceSize + TagSize + plain.Length];
        RandomNumberGenerator.Fill(output.AsSpan(0, NonceSize));
        using var aes = new AesGcm(key, TagSize);
        aes.Encrypt(output.AsSpan(0, NonceSize), plain, output.AsSpan(NonceSize + TagSize), output.AsSpan(NonceSize, TagSize));
        return output;
    }

    /// <summary>Null for what was not sealed by this key.</summary>
    public byte[]? Open(byte[] input)
    {
        if (input.Length <= NonceSize + TagSize)
            return null;
        var output = new byte[input.Length - NonceSize - TagSize];
        using var aes = new AesGcm(key, TagSize);
        try
        {
            aes.Decrypt(input.AsSpan(0, NonceSize), input.AsSpan(NonceSize + TagSize), input.AsSpan(NonceSize, TagSize), output);
            return output;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }
}
