using System.Security.Cryptography;

namespace Demarc.Governance.Identity;

/// <summary>
/// Random bytes for what is no secret (ids, nonces), from the system's generator: each thread draws some in advance, for a call of
/// the generator costs far more than the few bytes that are wanted.
/// </summary>
internal static class Randomness
{
    private const int Drawn = 1024;

    [ThreadStatic]
    private static byte[]? t_bytes;

    [ThreadStatic]
    private static int t_left;

    /// <param name="to">At most 1,024 bytes.</param>
    public static void Fill(Span<byte> to)
    {
        var bytes = t_bytes ??= new byte[Drawn];
        if (t_left < to.Length)
        {
            RandomNumberGenerator.Fill(bytes);
            t_left = Drawn;
        }
        t_left -= to.Length;
        bytes.AsSpan(t_left, to.Length).CopyTo(to);
    }
}
