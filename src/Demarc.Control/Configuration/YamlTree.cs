using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Demarc.Control.Configuration;

/// <summary>YAML text as nodes that know their path, line and column.</summary>
internal static class YamlTree
{
    /// <summary>Deeper than any accepted key, and shallow enough for the stack.</summary>
    private const int Deepest = 16;

    /// <summary>The document's root; null when it is empty or is not YAML.</summary>
    public static ConfigNode? Read(string text, ConfigReading reading)
    {
        var parser = new Parser(new StringReader(text));
        try
        {
            parser.Consume<StreamStart>();
            if (!parser.TryConsume<DocumentStart>(out _))
                return null;
            var root = Node(parser, "", reading, depth: 0);
            parser.Consume<DocumentEnd>();
            if (parser.Accept<DocumentStart>(out var second))
                reading.Error("", (int)second.Start.Line, (int)second.Start.Column, "a second document starts here; one is accepted");
            return root;
        }
        catch (YamlException e)
        {
            reading.Error("", (int)e.Start.Line, (int)e.Start.Column, $"not YAML: {ConfigText.Printable(e.Message)}");
            return null;
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException)
        {
            // YamlDotNet's scanner throws these on some damaged files; they say nothing about the place.
            var (line, column) = parser.Current is { } last ? Place(last) : (1, 1);
            reading.Error("", line, column, "not YAML from here on");
            return null;
        }
    }

    private static ConfigNode Node(IParser parser, string path, ConfigReading reading, int depth)
    {
        var (line, column) = Place(parser.Current!);
        if (depth > Deepest)
            throw new YamlException(parser.Current!.Start, parser.Current.End, $"nested deeper than {Deepest} levels");
        if (parser.Current is NodeEvent { Anchor.IsEmpty: false } or AnchorAlias)
            reading.Error(path, line, column, "anchors and aliases (& and *) are not accepted; write the value out");
        else if (parser.Current is NodeEvent { Tag.IsEmpty: false, Tag.IsNonSpecific: false })
            reading.Error(path, line, column, "tags (!) are not accepted; write the value alone");

        if (parser.TryConsume<AnchorAlias>(out _))
            return new TextNode(path, line, column, "", Plain: true);
        if (parser.TryConsume<SequenceStart>(out _))
            return List(parser, path, line, column, reading, depth);
        if (parser.TryConsume<MappingStart>(out _))
            return Map(parser, path, line, column, reading, depth);
        var scalar = parser.Consume<Scalar>();
        return new TextNode(path, line, column, scalar.Value, scalar.Style is ScalarStyle.Plain);
    }

    private static ListNode List(IParser parser, string path, int line, int column, ConfigReading reading, int depth)
    {
        var items = new List<ConfigNode>();
        while (!parser.TryConsume<SequenceEnd>(out _))
            items.Add(Node(parser, $"{path}[{items.Count}]", reading, depth + 1));
        return new ListNode(path, line, column, items);
    }

    private static MapNode Map(IParser parser, string path, int line, int column, ConfigReading reading, int depth)
    {
        var entries = new List<MapEntry>();
        while (!parser.TryConsume<MappingEnd>(out _))
        {
            var (keyLine, keyColumn) = Place(parser.Current!);
            if (Node(parser, path, reading, depth + 1) is not TextNode { Value: var key })
            {
                reading.Error(path, keyLine, keyColumn, "a key is a list or a mapping; a name is accepted");
                Node(parser, path, reading, depth + 1);
                continue;
            }
            var field = ConfigText.Field(path, key);
            var value = Node(parser, field, reading, depth + 1);
            if (entries.Find(e => e.Key == key) is { } first)
                reading.Error(field, keyLine, keyColumn, $"duplicate key, first on line {first.Line}; each key is accepted once");
            else
                entries.Add(new MapEntry(key, field, keyLine, keyColumn, value));
        }
        return new MapNode(path, line, column, entries);
    }

    private static (int Line, int Column) Place(ParsingEvent at) => ((int)at.Start.Line, (int)at.Start.Column);
}
