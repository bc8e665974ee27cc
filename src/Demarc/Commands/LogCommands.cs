using System.CommandLine;
using System.Text;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Governance.Identity;

namespace Demarc.Commands;

/// <summary><c>demarc log</c>: what proves the records to others.</summary>
internal static class LogCommands
{
    public static Command Create() => new("log", "Checkpoints and proofs of the log of records, and the key that signs them") { ShowCheckpoint(), Keys(), Prove(), Rotate() };

    /// <summary>The request or event of an id.</summary>
    public static Guid IdOf(string id) =>
        Ids.TryParse(Ids.Request, id, out var request) || Ids.TryParse(Ids.Activity, id, out request) ? request
        : throw new CommandException($"{id} is neither a request ({Ids.Request}…) nor an activity ({Ids.Activity}…).");

    private static Command ShowCheckpoint() => new Command("checkpoint", "Print a signed checkpoint of the log as it is now: keep it where nobody who runs the store can change it").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        Console.Write(await new LogSigner(installation.Store, installation.Master).CheckpointAsync(installation.Organization.Id));
    });

    private static Command Keys() => new Command("keys", "Print the public keys that sign checkpoints, oldest first").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        using var current = await new LogSigner(installation.Store, installation.Master).CurrentKeyAsync(installation.Organization.Id);
        foreach (var key in await installation.Store.Checkpoints.KeysAsync(installation.Organization.Id))
            Console.WriteLine(key.PublicKey);
    });

    private static Command Prove()
    {
        var id = new Argument<string>("ID") { Description = "A request (req_…) or an activity (activity_…)" };
        var against = new Option<string?>("--checkpoint") { Description = "A file with the checkpoint to prove against; default one of now" };
        return new Command("prove", "Print a proof that all records of a request or activity are in the log, for demarc verify --proof") { id, against }.Runs(async context =>
        {
            var installation = await context.OpenAsync();
            var (store, organization) = (installation.Store, installation.Organization.Id);
            var note = context.Get(against) is { } file
                ? SignedNote.ParseAll(await File.ReadAllTextAsync(file)).LastOrDefault() ?? throw new CommandException($"There is no checkpoint in {file}.")
                : await new LogSigner(store, installation.Master).CheckpointAsync(organization);
            var checkpoint = Checkpoint.Parse(note.Text) ?? throw new CommandException("The note is no checkpoint.");
            var records = await new Prover(store).ProveAsync(organization, IdOf(context.Get(id)), checkpoint.Size);
            if (records.Length == 0)
                throw new CommandException($"The log of that checkpoint has no record of {context.Get(id)}: it came later, or is not of this store.");
            var keys = await store.Checkpoints.KeysAsync(organization);
            Console.WriteLine(Encoding.UTF8.GetString(new ProofFile
            {
                Format = ProofFile.CurrentFormat,
                Checkpoint = note.ToString(),
                Keys = [.. keys.Select(k => k.PublicKey)],
                Endorsements = [.. keys.Select(k => k.Endorsement).OfType<string>()],
                Records = records,
            }.ToJson()));
        });
    }

    private static Command Rotate() => new Command("rotate-key", "Sign with a new key from now on; what the old one signed still verifies").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        var key = await new LogSigner(installation.Store, installation.Master).RotateAsync(installation.Organization.Id, context.Actor);
        context.Output.Done(new { PublicKey = key.ToString() }, $"Checkpoints and receipts are signed with a new key:\n{key}");
    });
}
