namespace Demarc.Governance.Evidence;

/// <summary>
/// A message at its place in a conversation: the path from the root is the history it was said in. A request is a
/// path, its answer one node more, so whatever way history was stored, the same message at the same place is one node.
/// </summary>
internal sealed class TranscriptNode
{
    private Dictionary<UInt128, TranscriptNode>? _others;

    private TranscriptNode(UInt128 identity, TranscriptNode? parent, int depth, bool isGap) =>
        (Identity, Parent, Depth, IsGap) = (identity, parent, depth, isGap);

    public UInt128 Identity { get; }

    public TranscriptNode? Parent { get; }

    /// <summary>Messages up to and with this one.</summary>
    public int Depth { get; }

    /// <summary>Stands for all messages from the root to its depth, which are not known.</summary>
    public bool IsGap { get; }

    /// <summary>The message that came next when this history was last continued.</summary>
    public TranscriptNode? Latest { get; private set; }

    public static TranscriptNode Root() => new(default, null, 0, isGap: false);

    /// <summary>What is known of a history whose first messages are not.</summary>
    public TranscriptNode Gap(int depth) => new(default, this, depth, isGap: true);

    public TranscriptNode? Child(UInt128 identity) =>
        Latest?.Identity == identity ? Latest : _others?.GetValueOrDefault(identity);

    public TranscriptNode Add(UInt128 identity)
    {
        var child = new TranscriptNode(identity, this, Depth + 1, isGap: false);
        if (Latest is { } before)
            (_others ??= [])[before.Identity] = before;
        return Latest = child;
    }

    /// <summary>Goes on along a child that exists, which is the latest from now on.</summary>
    public TranscriptNode Follow(TranscriptNode child)
    {
        if (Latest is { } before && before != child)
            (_others ??= [])[before.Identity] = before;
        return Latest = child;
    }

    /// <summary>The history's first so many messages; null where they lie in a gap or past this node.</summary>
    public TranscriptNode? Ancestor(int depth)
    {
        var node = this;
        while (node.Depth > depth && node.Parent is { } parent)
            node = parent;
        return node.Depth == depth ? node : null;
    }
}
