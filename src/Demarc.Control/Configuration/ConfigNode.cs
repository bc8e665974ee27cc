namespace Demarc.Control.Configuration;

/// <summary>A value of the configuration file and where it stands.</summary>
internal abstract record ConfigNode(string Path, int Line, int Column)
{
    /// <summary>What the reader of an error message calls it.</summary>
    public abstract string Kind { get; }

    /// <summary>True for a key whose value is left out (<c>tls:</c>), <c>~</c> or <c>null</c>: as if the key were absent.</summary>
    public virtual bool IsNull => false;
}

internal sealed record TextNode(string Path, int Line, int Column, string Value, bool Plain) : ConfigNode(Path, Line, Column)
{
    public override string Kind => IsNull ? "nothing" : "text";

    public override bool IsNull => Plain && Value is "" or "~" or "null" or "Null" or "NULL";
}

internal sealed record ListNode(string Path, int Line, int Column, IReadOnlyList<ConfigNode> Items) : ConfigNode(Path, Line, Column)
{
    public override string Kind => "a list";
}

internal sealed record MapNode(string Path, int Line, int Column, IReadOnlyList<MapEntry> Entries) : ConfigNode(Path, Line, Column)
{
    public override string Kind => "a mapping";
}

/// <summary>A key of a mapping, where the key itself stands, and its value.</summary>
internal sealed record MapEntry(string Key, string Path, int Line, int Column, ConfigNode Value);
