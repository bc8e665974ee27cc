using System.Globalization;
using System.Text;

namespace Demarc.Governance.Wire;

/// <summary>What others wrote, fit to be said back: without characters that act on a terminal, and bounded.</summary>
public static class PlainText
{
    private const int Longest = 80;

    /// <summary>The text with <c>\u001b</c> and the like in place of what cannot be seen.</summary>
    public static string Of(string text)
    {
        var output = new StringBuilder(text.Length);
        foreach (var c in text)
        {
            // Cf holds the marks that reorder text, so that a name could read as another.
            if (char.IsControl(c) || char.IsSurrogate(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format)
                output.Append($"\\u{(int)c:x4}");
            else
                output.Append(c);
        }
        return output.ToString();
    }

    /// <summary>The same of its first 80 characters.</summary>
    public static string Cut(string text) => Of(text.Length > Longest ? text[..Longest] + "…" : text);
}
