using System.CommandLine;
using System.Security.Cryptography;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence.Merkle;

namespace Demarc.Commands;

/// <summary><c>demarc export audit</c>.</summary>
internal static class AuditExportCommand
{
    private const int DefaultSample = 25;

    public static Command Create()
    {
        var directory = new Argument<string>("DIR") { Description = "Where to write the bundle; empty, or not there yet" };
        var from = new Option<string>("--from") { Description = "The first day, UTC, such as 2026-07-01", Required = true };
        var to = new Option<string>("--to") { Description = "The last day, UTC, included", Required = true };
        var seed = new Option<string?>("--seed") { Description = "What the sample of requests follows from: a word that the auditor chose; default one drawn now" };
        var sample = new Option<int>("--sample") { Description = "How many requests the sample has", DefaultValueFactory = _ => DefaultSample };
        var older = new Option<string?>("--checkpoint") { Description = "A file of checkpoints that the auditor kept: the bundle leads to those too" };
        return new Command("audit", "Write an auditor's bundle: records, proofs, checkpoints, keys, members and a statement of completeness") { directory, from, to, seed, sample, older }.Runs(async context =>
        {
            var (first, last) = (SpendCommands.ReadDay("--from", context.Get(from)!), SpendCommands.ReadDay("--to", context.Get(to)!));
            if (last < first)
                throw new CommandException("--to is before --from.");
            var installation = await context.OpenAsync();
            var checkpoints = context.Get(older) is { } file
                ? SignedNote.ParseAll(await File.ReadAllTextAsync(file)).Select(n => Checkpoint.Parse(n.Text)).OfType<Checkpoint>().ToArray()
                : [];
            var export = new AuditExport(
                installation.Store, new LogSigner(installation.Store, installation.Master), installation.Organization, context.Get(directory), context.Time);
            var records = await export.WriteAsync(
                new AuditRequest(first, last, context.Get(seed) ?? Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8)), Math.Max(0, context.Get(sample)), checkpoints), context.Actor);
            context.Output.Done(
                new { Directory = Path.GetFullPath(context.Get(directory)), Records = records },
                $"{records} records are in {context.Get(directory)}. Check them: demarc verify --export {context.Get(directory)} --keys KEYS; or without Demarc, as docs/verify.md says.");
        });
    }
}
