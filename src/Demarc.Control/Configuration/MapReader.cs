namespace Demarc.Control.Configuration;

/// <summary>Reads the keys of one mapping; those that it does not know are errors.</summary>
internal sealed class MapReader
{
    private readonly ConfigReading _reading;
    private readonly HashSet<string> _misspelt = [];

    private MapReader(MapNode node, ConfigReading reading) => (Node, _reading) = (node, reading);

    public MapNode Node { get; }

    /// <summary>A reader of the node; null with an error when it is no mapping, and null when it is absent.</summary>
    /// <param name="hideUnknown">Unknown keys are not repeated in messages: a secret in the wrong place could be one.</param>
    public static MapReader? Open(ConfigNode? node, ConfigReading reading, string[] keys, bool hideUnknown = false)
    {
        if (node is not MapNode map)
        {
            if (node is not null)
                reading.Error(node, $"{node.Kind}; a mapping is accepted, with the keys {string.Join(", ", keys)}");
            return null;
        }
        var reader = new MapReader(map, reading);
        foreach (var entry in map.Entries)
        {
            if (keys.Contains(entry.Key))
                continue;
            var near = ConfigText.Closest(entry.Key, keys);
            if (near is not null)
                reader._misspelt.Add(near);
            var hint = near is not null ? $"; did you mean {ConfigText.Quote(near)}?" : $"; accepted: {string.Join(", ", keys)}";
            if (hideUnknown && near is null)
                reading.Error(map.Path, entry.Line, entry.Column, "unknown key" + hint);
            else
                reading.Error(entry.Path, entry.Line, entry.Column, $"unknown key {ConfigText.Quote(entry.Key)}{hint}");
        }
        return reader;
    }

    /// <summary>The value of a key; null when it is absent or left empty.</summary>
    public ConfigNode? Get(string key) =>
        Node.Entries.FirstOrDefault(e => e.Key == key)?.Value is { IsNull: false } value ? value : null;

    public TextNode? Text(string key) => _reading.Text(Get(key));

    /// <summary>True when the key is there, if nearly so: an error of its own says which.</summary>
    public bool Mentions(string key) => Get(key) is not null || _misspelt.Contains(key);

    /// <summary>The value of a key; null with an error when it is absent.</summary>
    /// <param name="accepted">What to write there.</param>
    public ConfigNode? Required(string key, string accepted)
    {
        var value = Get(key);
        if (!Mentions(key))
            _reading.Error(ConfigText.Field(Node.Path, key), Node.Line, Node.Column, $"required; accepted: {accepted}");
        return value;
    }
}
