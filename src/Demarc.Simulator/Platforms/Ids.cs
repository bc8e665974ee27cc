using System.Security.Cryptography;

namespace Demarc.Simulator.Platforms;

/// <summary>Identifiers in the providers' shapes: a prefix and 22 base-62 digits, unique in the process.</summary>
internal static class Ids
{
    private const int Digits = 22;

    // Odd, so that successive counts map to distinct, unlike-looking values.
    private const ulong Spread = 0x9E3779B97F4A7C15;

    private static readonly ulong s_process = BitConverter.ToUInt64(RandomNumberGenerator.GetBytes(8));
    private static ulong s_count;

    public static string Next(string prefix) =>
        string.Create(prefix.Length + Digits, prefix, static (text, prefix) =>
        {
            prefix.CopyTo(text);
            var (high, low) = (s_process, unchecked(Interlocked.Increment(ref s_count) * Spread));
            for (var at = prefix.Length; at < text.Length; at += 2)
            {
                text[at] = Digit(high % 62);
                text[at + 1] = Digit(low % 62);
                (high, low) = (high / 62, low / 62);
            }
        });

    private static char Digit(ulong value) => (char)(value switch { < 10 => '0' + value, < 36 => 'A' + value - 10, _ => 'a' + value - 36 });
}
