using Demarc.Governance.Evidence;
using Demarc.Storage.Projections;

namespace Demarc.Storage.Evidence;

/// <summary>How far one destination of exports has come.</summary>
public sealed record ExportCursor
{
    public required string Name { get; init; }

    /// <summary>The last activity that it has taken, or that was not for it; 0 for none.</summary>
    public required long Position { get; init; }

    /// <summary>Raised by whoever takes the lead or moves the cursor by hand: an older one moves it no more.</summary>
    public required long Epoch { get; init; }

    /// <summary>How many activities it has taken, repeats included.</summary>
    public required long Exported { get; init; }

    /// <summary>When it last took some, Unix milliseconds; null for never.</summary>
    public long? SentAt { get; init; }

    /// <summary>How many times in a row it has failed.</summary>
    public required long Failures { get; init; }

    /// <summary>Why it failed last; null once it has taken what is sent.</summary>
    public string? Problem { get; init; }
}

/// <summary>What a destination has not taken yet.</summary>
/// <param name="Activities">How many activities are behind its cursor, those that are not for it included.</param>
/// <param name="OldestAt">When the first of them happened, Unix milliseconds; null when there is none.</param>
public sealed record ExportLag(long Activities, long? OldestAt);

/// <summary>The cursors of exports, which one process at a time moves.</summary>
public sealed class ExportCursors
{
    private const string Columns = "name, position, epoch, exported, sent_at, failures, problem";

    private readonly Store _store;

    internal ExportCursors(Store store) => _store = store;

    /// <summary>Waits to become the one process that exports; disposing the result gives that up.</summary>
    /// <exception cref="StoreException">On SQLite, another process exports from the file.</exception>
    public Task<Lead> LeadAsync(CancellationToken stop) => _store.LeadAsync(Leadership.Exports, stop);

    /// <summary>How far the activities go: all up to this position can be read.</summary>
    public async Task<long> EndAsync() => (await _store.FindAsync<Watermark>(Watermark.Select, new { name = "records" }).ConfigureAwait(false))!.Position;

    /// <summary>The position before the first activity of a time; 0 for the start.</summary>
    /// <param name="from">Unix milliseconds.</param>
    public async Task<long> PositionBeforeAsync(string organizationId, long from)
    {
        var last = await _store.FindAsync<long?>(
            "SELECT second FROM activity_seconds WHERE organization_id = @organizationId ORDER BY second DESC LIMIT 1", new { organizationId }).ConfigureAwait(false);
        // Nothing is that late yet: what comes next is.
        if (last < from / 1000)
            return await EndAsync().ConfigureAwait(false);
        return Math.Max(0, (await _store.FindAsync<long?>(
            "SELECT position FROM activity_seconds WHERE organization_id = @organizationId AND second <= @second ORDER BY second DESC LIMIT 1",
            new { organizationId, second = from / 1000 }).ConfigureAwait(false) ?? 0) - 1);
    }

    /// <summary>Takes a cursor over from whoever moved it before; one that is new starts where it is told.</summary>
    public Task<ExportCursor> TakeAsync(string organizationId, string name, long start) =>
        _store.WriteDerivedAsync(async transaction => (await transaction.FindAsync<ExportCursor>(
            $"""
            INSERT INTO export_cursors (organization_id, name, position, epoch, exported, failures) VALUES (@organizationId, @name, @start, 1, 0, 0)
            ON CONFLICT (organization_id, name) DO UPDATE SET epoch = export_cursors.epoch + 1
            RETURNING {Columns}
            """,
            new { organizationId, name, start }).ConfigureAwait(false))!);

    /// <summary>Moves a cursor on from where it is; false when somebody else has moved it, and nothing is changed.</summary>
    public async Task<bool> MoveAsync(string organizationId, ExportCursor from, ExportCursor to) =>
        await _store.WriteDerivedAsync(transaction => transaction.ExecuteAsync(
            """
            UPDATE export_cursors SET position = @Position, exported = @Exported, sent_at = @SentAt, failures = @Failures, problem = @Problem
            WHERE organization_id = @organizationId AND name = @Name AND position = @before AND epoch = @Epoch
            """,
            new { organizationId, from.Name, from.Epoch, before = from.Position, to.Position, to.Exported, to.SentAt, to.Failures, to.Problem })).ConfigureAwait(false) > 0;

    /// <summary>Whether a cursor is still where it is said to be.</summary>
    public async Task<bool> HoldsAsync(string organizationId, ExportCursor cursor) =>
        await _store.FindAsync<long>(
            "SELECT count(*) FROM export_cursors WHERE organization_id = @organizationId AND name = @Name AND position = @Position AND epoch = @Epoch",
            new { organizationId, cursor.Name, cursor.Position, cursor.Epoch }).ConfigureAwait(false) > 0;

    /// <summary>Moves a cursor by hand, from whoever exports now too; on record. The position before; null where there is no such cursor.</summary>
    public async Task<long?> RewindAsync(string organizationId, string name, long position, ActorRecord actor)
    {
        var before = await _store.FindAsync<long?>(
            "SELECT position FROM export_cursors WHERE organization_id = @organizationId AND name = @name", new { organizationId, name }).ConfigureAwait(false);
        if (before is null)
            return null;
        // Before it moves: what is derived is another file, and nothing moves without a record.
        await _store.RecordAsync(organizationId, actor, "demarc_export_rewound", new()
        {
            ["destination"] = name,
            ["previous_position"] = before.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
            ["position"] = position.ToString(System.Globalization.CultureInfo.InvariantCulture),
        }).ConfigureAwait(false);
        await _store.WriteDerivedAsync(transaction => transaction.ExecuteAsync(
            "UPDATE export_cursors SET position = @position, epoch = epoch + 1, failures = 0, problem = NULL WHERE organization_id = @organizationId AND name = @name",
            new { organizationId, name, position })).ConfigureAwait(false);
        return before;
    }

    public Task<ExportCursor[]> ListAsync(string organizationId) =>
        _store.QueryAsync<ExportCursor>($"SELECT {Columns} FROM export_cursors WHERE organization_id = @organizationId ORDER BY name", new { organizationId });

    public async Task<ExportLag> LagAsync(string organizationId, ExportCursor cursor)
    {
        var oldest = await _store.FindAsync<long?>(
            "SELECT at FROM activities WHERE organization_id = @organizationId AND position > @Position ORDER BY position LIMIT 1",
            new { organizationId, cursor.Position }).ConfigureAwait(false);
        return new ExportLag(Math.Max(0, await EndAsync().ConfigureAwait(false) - cursor.Position), oldest);
    }
}
