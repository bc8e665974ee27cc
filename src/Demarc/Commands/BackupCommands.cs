using System.CommandLine;
using System.Diagnostics;
using System.Globalization;
using Demarc.Control.Backups;
using Demarc.Control.Configuration;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;

namespace Demarc.Commands;

/// <summary><c>demarc backup</c> and <c>demarc restore</c>, of the embedded store.</summary>
internal static class BackupCommands
{
    public static Command CreateBackup()
    {
        var directory = new Argument<string>("DIR") { Description = "Where to write it; empty, or not there yet" };
        var keys = KeysOption("Where to write the keys, apart from the rest; default DIR/keys");
        return new Command("backup", "Copy the embedded store, captured content and keys, while the gateway serves") { directory, keys }.Runs(async context =>
        {
            var backup = Of(context);
            var installation = await context.OpenAsync();
            var (store, organization) = (installation.Store, installation.Organization.Id);
            var started = Stopwatch.GetTimestamp();
            var checkpoint = await new LogSigner(store, installation.Master).CheckpointAsync(organization);
            var target = context.Get(directory);
            var manifest = Try(() => backup.Make(target, context.Get(keys) ?? Path.Combine(target, "keys"), organization, checkpoint.ToString(), context.Time));
            var bytes = manifest.Files.Concat(manifest.Keys).Sum(f => f.Bytes);
            await store.RecordAsync(organization, context.Actor, "demarc_backup_made", new()
            {
                ["files"] = Number(manifest.Files.Length + manifest.Keys.Length),
                ["bytes"] = Number(bytes),
                ["size"] = Number(Checkpoint.Parse(checkpoint.Text)!.Size),
            });
            context.Output.Done(
                new { Directory = Path.GetFullPath(target), Files = manifest.Files.Length + manifest.Keys.Length, Bytes = bytes, Seconds = Seconds(started) },
                $"{manifest.Files.Length + manifest.Keys.Length} files, {bytes:N0} bytes, are in {target} ({Seconds(started)} s). The keys open what was said: keep them apart.");
        });
    }

    public static Command CreateRestore()
    {
        var directory = new Argument<string>("DIR") { Description = "A backup" };
        var keys = KeysOption("Where its keys are; default DIR/keys");
        return new Command("restore", "Put a backup where the configuration has its store, which is not there") { directory, keys }.Runs(async context =>
        {
            var backup = Of(context);
            var started = Stopwatch.GetTimestamp();
            var source = context.Get(directory);
            var manifest = Try(() => backup.Restore(source, context.Get(keys) ?? Path.Combine(source, "keys")));
            var installation = await context.OpenAsync();
            var store = installation.Store;
            var checkpoint = SignedNote.Parse(manifest.Checkpoint) is { } note ? Checkpoint.Parse(note.Text) : null;
            // The log that was restored has to lead to what was signed when the backup was made.
            if (checkpoint is null || !(await store.Tree.RootAsync(manifest.OrganizationId, checkpoint.Size)).AsSpan().SequenceEqual(checkpoint.Root))
                throw new CommandException("The restored log does not lead to the checkpoint that was signed with the backup: demarc verify names the records. Do not serve from it.");
            await store.RecordAsync(installation.Organization.Id, context.Actor, "demarc_backup_restored", new() { ["made_at"] = manifest.MadeAt, ["size"] = Number(checkpoint.Size) });
            context.Output.Done(
                new { manifest.MadeAt, Records = checkpoint.Size, Seconds = Seconds(started) },
                $"The store of {manifest.MadeAt} is restored, with {checkpoint.Size:N0} records, and leads to its checkpoint ({Seconds(started)} s). demarc verify checks every record.");
        });
    }

    private static Option<string?> KeysOption(string description) => new("--keys") { Description = description };

    private static Backup Of(CommandContext context)
    {
        var config = context.Files.Config;
        var store = config.Store as SqliteStoreConfig
            ?? throw new CommandException("The store is PostgreSQL: back it up with its own tools (pg_dump, or your platform's), keys schema apart; see docs/operate.md.");
        return new Backup(store.Path, config.ContentDirectory, config.MasterKey is null ? Path.Combine(context.Files.DataDirectory, "master.key") : null);
    }

    private static BackupManifest Try(Func<BackupManifest> run)
    {
        try
        {
            return run();
        }
        catch (BackupException e)
        {
            throw new CommandException(e.Message);
        }
    }

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static double Seconds(long started) => Math.Round(Stopwatch.GetElapsedTime(started).TotalSeconds, 1);
}
