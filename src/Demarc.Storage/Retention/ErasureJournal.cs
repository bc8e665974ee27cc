using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Retention;

/// <summary>What came of an erasure.</summary>
/// <param name="Sessions">Sessions that are gone as a whole.</param>
/// <param name="Requests">Requests whose content is gone.</param>
/// <param name="Keys">Content keys that were destroyed.</param>
/// <param name="Records">Records of the log that were erased.</param>
public sealed record Erased(long Sessions = 0, long Requests = 0, long Keys = 0, long Records = 0)
{
    public static Erased operator +(Erased a, Erased b) => new(a.Sessions + b.Sessions, a.Requests + b.Requests, a.Keys + b.Keys, a.Records + b.Records);
}

/// <summary>
/// Erases, and remembers it in a file apart from the store: when a backup from before an erasure is restored, the entry is in
/// the file and not in the store, and is erased again before anything is served. The store has all entries too, so
/// that every replica's file has those of the others after its next start.
/// </summary>
/// <param name="path">The file, a line an entry; made when it is not there.</param>
public sealed class ErasureJournal(Store store, string path)
{
    public const string IdPrefix = "erasure_";

    /// <summary>Makes an entry; nothing is erased yet.</summary>
    public ErasureEntry New(string organizationId, string reason) => new()
    {
        Id = Ids.New(IdPrefix, store.Time),
        OrganizationId = organizationId,
        At = store.Now,
        Reason = reason,
    };

    /// <summary>Writes the entry down, and then erases what it names: interrupted, it is taken up again at the next start.</summary>
    public async Task<Erased> EraseAsync(ErasureEntry entry, ActorRecord actor)
    {
        Append([entry.Line]);
        return await ApplyAsync(entry, actor).ConfigureAwait(false);
    }

    /// <summary>Erases again what the file has and the store does not know; how many entries. Run before anything is served.</summary>
    public async Task<int> ReplayAsync(ActorRecord actor)
    {
        var known = await store.QueryKeysAsync<Row>($"SELECT id, entry FROM {store.KeyTable("erasures")} ORDER BY id").ConfigureAwait(false);
        var written = File.Exists(path) ? File.ReadLines(path).Select(ErasureEntry.Parse).OfType<ErasureEntry>().ToArray() : [];
        var ids = written.Select(e => e.Id).ToHashSet();
        Append([.. known.Where(row => !ids.Contains(row.Id)).Select(row => row.Entry)]);
        ids = [.. known.Select(row => row.Id)];
        var missing = Array.FindAll(written, e => !ids.Contains(e.Id));
        // What is derived says which requests a session has, and which leaf a record is.
        if (missing.Length > 0)
            await store.Projector.FollowAsync(CancellationToken.None).ConfigureAwait(false);
        foreach (var entry in missing)
            await ApplyAsync(entry, actor).ConfigureAwait(false);
        return missing.Length;
    }

    private async Task<Erased> ApplyAsync(ErasureEntry entry, ActorRecord actor)
    {
        var erased = await store.ContentErasure.RunAsync(entry, actor).ConfigureAwait(false);
        erased += await store.RecordErasure.RunAsync(entry, actor).ConfigureAwait(false);
        await store.PersonErasure.RunAsync(entry, actor).ConfigureAwait(false);
        await store.CutAsync().ConfigureAwait(false);
        // Last: what was interrupted before this is no entry of the store, and is done again.
        await store.WriteKeysAsync(transaction => transaction.ExecuteAsync(
            $"INSERT INTO {store.KeyTable("erasures")} (organization_id, id, at, entry) VALUES (@OrganizationId, @Id, @At, @Line) ON CONFLICT DO NOTHING",
            new { entry.OrganizationId, entry.Id, entry.At, entry.Line })).ConfigureAwait(false);
        return erased;
    }

    private void Append(string[] lines)
    {
        if (lines.Length == 0)
            return;
        System.IO.Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        var options = new FileStreamOptions { Mode = FileMode.Append, Access = FileAccess.Write, Share = FileShare.ReadWrite, BufferSize = 0 };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        // One write: the command line may append beside a serving process. It begins a line of its own, as a crash may have left half of one.
        file.Write(Encoding.UTF8.GetBytes("\n" + string.Join('\n', lines) + "\n"));
        file.Flush(flushToDisk: true);
    }

    private sealed record Row(string Id, string Entry);
}
