using System.Globalization;

namespace Demarc.Governance.Evidence.Merkle;

/// <summary>What a log says of itself at one time (C2SP tlog-checkpoint): the text of a signed note.</summary>
/// <param name="Origin">The log's name, the same for ever.</param>
/// <param name="Size">How many leaves it has.</param>
public sealed record Checkpoint(string Origin, long Size, byte[] Root)
{
    /// <summary>The origin of an organization's log, and the name of the keys that sign it.</summary>
    public static string OriginOf(string organizationId) => $"demarc/{organizationId}";

    public string Text() => string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\n");

    /// <summary>Null for what is none. Lines after the third are allowed, and mean nothing here.</summary>
    public static Checkpoint? Parse(string text)
    {
        var lines = text.Split('\n');
        var root = new byte[MerkleHash.Size + 1];
        return lines.Length >= 4 && lines[0].Length > 0
            && long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size) && (lines[1].Length == 1 || lines[1][0] != '0')
            && Convert.TryFromBase64String(lines[2], root, out var length) && length == MerkleHash.Size
            ? new Checkpoint(lines[0], size, root[..length])
            : null;
    }
}
