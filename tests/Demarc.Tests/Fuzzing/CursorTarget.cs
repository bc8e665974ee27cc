using System.Buffers.Text;
using System.Text;
using Demarc.Control.Compliance;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>A page's token reads as what it was made of, in its own listing; any other text is none.</summary>
internal sealed class CursorTarget : FuzzTarget
{
    private const string Listing = "activities org_1 types=a";

    private static readonly PageTokens Tokens = new(new byte[32]);

    // The texts that were made, and of what.
    private readonly Dictionary<string, string> _made = new(StringComparer.Ordinal);

    public override string Name => "cursor";

    public override string[] Pieces => ["page_", "=", "==", "-", "_", "+", "/", " ", "\n", "%", "A", "é"];

    public override byte[] Generate(Dice dice)
    {
        var value = dice.Of("1", "17 42", "", "grüße", new string('9', dice.Below(100)), $"{dice.Next()}");
        var token = Tokens.Make(Listing, value);
        _made[token] = value;
        return Encoding.UTF8.GetBytes(token);
    }

    public override void Check(byte[] input)
    {
        var text = Encoding.UTF8.GetString(input);
        var read = Tokens.Read(Listing, text);
        if (_made.TryGetValue(text, out var value))
            Assert.Equal(value, read);
        else if (read is not null)
            // Another way to write the very same bytes.
            Assert.Equal(Bytes(Tokens.Make(Listing, read)), Bytes(text));
        Assert.Null(Tokens.Read(Listing + "x", text));
    }

    private static byte[] Bytes(string token) => Base64Url.DecodeFromChars(token.AsSpan("page_".Length));
}
