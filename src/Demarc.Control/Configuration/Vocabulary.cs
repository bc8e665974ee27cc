namespace Demarc.Control.Configuration;

/// <summary>Reads words of a closed set; any other is an error with its place, and the word that may be meant.</summary>
internal static class Vocabulary
{
    // Longer sets are not listed in a message; the documentation and the nearest word help more.
    private const int MostListed = 12;

    /// <summary>A word, or a list of them that is not empty; null when the key is absent.</summary>
    /// <param name="words">Null to accept any.</param>
    public static string[]? List(ConfigNode? node, string what, IReadOnlyCollection<string>? words, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (node is ListNode { Items.Count: 0 })
        {
            reading.Error(node, "an empty list leaves nothing; accepted: values, or leave the key out");
            return [];
        }
        var texts = node is ListNode ? reading.Texts(node) : reading.Text(node) is { } single ? [single] : [];
        return [.. texts.Where(t => Check(t, what, words, reading)).Select(t => t.Value).Distinct()];
    }

    /// <summary>One word; null when it is absent or wrong.</summary>
    public static string? One(ConfigNode? node, string what, IReadOnlyCollection<string>? words, ConfigReading reading) =>
        reading.Text(node) is { } text && Check(text, what, words, reading) ? text.Value : null;

    /// <summary>True or false.</summary>
    /// <param name="absent">What it is where it is absent.</param>
    public static bool Flag(ConfigNode? node, ConfigReading reading, bool absent = false)
    {
        switch (reading.Text(node))
        {
            case null:
                return absent;
            case { Value: "true" or "false" } text:
                return text.Value == "true";
            case var text:
                reading.Error(text, $"{ConfigText.Quote(text.Value)} is neither; accepted: true, false");
                return absent;
        }
    }

    private static bool Check(TextNode node, string what, IReadOnlyCollection<string>? words, ConfigReading reading)
    {
        if (words is null || words.Contains(node.Value))
            return true;
        var near = ConfigText.DidYouMean(node.Value, words);
        var accepted = words.Count <= MostListed || near.Length == 0 ? $"; accepted: {string.Join(", ", words)}" : "";
        reading.Error(node, $"unknown {what} {ConfigText.Quote(node.Value)}{accepted}{near}");
        return false;
    }
}
