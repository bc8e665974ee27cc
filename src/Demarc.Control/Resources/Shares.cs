using System.Globalization;

namespace Demarc.Control.Resources;

/// <summary>Shares of sessions, written <c>10%</c>.</summary>
public static class Shares
{
    public const string Accepted = "a share from 0.1% to 99.9%, such as 10%";

    /// <summary>Per mille, 1 to 999; null for what is no such share.</summary>
    public static int? PerMille(string text) =>
        text.EndsWith('%') && decimal.TryParse(text[..^1], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var percent)
            && percent * 10 is >= 1 and <= 999 and var perMille && decimal.IsInteger(perMille)
            ? (int)perMille
            : null;

    public static string Text(int perMille) => string.Create(CultureInfo.InvariantCulture, $"{perMille / 10m:0.#}%");
}
