namespace Demarc.Control.Proofs;

/// <summary>Spans of leaves, both ends included, that can be asked which leaves they cover: first all are added, then all is asked.</summary>
internal sealed class LeafSpans
{
    private readonly List<(long First, long Last)> _added = [];
    private (long First, long Last)[]? _merged;

    public void Add(IEnumerable<(long First, long Last)> spans)
    {
        _added.AddRange(spans);
        _merged = null;
    }

    public bool Cover(long leaf)
    {
        var merged = _merged ??= Merge();
        var (low, high) = (0, merged.Length);
        while (low < high)
        {
            var middle = (low + high) / 2;
            if (merged[middle].Last < leaf)
                low = middle + 1;
            else
                high = middle;
        }
        return low < merged.Length && merged[low].First <= leaf;
    }

    private (long, long)[] Merge()
    {
        var merged = new List<(long First, long Last)>();
        foreach (var span in _added.Order())
        {
            if (merged.Count > 0 && span.First <= merged[^1].Last + 1)
                merged[^1] = (merged[^1].First, Math.Max(merged[^1].Last, span.Last));
            else
                merged.Add(span);
        }
        return [.. merged];
    }
}
