using System.CommandLine;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;

namespace Demarc.Commands;

/// <summary><c>demarc verify</c>: the records against what was signed of them.</summary>
internal static class VerifyCommand
{
    public static Command Create()
    {
        var id = new Argument<string>("ID") { Description = "A request (req_…) or an activity (activity_…); without one, the whole store", Arity = ArgumentArity.ZeroOrOne, DefaultValueFactory = _ => "" };
        var checkpoint = new Option<string?>("--checkpoint") { Description = "A file of checkpoints that was kept elsewhere; default those that the store keeps itself" };
        var keys = new Option<string?>("--keys") { Description = "A file of public keys that was kept elsewhere (as demarc log keys prints them); default those that the store names itself" };
        var proof = new Option<string?>("--proof") { Description = "Check a proof in a file (demarc log prove), without a store" };
        var export = new Option<string?>("--export") { Description = "Check an auditor's bundle in a directory (demarc export audit), without a store" };
        return new Command("verify", "Check that no record was changed, removed or moved since checkpoints were signed") { id, checkpoint, keys, proof, export }.Runs(async context =>
        {
            if (context.Get(export) is { } bundle)
                await ExportAsync(context, bundle, context.Get(keys), context.Get(checkpoint));
            else if (context.Get(proof) is { } file)
                await ProofAsync(context, file, context.Get(keys), context.Get(checkpoint));
            else
                await StoreAsync(context, context.Get(id), context.Get(keys), context.Get(checkpoint));
        });
    }

    private static async Task ProofAsync(CommandContext context, string file, string? keys, string? checkpoints)
    {
        var proof = ProofFile.Parse(await File.ReadAllBytesAsync(file)) ?? throw new CommandException($"{file} is no proof of the format {ProofFile.CurrentFormat}.");
        var findings = proof.Problems(await KeysAsync(keys)).ToList();
        if (checkpoints is not null && !SignedNote.ParseAll(await File.ReadAllTextAsync(checkpoints)).Any(n => n.Text == SignedNote.Parse(proof.Checkpoint)?.Text))
            findings.Add(new CheckFinding("the checkpoint", $"is none of those in {checkpoints}: ask for a proof against one of them (demarc log prove --checkpoint)"));
        Show(context, findings, findings.Count, new { proof.Records.Length }, $"{proof.Records.Length} records are in the log as they were signed.");
    }

    private static async Task ExportAsync(CommandContext context, string directory, string? keys, string? checkpoints)
    {
        var trusted = await KeysAsync(keys);
        var endorsements = Path.Combine(directory, "endorsements.txt");
        var extended = KeyEndorsement.Extend(trusted, File.Exists(endorsements) ? SignedNote.ParseAll(await File.ReadAllTextAsync(endorsements)) : []);
        var kept = new List<Checkpoint>();
        foreach (var note in checkpoints is null ? [] : SignedNote.ParseAll(await File.ReadAllTextAsync(checkpoints)))
            kept.Add(note.IsSignedBy(extended) && Checkpoint.Parse(note.Text) is { } held ? held : throw new CommandException($"A checkpoint in {checkpoints} is not signed by a key that you trust."));
        var report = await new AuditCheck(directory).RunAsync(trusted, kept);
        Show(
            context, report.Findings, report.Count, new { report.Leaves, report.Erased, report.Checkpoints },
            $"{report.Leaves} records of the bundle are as they were signed; {report.Erased} of them were erased, as tombstones say.");
    }

