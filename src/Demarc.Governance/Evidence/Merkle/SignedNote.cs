using System.Text;

namespace Demarc.Governance.Evidence.Merkle;

/// <summary>A text and the signatures under it (C2SP signed-note).</summary>
/// <param name="Text">Ends with a line's end.</param>
public sealed record SignedNote(string Text, IReadOnlyList<NoteSignature> Signatures)
{
    private const string SignaturePrefix = "— ";
    private const int MaxLength = 1 << 20;

    /// <summary>Signs a text that ends with a line's end.</summary>
    /// <param name="sign">ECDSA P-256 over the text's bytes, DER.</param>
    public static SignedNote Sign(string text, NoteKey key, Func<byte[], byte[]> sign) =>
        new(text, [new NoteSignature(key.Name, key.Id, sign(Encoding.UTF8.GetBytes(text)))]);

    /// <summary>Null for what is no signed note.</summary>
    public static SignedNote? Parse(string note)
    {
        var split = note.Length <= MaxLength ? note.LastIndexOf("\n\n", StringComparison.Ordinal) : -1;
        if (split < 0 || !note.EndsWith('\n') || note.Any(c => c < ' ' && c != '\n'))
            return null;
        var signatures = new List<NoteSignature>();
        foreach (var line in note[(split + 2)..^1].Split('\n'))
        {
            var parts = line.StartsWith(SignaturePrefix, StringComparison.Ordinal) ? line[SignaturePrefix.Length..].Split(' ') : [];
            var bytes = new byte[line.Length];
            if (parts.Length != 2 || parts[0].Length == 0 || !Convert.TryFromBase64String(parts[1], bytes, out var length) || length < 5)
                return null;
            signatures.Add(new NoteSignature(parts[0], bytes[..4], bytes[4..length]));
        }
        return new SignedNote(note[..(split + 1)], signatures);
    }

    /// <summary>The notes of a file that holds one after another.</summary>
    public static IEnumerable<SignedNote> ParseAll(string notes)
    {
        var from = 0;
        var signed = false;
        for (var at = 0; at <= notes.Length;)
        {
            var end = notes.IndexOf('\n', at);
            var isSignature = end >= 0 && notes.AsSpan(at).StartsWith(SignaturePrefix, StringComparison.Ordinal);
            if (signed && !isSignature)
            {
                if (Parse(notes[from..at].TrimStart('\n')) is { } note)
                    yield return note;
                from = at;
            }
            signed = isSignature;
            if (end < 0)
                yield break;
            at = end + 1;
        }
    }

    /// <summary>Whether a key that is trusted signed it, and none that is trusted signed it wrongly.</summary>
    public bool IsSignedBy(IEnumerable<NoteKey> trusted)
    {
        var text = Encoding.UTF8.GetBytes(Text);
        var known = Signatures.SelectMany(s => trusted.Where(k => k.Name == s.Name && k.Id.AsSpan().SequenceEqual(s.KeyId)).Select(k => k.Verify(text, s.Signature))).ToArray();
        return known.Length > 0 && Array.TrueForAll(known, holds => holds);
    }

    /// <summary>The note as it is kept and sent.</summary>
    public override string ToString()
    {
        var note = new StringBuilder(Text).Append('\n');
        foreach (var signature in Signatures)
            note.Append(SignaturePrefix).Append(signature.Name).Append(' ').Append(Convert.ToBase64String([.. signature.KeyId, .. signature.Signature])).Append('\n');
        return note.ToString();
    }
}

/// <param name="Name">Of whoever signed.</param>
/// <param name="KeyId">4 bytes.</param>
public sealed record NoteSignature(string Name, byte[] KeyId, byte[] Signature);
