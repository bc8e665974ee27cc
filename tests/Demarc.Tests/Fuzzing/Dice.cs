using System.Text;

namespace Demarc.Tests.Fuzzing;

/// <summary>Random numbers that a seed repeats (SplitMix64).</summary>
internal sealed class Dice(ulong seed)
{
    private ulong _state = seed;

    /// <summary>The same for the same bytes: what is chosen beside an input is repeated with it.</summary>
    public static Dice Of(ReadOnlySpan<byte> input)
    {
        var seed = 0xcbf29ce484222325;
        foreach (var b in input)
            seed = (seed ^ b) * 0x100000001b3;
        return new Dice(seed);
    }

    public ulong Next()
    {
        var z = _state += 0x9e3779b97f4a7c15;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    /// <summary>0 to one less than <paramref name="end"/>.</summary>
    public int Below(int end) => (int)(Next() % (ulong)end);

    public bool Chance(int percent) => Below(100) < percent;

    public T Of<T>(params ReadOnlySpan<T> choices) => choices[Below(choices.Length)];

    public byte[] Bytes(int count)
    {
        var bytes = new byte[count];
        for (var i = 0; i < count; i++)
            bytes[i] = (byte)Next();
        return bytes;
    }

    /// <summary>What is made, so many times, one after the other.</summary>
    public static string Repeat(int times, Func<string> make)
    {
        var text = new StringBuilder();
        for (var i = 0; i < times; i++)
            text.Append(make());
        return text.ToString();
    }
}
