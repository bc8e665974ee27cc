using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Control.Proofs;

/// <summary>Checks an auditor's bundle without a store.</summary>
public sealed class AuditCheck(string directory)
{
    private readonly CheckReport _report = new();

    /// <param name="trusted">The keys that the reader trusts.</param>
    /// <param name="kept">Checkpoints that the reader has from elsewhere, their signatures checked; empty for none.</param>
    /// <exception cref="IOException">A file of the bundle is missing.</exception>
    public async Task<CheckReport> RunAsync(IReadOnlyCollection<NoteKey> trusted, IReadOnlyCollection<Checkpoint> kept)
    {
        try
        {
            await ManifestAsync();
            var keys = KeyEndorsement.Extend(trusted, SignedNote.ParseAll(await TextAsync(AuditBundle.Endorsements)));
            if (SignedNote.Parse(await TextAsync(AuditBundle.Checkpoint)) is not { } note || Checkpoint.Parse(note.Text) is not { } checkpoint)
                _report.Add(AuditBundle.Checkpoint, "is no checkpoint");
            else if (!note.IsSignedBy(keys))
                _report.Add(AuditBundle.Checkpoint, "is not signed by a key that you trust");
            else
                await RecordsAsync(checkpoint, kept);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or ArgumentException)
        {
            _report.Add("the bundle", "is damaged: " + e.Message);
        }
        return _report;
    }

    private async Task ManifestAsync()
    {
        var manifest = JsonSerializer.Deserialize<AuditManifest>(await TextAsync(AuditBundle.Manifest), AuditBundle.Json)!;
        if (manifest.Format != AuditBundle.Format)
            _report.Add(AuditBundle.Manifest, $"is not of the format {AuditBundle.Format}");
        foreach (var (name, hash) in manifest.Files)
        {
            await using var file = File.OpenRead(Path.Combine(directory, Path.GetFileName(name)));
            if (Convert.ToHexStringLower(await SHA256.HashDataAsync(file)) != hash)
                _report.Add(name, "is not the file that the manifest names");
        }
    }

    private async Task RecordsAsync(Checkpoint checkpoint, IReadOnlyCollection<Checkpoint> kept)
    {
        var proof = JsonSerializer.Deserialize<AuditProof>(await TextAsync(AuditBundle.Proof), AuditBundle.Json)!;
        var tombstones = JsonSerializer.Deserialize<ProvenRecord[]>(await TextAsync(AuditBundle.Tombstones), AuditBundle.Json)!;
        var erasable = new List<(long First, long Last)>();
        foreach (var tombstone in tombstones)
        {
            if (tombstone.IsIn(checkpoint))
                erasable.AddRange(ErasedRecord.Ranges(Encoding.UTF8.GetBytes(tombstone.Body)));
            else
                _report.Add($"tombstone {tombstone.Leaf}", "is not in the log that was signed");
        }

        var hashes = new List<byte[]>();
        var finished = new List<long>();
        await foreach (var text in File.ReadLinesAsync(Path.Combine(directory, AuditBundle.Records)))
        {
            var line = JsonSerializer.Deserialize<AuditLine>(text, AuditBundle.Json)!;
            var name = $"record {proof.First + hashes.Count}";
            if (line.Leaf != proof.First + hashes.Count)
                _report.Add(name, $"record {line.Leaf} stands in its place");
            if (line.Missing is not null)
                _report.Add(name, "is not in the store that the bundle was made from");
            if (line.Erased is not null && !erasable.Exists(r => r.First <= line.Leaf && line.Leaf <= r.Last))
                _report.Add(name, "was erased, and no tombstone names it");
            _report.Erased += line.Erased is null ? 0 : 1;
            if (line.Kind == "finished")
                finished.Add(line.Leaf);
            hashes.Add(line.Commitment() is { } commitment ? MerkleHash.Leaf(commitment) : MerkleHash.Empty);
        }
        _report.Leaves = hashes.Count;
        if (hashes.Count != proof.End - proof.First)
            _report.Add(AuditBundle.Records, $"has {hashes.Count} records of {proof.End - proof.First}");
        else if (!Leads(proof, checkpoint, hashes))
            _report.Add(AuditBundle.Records, "the records are not those that were signed: one or more was changed, put in or moved");
        else
            _report.Checkpoints++;
        Consistency(proof, checkpoint, kept);
        await SampleAsync(finished);
    }

    private static bool Leads(AuditProof proof, Checkpoint checkpoint, List<byte[]> hashes)
    {
        var outside = proof.Outside.ToDictionary(h => new Subtree(h.Start, h.End), h => h.Hash);
        return proof.Size == checkpoint.Size && proof.First >= 0 && proof.End <= proof.Size && outside.Values.All(h => h.Length == MerkleHash.Size)
            && Subtree.Root(new Subtree(proof.First, proof.End), proof.Size, leaf => hashes[(int)(leaf - proof.First)], s => outside[s]).AsSpan().SequenceEqual(checkpoint.Root);
    }

    private void Consistency(AuditProof proof, Checkpoint checkpoint, IReadOnlyCollection<Checkpoint> kept)
    {
        foreach (var old in kept)
        {
            var path = old.Size == checkpoint.Size ? [] : proof.Consistency.FirstOrDefault(c => c.Size == old.Size)?.Path;
            if (path is null)
                _report.Add($"the checkpoint of {old.Size} records", "the bundle does not lead there: ask for one that does (demarc export audit --checkpoint)");
            else if (!MerkleProof.Extends(old.Size, old.Root, checkpoint.Size, checkpoint.Root, path))
                _report.Add($"the checkpoint of {old.Size} records", "the log of the bundle is not the one that you kept a checkpoint of: its past was changed");
            else
                _report.Checkpoints++;
        }
    }

    private async Task SampleAsync(List<long> finished)
    {
        var sample = JsonSerializer.Deserialize<AuditSample>(await TextAsync(AuditBundle.Sample), AuditBundle.Json)!;
        if (!AuditSample.Of(sample.Seed, sample.Size, finished).Leaves.SequenceEqual(sample.Leaves))
            _report.Add(AuditBundle.Sample, "is not the sample that its seed chooses");
    }

    private Task<string> TextAsync(string name) => File.ReadAllTextAsync(Path.Combine(directory, name));
}
