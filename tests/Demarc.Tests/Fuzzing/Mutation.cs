using System.Text;

namespace Demarc.Tests.Fuzzing;

/// <summary>Changes to an input: bits, bytes, runs, numbers, and pieces of the format.</summary>
internal static class Mutation
{
    public static byte[] Of(byte[] input, byte[] other, FuzzTarget target, Dice dice)
    {
        var bytes = input.ToList();
        for (var n = 1 + dice.Below(4); n > 0; n--)
            Once(bytes, other, target, dice);
        return [.. bytes];
    }

    private static void Once(List<byte> bytes, byte[] other, FuzzTarget target, Dice dice)
    {
        var at = dice.Below(bytes.Count + 1);
        var run = Math.Min(1 + dice.Below(dice.Chance(80) ? 8 : 200), bytes.Count - at);
        switch (dice.Below(8))
        {
            case 0 when run > 0:
                bytes[at] ^= (byte)(1 << dice.Below(8));
                break;
            case 1 when run > 0:
                bytes[at] = dice.Of<byte>(0, 9, 10, 13, 32, 34, 44, 58, 92, 123, 125, 127, 128, 192, 237, 255);
                break;
            case 2 when run > 0:
                bytes.RemoveRange(at, run);
                break;
            case 3 when run > 0:
                bytes.InsertRange(at, bytes.GetRange(at, run));
                break;
            case 4:
                bytes.RemoveRange(at, bytes.Count - at);
                break;
            case 5 when other.Length > 0:
                var from = dice.Below(other.Length);
                bytes.InsertRange(at, other[from..Math.Min(other.Length, from + 1 + dice.Below(60))]);
                break;
            case 6:
                bytes.InsertRange(at, dice.Bytes(1 + dice.Below(4)));
                break;
            default:
                bytes.InsertRange(at, Encoding.UTF8.GetBytes(dice.Of<string>(target.Pieces)));
                break;
        }
    }
}
