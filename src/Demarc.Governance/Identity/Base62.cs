namespace Demarc.Governance.Identity;

/// <summary>Fixed-width base 62 (0-9, A-Z, a-z): ids and keys that a double click selects whole.</summary>
public static class Base62
{
    private const string Digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>Characters for that many bytes: ceil(8 n / log2 62).</summary>
    public static int Length(int bytes) => (int)Math.Ceiling(bytes * 8 / 5.954196310386875);

    /// <summary>Big-endian bytes as digits, zero-padded to <see cref="Length"/>.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        // In limbs of four bytes, the first one short where the length is no multiple: a digit is then one pass over few.
        Span<uint> number = stackalloc uint[(bytes.Length + 3) / 4];
        for (var i = 0; i < bytes.Length; i++)
        {
            ref var limb = ref number[^(1 + (bytes.Length - 1 - i) / 4)];
            limb = (limb << 8) | bytes[i];
        }
        Span<char> text = stackalloc char[Length(bytes.Length)];
        for (var i = text.Length - 1; i >= 0; i--)
        {
            ulong rest = 0;
            for (var j = 0; j < number.Length; j++)
            {
                rest = (rest << 32) | number[j];
                (var quotient, rest) = Math.DivRem(rest, 62);
                number[j] = (uint)quotient;
            }
            text[i] = Digits[(int)rest];
        }
        return new string(text);
    }

    /// <summary>False for a wrong length, a foreign character or a number too large for the bytes.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, Span<byte> bytes)
    {
        if (text.Length != Length(bytes.Length))
            return false;
        bytes.Clear();
        foreach (var c in text)
        {
            var digit = Digit(c);
            if (digit < 0)
                return false;
            for (var j = bytes.Length - 1; j >= 0; j--)
            {
                digit += bytes[j] * 62;
                bytes[j] = (byte)digit;
                digit >>= 8;
            }
            if (digit != 0)
                return false;
        }
        return true;
    }

    private static int Digit(char c) => c switch
    {
        >= '0' and <= '9' => c - '0',
        >= 'A' and <= 'Z' => c - 'A' + 10,
        >= 'a' and <= 'z' => c - 'a' + 36,
        _ => -1,
    };
}
