using System.Security.Cryptography;
using Demarc.Governance.Evidence.Merkle;
using Xunit;

namespace Demarc.Governance.Tests.Evidence.Merkle;

public sealed class SignedNoteTests
{
    private static readonly Checkpoint Sample = new("demarc/org_1", 70_000, SHA256.HashData("root"u8));

    [Fact]
    public void A_checkpoint_is_read_back_and_its_signature_finds_every_changed_character()
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var key = KeyOf(signer);
        var note = SignedNote.Sign(Sample.Text(), key, text => Sign(signer, text)).ToString();

        var read = SignedNote.Parse(note)!;
        Assert.True(read.IsSignedBy([key]));
        var checkpoint = Checkpoint.Parse(read.Text)!;
        Assert.Equal((Sample.Origin, Sample.Size), (checkpoint.Origin, checkpoint.Size));
        Assert.Equal(Sample.Root, checkpoint.Root);
        for (var i = 0; i < note.Length; i++)
        {
            var changed = $"{note[..i]}{(char)(note[i] ^ 1)}{note[(i + 1)..]}";
            // The last character of base64 may carry bits that mean nothing.
            var holds = SignedNote.Parse(changed) is { } other && other.IsSignedBy([key]) && other.Text != read.Text;
            Assert.False(holds, changed);
        }
    }

    [Fact]
    public void A_note_counts_when_a_trusted_key_signed_it_whatever_others_did()
    {
        using var ours = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var theirs = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var both = new SignedNote(Sample.Text(),
        [
            .. SignedNote.Sign(Sample.Text(), KeyOf(theirs), text => Sign(theirs, text)).Signatures,
            .. SignedNote.Sign(Sample.Text(), KeyOf(ours), text => Sign(ours, text)).Signatures,
        ]);

        Assert.True(both.IsSignedBy([KeyOf(ours)]));
        Assert.False((both with { Text = Sample.Text() + "more\n" }).IsSignedBy([KeyOf(ours)]));
        Assert.False(SignedNote.Sign(Sample.Text(), KeyOf(ours), text => Sign(theirs, text)).IsSignedBy([KeyOf(ours), KeyOf(theirs)]));
        Assert.False(both.IsSignedBy([]));
    }

    [Fact]
    public void Notes_one_after_another_are_read_one_by_one()
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var notes = Enumerable.Range(1, 3).Select(n => SignedNote.Sign((Sample with { Size = n }).Text(), KeyOf(signer), text => Sign(signer, text)).ToString());

        Assert.Equal([1, 2, 3], SignedNote.ParseAll(string.Join('\n', notes)).Select(n => Checkpoint.Parse(n.Text)!.Size));
        Assert.Equal([1, 2, 3], SignedNote.ParseAll(string.Concat(notes)).Select(n => Checkpoint.Parse(n.Text)!.Size));
    }

    [Fact]
    public void A_public_key_is_exchanged_as_one_line()
    {
        using var signer = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var line = KeyOf(signer).ToString();

        Assert.Equal(line, NoteKey.Parse(line)!.ToString());
        Assert.StartsWith("demarc/org_1+", line, StringComparison.Ordinal);
        foreach (var wrong in new[] { "", "demarc/org_1", line[..^4], line.Replace("org_1+", "org_1+0", StringComparison.Ordinal), "a b" + line, line.Replace("+AjBZ", "+BjBZ", StringComparison.Ordinal) })
            Assert.Null(NoteKey.Parse(wrong));
    }

    [Theory]
    [InlineData("demarc/org_1\n070\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")]
    [InlineData("demarc/org_1\n-1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")]
    [InlineData("demarc/org_1\n70\nAAAA\n")]
    [InlineData("demarc/org_1\n70\n")]
    [InlineData("\n70\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n")]
    public void What_is_no_checkpoint_is_not_read_as_one(string text) => Assert.Null(Checkpoint.Parse(text));

    [Fact]
    public void A_record_is_committed_to_with_all_that_it_says()
    {
        var (salt, id) = (new byte[RecordCommitment.SaltSize], new Guid("0199aaaa-0000-7000-8000-000000000001"));
        var commitment = RecordCommitment.Of(salt, "org_1", Governance.Evidence.RecordKind.Event, id, null, 5, "{}"u8);

        var canonical = "demarc-record-1\norg_1\nevent\n0199aaaa-0000-7000-8000-000000000001\n\n5\n{}"u8;
        Assert.Equal(HMACSHA256.HashData(salt, canonical), commitment);
        Assert.NotEqual(commitment, RecordCommitment.Of([1, .. salt[1..]], "org_1", Governance.Evidence.RecordKind.Event, id, null, 5, "{}"u8));
        Assert.NotEqual(commitment, RecordCommitment.Of(salt, "org_1", Governance.Evidence.RecordKind.Event, id, "clls_1", 5, "{}"u8));
        Assert.NotEqual(commitment, RecordCommitment.Of(salt, "org_1", Governance.Evidence.RecordKind.Begun, id, null, 5, "{}"u8));
    }

    private static NoteKey KeyOf(ECDsa key) => new(Sample.Origin, key.ExportSubjectPublicKeyInfo());

    private static byte[] Sign(ECDsa key, byte[] text) => key.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
}
