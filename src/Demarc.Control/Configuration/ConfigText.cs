using System.Text.Json;
using Demarc.Governance.Wire;

namespace Demarc.Control.Configuration;

/// <summary>How problems show what the file says: bounded, and without characters that act on a terminal.</summary>
internal static class ConfigText
{
    public static string Quote(string value) => $"'{PlainText.Cut(value)}'";

    public static string Printable(string text) => PlainText.Of(text);

    /// <summary>The path of a mapping's field; a name that is no plain word goes in brackets.</summary>
    public static string Field(string path, string key)
    {
        if (key.Length == 0 || !key.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'))
            return $"{path}[{Printable(JsonSerializer.Serialize(key))}]";
        return path.Length == 0 ? key : $"{path}.{key}";
    }

    /// <summary><c>; did you mean 'x'?</c> when a candidate is close, else nothing.</summary>
    public static string DidYouMean(string value, IEnumerable<string> candidates) =>
        Closest(value, candidates) is { } closest ? $"; did you mean {Quote(closest)}?" : "";

    /// <summary>The candidate at an edit distance of at most 2, and of at most a third of its length; null when none is.</summary>
    public static string? Closest(string value, IEnumerable<string> candidates)
    {
        string? best = null;
        var least = 3;
        foreach (var candidate in candidates)
        {
            if (Math.Abs(candidate.Length - value.Length) >= least)
                continue;
            var distance = Distance(value.ToLowerInvariant(), candidate.ToLowerInvariant());
            if (distance < least && distance <= Math.Max(1, candidate.Length / 3))
                (best, least) = (candidate, distance);
        }
        return best;
    }

    /// <summary>Insertions, removals, replacements and swaps of neighbours between two texts.</summary>
    private static int Distance(string a, string b)
    {
        var cost = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            for (var j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    cost[i, j] = i + j;
                    continue;
                }
                var replace = cost[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                cost[i, j] = Math.Min(replace, 1 + Math.Min(cost[i - 1, j], cost[i, j - 1]));
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                    cost[i, j] = Math.Min(cost[i, j], cost[i - 2, j - 2] + 1);
            }
        }
        return cost[a.Length, b.Length];
    }
}
