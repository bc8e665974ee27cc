using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Demarc.Governance.Wire;

/// <summary>
/// One replacement in bytes that are forwarded; every byte outside of it stays. Names come from the closed list of law 2.
/// </summary>
public readonly record struct Splice(string Name, Slice At, byte[] Replacement)
{
    /// <summary>The name of the model, as the deployment or the client knows it.</summary>
    public const string Model = "model";

    /// <summary>A field that the platform's form of the body wants, or does not know: <c>stream</c>, <c>anthropic_version</c>, <c>inference_geo</c>.</summary>
    public const string Dialect = "dialect";

    /// <summary>Less output than was asked for, where a hard limit leaves no more.</summary>
    public const string MaxTokens = "max_tokens";

    /// <summary>Betas that move between the header and the body.</summary>
    public const string Betas = "betas";

    /// <summary>Puts a string in place of a JSON string token, quotes included.</summary>
    public static Splice Text(string name, Slice token, string value) =>
        new(name, token, Encoding.UTF8.GetBytes($"\"{JsonEncodedText.Encode(value, JavaScriptEncoder.UnsafeRelaxedJsonEscaping)}\""));

    /// <summary>The length of the bytes once spliced.</summary>
    public static int LengthAfter(int length, ReadOnlySpan<Splice> splices)
    {
        foreach (var splice in splices)
            length += splice.Replacement.Length - splice.At.Length;
        return length;
    }

    /// <summary>The spliced bytes; splices stand in ascending order and do not overlap.</summary>
    public static byte[] Apply(ReadOnlySpan<byte> body, ReadOnlySpan<Splice> splices)
    {
        var output = new byte[LengthAfter(body.Length, splices)];
        int from = 0, to = 0;
        foreach (var splice in splices)
        {
            body[from..splice.At.Start].CopyTo(output.AsSpan(to));
            to += splice.At.Start - from;
            splice.Replacement.CopyTo(output.AsSpan(to));
            to += splice.Replacement.Length;
            from = splice.At.End;
        }
        body[from..].CopyTo(output.AsSpan(to));
        return output;
    }
}
