namespace Demarc.Governance.Evidence.Merkle;

/// <summary>A note by which one key names the one that comes after it: who trusts the old one can trust the new one.</summary>
public static class KeyEndorsement
{
    private const string Heading = "demarc signing key\n";

    public static string Text(NoteKey next) => $"{Heading}{next}\n";

    /// <summary>The trusted keys and those that they name, one after another.</summary>
    public static IReadOnlyList<NoteKey> Extend(IEnumerable<NoteKey> trusted, IEnumerable<SignedNote> endorsements)
    {
        var keys = trusted.ToList();
        var rest = endorsements.Where(e => e.Text.StartsWith(Heading, StringComparison.Ordinal)).ToList();
        while (rest.Find(e => e.IsSignedBy(keys)) is { } next)
        {
            rest.Remove(next);
            if (NoteKey.Parse(next.Text[Heading.Length..]) is { } key)
                keys.Add(key);
        }
        return keys;
    }
}
