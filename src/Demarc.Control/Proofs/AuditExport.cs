using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Demarc.Control.Contracts;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Storage.Evidence.Merkle;

namespace Demarc.Control.Proofs;

/// <summary>What is exported: days in UTC, both included; and older checkpoints that the bundle is to lead to as well.</summary>
public sealed record AuditRequest(DateOnly From, DateOnly To, string Seed, int SampleSize, IReadOnlyList<Checkpoint> Older);

/// <summary>Writes the auditor's bundle: records of some days, and all that it takes to check them without Demarc.</summary>
public sealed class AuditExport(Store store, LogSigner signer, Organization organization, string directory, TimeProvider time)
{
    private readonly AuditStatement _statement = new();
    private readonly Dictionary<Guid, (BegunRecord Begun, List<AttemptRecord> Attempts)> _open = [];
    private readonly List<long> _finished = [];
    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);

    /// <summary>The bundle is there when the task completes, and an event says who made it; how many records it has.</summary>
    /// <param name="directory">Empty, or not there yet.</param>
    public async Task<long> WriteAsync(AuditRequest request, ActorRecord actor)
    {
        Directory.CreateDirectory(directory);
        if (Directory.EnumerateFileSystemEntries(directory).Any())
            throw new IOException($"{directory} is not empty: a bundle stands alone.");
        // 1 the checkpoint that all leads to
        var note = await signer.CheckpointAsync(organization.Id);
        var checkpoint = Checkpoint.Parse(note.Text)!;
        var (leaves, records) = await store.Tree.CountsAsync(organization.Id);
        var range = await RangeAsync(request, checkpoint.Size);

        // 2 the records, and what follows from them
        await RecordsAsync(range);
        var (from, to) = (Day(request.From), Day(request.To));
        await TextAsync(AuditBundle.Statement, JsonSerializer.Serialize(_statement.ToJson(from, to, Math.Max(0, records - leaves)), AuditBundle.Readable));
        await TextAsync(AuditBundle.Sample, JsonSerializer.Serialize(AuditSample.Of(request.Seed, request.SampleSize, _finished), AuditBundle.Readable));
        await LinesAsync(AuditBundle.Members, MembersByDay.OfAsync(store, organization.Id, request.From, request.To));

        // 3 the proofs
        var keys = await store.Checkpoints.KeysAsync(organization.Id);
        var stored = await store.Checkpoints.ListAsync(organization.Id);
        await TextAsync(AuditBundle.Proof, JsonSerializer.Serialize(await ProofAsync(range, checkpoint.Size, request.Older.Select(c => c.Size).Concat(stored.Select(c => c.Size))), AuditBundle.Json));
        await TextAsync(AuditBundle.Tombstones, JsonSerializer.Serialize(await TombstonesAsync(checkpoint.Size), AdminApi.AdminAnswer.Wire));
        await TextAsync(AuditBundle.Checkpoint, note.ToString());
        await TextAsync(AuditBundle.Checkpoints, string.Join('\n', stored.Select(c => c.Note)));
        await TextAsync(AuditBundle.Keys, string.Join('\n', keys.Select(k => k.PublicKey)) + "\n");
        await TextAsync(AuditBundle.Endorsements, string.Join('\n', keys.Select(k => k.Endorsement).OfType<string>()));
        await TextAsync(AuditBundle.Schema, AuditSchema.Json);

        // 4 what it is, and that it was made
        var manifest = JsonSerializer.Serialize(
            new AuditManifest(AuditBundle.Format, organization.Id, organization.Name, from, to, time.GetUtcNow(), _files), AuditBundle.Readable);
        await File.WriteAllTextAsync(Path.Combine(directory, AuditBundle.Manifest), manifest);
        await store.RecordAsync(organization.Id, actor, "demarc_audit_exported", new()
        {
            ["from"] = from,
            ["to"] = to,
            ["records"] = range.Width.ToString(CultureInfo.InvariantCulture),
            ["manifest_sha256"] = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(manifest))),
        });
        return range.Width;
    }

    /// <summary>The leaves from the first to the last that was made in the days asked for.</summary>
    private async Task<Subtree> RangeAsync(AuditRequest request, long size)
    {
        var (from, to) = (Start(request.From), Start(request.To.AddDays(1)));
        var (first, last) = (long.MaxValue, -1L);
        for (var number = 0L; number * Tile.Width < size; number++)
        {
            if (await store.Tree.BundleAsync(organization.Id, number) is not { } bundle)
                continue;
            var times = await store.Tree.TimesAsync(Enumerable.Range(0, bundle.Count).Select(bundle.Sequence));
            for (var place = 0; place < bundle.Count && bundle.IndexOf(place) < size; place++)
            {
                if (times.TryGetValue(bundle.Sequence(place), out var at) && at >= from && at < to)
                    (first, last) = (Math.Min(first, bundle.IndexOf(place)), bundle.IndexOf(place));
            }
        }
        return last < 0 ? new Subtree(0, 0) : new Subtree(first, last + 1);
    }

    private async Task RecordsAsync(Subtree range)
    {
        await using (var lines = Create(AuditBundle.Records))
        await using (var table = Create(AuditBundle.Activities))
        {
            await table.WriteAsync(NamedTable.CsvLine(ActivityTable.Columns));
            for (var number = range.Start / Tile.Width; number * Tile.Width < range.End; number++)
            {
                var bundle = await store.Tree.BundleAsync(organization.Id, number) ?? throw new StoreException("Leaves of the evidence tree are missing: demarc verify names them.");
                var salts = await store.Tree.SaltsAsync(organization.Id, number) ?? new byte[Tile.Width * RecordCommitment.SaltSize];
                var records = (await store.Tree.RecordsAsync(Enumerable.Range(0, bundle.Count).Select(bundle.Sequence))).ToDictionary(r => r.Sequence);
                for (var place = 0; place < bundle.Count; place++)
                {
                    var leaf = bundle.IndexOf(place);
                    if (leaf < range.Start || leaf >= range.End)
                        continue;
                    var record = records.GetValueOrDefault(bundle.Sequence(place));
                    var line = AuditLine.Of(leaf, record, salts.AsSpan(place * RecordCommitment.SaltSize, RecordCommitment.SaltSize), bundle.Entry(place));
                    await lines.WriteAsync(JsonSerializer.Serialize(line, AuditBundle.Json) + "\n");
                    if (await RowAsync(line, record) is { } row)
                        await table.WriteAsync(NamedTable.CsvLine(row));
                }
            }
        }
        await HashAsync(AuditBundle.Records);
        await HashAsync(AuditBundle.Activities);
    }

    /// <summary>The row of a record that ends something; null for one that begins it, and for one that does not say.</summary>
    private async Task<string[]?> RowAsync(AuditLine line, LoggedRecord? record)
    {
        if (record is null || line.Erased is not null)
        {
            _statement.Missing += record is null ? 1 : 0;
            _statement.Erased += record is null ? 0 : 1;
            return null;
        }
        _statement.Record(record.At);
        try
        {
            switch ((RecordKind)record.Kind)
            {
                case RecordKind.Begun:
                    var begun = JsonSerializer.Deserialize(record.Body, RecordJson.Default.BegunRecord)!;
                    _statement.Begun(record.Id, begun.Capture);
                    _open[record.Id] = (begun, [begun.Attempt]);
                    return null;
                case RecordKind.Attempt when _open.TryGetValue(record.Id, out var open):
                    open.Attempts.Add(JsonSerializer.Deserialize(record.Body, RecordJson.Default.AttemptRecord)!);
                    return null;
                case RecordKind.Finished:
                    _finished.Add(line.Leaf);
                    _statement.Finished(record.Id);
                    var finished = JsonSerializer.Deserialize(record.Body, RecordJson.Default.FinishedRecord)!;
                    if (_open.Remove(record.Id, out var request))
                        return ActivityTable.Request(line.Leaf, record, finished, request.Begun, request.Attempts.Find(a => a.Number == finished.Attempt) ?? request.Attempts[^1]);
                    // It began before the span.
                    var earlier = await store.Requests.FindAsync(organization.Id, record.Id);
                    return ActivityTable.Request(line.Leaf, record, finished, earlier?.Begun, earlier?.Attempts.FirstOrDefault(a => a.Number == finished.Attempt));
                case RecordKind.Event:
                    var e = JsonSerializer.Deserialize(record.Body, RecordJson.Default.EventRecord)!;
                    _statement.Refused += e.Type == "demarc_inference_refused" ? 1 : 0;
                    if (e.Type == Store.JournalCaughtUp)
                        _statement.JournalWindow(e);
                    return ActivityTable.Event(line.Leaf, record, e);
                default:
                    return null;
            }
        }
        catch (JsonException)
        {
            // It stands among the records as it is.
            return null;
        }
    }

    private async Task<AuditProof> ProofAsync(Subtree range, long size, IEnumerable<long> older)
    {
        var outside = Subtree.Outside(range, size);
        var hashes = await store.Tree.HashesAsync(organization.Id, outside);
        var consistency = new List<AuditConsistency>();
        foreach (var old in older.Where(o => o <= size).Distinct().Order())
            consistency.Add(new AuditConsistency(old, await store.Tree.HashesAsync(organization.Id, Subtree.Consistency(old, size))));
        return new AuditProof(range.Start, range.End, size, [.. outside.Zip(hashes, (s, hash) => new AuditHash(s.Start, s.End, hash))], [.. consistency]);
    }

    // An erasure is on record later than what it erased, often after the span.
    private async Task<ProvenRecord[]> TombstonesAsync(long size)
    {
        var proven = new List<ProvenRecord>();
        Storage.Page<Storage.Evidence.Activity> page;
        long? after = null;
        do
        {
            page = await store.Activities.ListAsync(new() { OrganizationId = organization.Id, Types = [ErasedRecord.Tombstone], After = after, Limit = 1000 });
            foreach (var tombstone in page.Data)
            {
                proven.AddRange(await new Prover(store).ProveAsync(organization.Id, new Guid(tombstone.RequestId, bigEndian: true), size));
                after = tombstone.Position;
            }
        }
        while (page.HasMore);
        return [.. proven];
    }

    private async Task LinesAsync(string name, IAsyncEnumerable<string[]> rows)
    {
        await using (var table = Create(name))
        {
            await table.WriteAsync(NamedTable.CsvLine(MembersByDay.Columns));
            await foreach (var row in rows)
                await table.WriteAsync(NamedTable.CsvLine(row));
        }
        await HashAsync(name);
    }

    private async Task TextAsync(string name, string text)
    {
        await File.WriteAllTextAsync(Path.Combine(directory, name), text);
        await HashAsync(name);
    }

    private StreamWriter Create(string name) => new(Path.Combine(directory, name), append: false, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false));

    private async Task HashAsync(string name)
    {
        await using var file = File.OpenRead(Path.Combine(directory, name));
        _files[name] = Convert.ToHexStringLower(await SHA256.HashDataAsync(file));
    }

    private static string Day(DateOnly day) => day.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private static long Start(DateOnly day) => new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeMilliseconds();
}
