namespace Demarc.Control.Proofs;

/// <param name="Place">What is wrong: a record with its leaf, a tile, a bundle, a span of records.</param>
/// <param name="Problem">What is wrong with it.</param>
public sealed record CheckFinding(string Place, string Problem);

/// <summary>What came of checking records against checkpoints.</summary>
public sealed class CheckReport
{
    /// <summary>Findings beyond this many are counted, not named.</summary>
    private const int MostNamed = 200;

    private readonly List<CheckFinding> _findings = [];

    /// <summary>Leaves of the tree that was checked.</summary>
    public long Leaves { get; set; }

    /// <summary>Records that were erased lawfully: a tombstone names them.</summary>
    public long Erased { get; set; }

    /// <summary>Records whose captured content was erased lawfully, while they stay.</summary>
    public long ContentsErased { get; set; }

    /// <summary>Checkpoints whose root was found.</summary>
    public int Checkpoints { get; set; }

    public IReadOnlyList<CheckFinding> Findings => _findings;

    /// <summary>How many findings there are, those that are not named included.</summary>
    public long Count { get; private set; }

    public void Add(string place, string problem)
    {
        if (++Count <= MostNamed)
            _findings.Add(new CheckFinding(place, problem));
    }
}