    private static async Task StoreAsync(CommandContext context, string id, string? keys, string? checkpoints)
    {
        var installation = await context.OpenAsync();
        var (store, organization) = (installation.Store, installation.Organization.Id);
        using var current = await new LogSigner(store, installation.Master).CurrentKeyAsync(organization);
        var own = await store.Checkpoints.KeysAsync(organization);
        var trusted = KeyEndorsement.Extend(
            keys is null ? [NoteKey.Parse(own[0].PublicKey)!] : await KeysAsync(keys),
            own.Select(k => k.Endorsement).OfType<string>().Select(SignedNote.Parse).OfType<SignedNote>());
        var notes = checkpoints is not null
            ? SignedNote.ParseAll(await File.ReadAllTextAsync(checkpoints)).ToArray()
            : [.. (await store.Checkpoints.ListAsync(organization)).Select(c => SignedNote.Parse(c.Note)).OfType<SignedNote>()];
        if (checkpoints is null || keys is null)
            await Console.Error.WriteLineAsync("What is checked against comes from the store itself, in part or whole: pass --checkpoint and --keys that were kept elsewhere.");
        var report = new CheckReport();
        var signed = new List<Checkpoint>();
        foreach (var note in notes)
        {
            if (!note.IsSignedBy(trusted))
                report.Add("a checkpoint", "is not signed by a key that you trust");
            else if (Checkpoint.Parse(note.Text) is not { } checkpoint || checkpoint.Origin != Checkpoint.OriginOf(organization))
                report.Add("a checkpoint", "is none of this log");
            else
                signed.Add(checkpoint);
        }
        if (checkpoints is not null && notes.Length == 0)
            throw new CommandException($"There is no checkpoint in {checkpoints}.");

        if (id.Length > 0)
            await RecordAsync(context, report, signed, id);
        else
        {
            await FollowAsync(store);
            var check = await new StoreCheck(store, organization).RunAsync(signed);
            Show(
                context, [.. report.Findings, .. check.Findings], report.Count + check.Count,
                new { check.Leaves, check.Erased, check.ContentsErased, check.Checkpoints },
                $"{check.Leaves} records are as {check.Checkpoints} checkpoints say; {check.Erased} of them were erased, and the content of {check.ContentsErased}, as tombstones say.");
        }
    }

    // What a command has erased, or a restored store anew, is named by tombstones that are no leaf before somebody follows the log.
    private static async Task FollowAsync(Store store)
    {
        try
        {
            await store.Projector.FollowAsync(CancellationToken.None);
        }
        catch (StoreException e)
        {
            await Console.Error.WriteLineAsync($"The newest records are not checked. {e.Message}");
        }
    }

    private static async Task RecordAsync(CommandContext context, CheckReport report, List<Checkpoint> signed, string id)
    {
        var installation = await context.OpenAsync();
        var (store, organization) = (installation.Store, installation.Organization.Id);
        var records = await store.Tree.RecordsOfAsync(organization, LogCommands.IdOf(id));
        if (records.Length == 0)
            throw new CommandException($"There is no record of {id} here.");
        var proven = 0;
        foreach (var checkpoint in signed.OrderByDescending(c => c.Size).Take(1))
        {
            var proofs = await new Prover(store).ProveAsync(organization, LogCommands.IdOf(id), checkpoint.Size);
            foreach (var proof in proofs.Where(p => !p.IsIn(checkpoint)))
                report.Add($"record {proof.Leaf} ({proof.Kind} {id})", "is not as it was signed, or stands in another's place");
            proven = proofs.Length;
        }
        if (proven < records.Length)
            report.Add(id, $"{records.Length - proven} of its {records.Length} records are newer than the checkpoints: make one (demarc log checkpoint), and check against that");
        Show(context, report.Findings, report.Count, new { Records = proven }, $"{proven} records of {id} are as they were signed.");
    }

    /// <exception cref="CommandException">No file is given, or it has no key.</exception>
    private static async Task<NoteKey[]> KeysAsync(string? file)
    {
        if (file is null)
            throw new CommandException("Whose signature is it? Pass --keys FILE with the public keys that you have from elsewhere.");
        var keys = (await File.ReadAllLinesAsync(file)).Select(NoteKey.Parse).OfType<NoteKey>().ToArray();
        return keys.Length > 0 ? keys : throw new CommandException($"There is no public key in {file}: demarc log keys prints them.");
    }

    private static void Show(CommandContext context, IReadOnlyCollection<CheckFinding> findings, long count, object found, string holds)
    {
        if (context.Output.IsJson)
            context.Output.One(new { Holds = count == 0, Found = found, Problems = findings, Count = count });
        if (count > 0)
        {
            if (!context.Output.IsJson)
            {
                foreach (var finding in findings)
                    Console.Error.WriteLine($"{finding.Place}: {finding.Problem}.");
            }
            throw new CommandException($"{count} {(count == 1 ? "problem" : "problems")}: the records are not as they were signed.");
        }
        if (!context.Output.IsJson)
            Console.WriteLine(holds);
    }
}
