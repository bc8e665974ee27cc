using Demarc.Control.Compliance;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Exports;

/// <summary>
/// Follows the activities for one destination: a batch at a time, in the log's order, the cursor moving only behind what it
/// has taken.
/// </summary>
internal sealed partial class ExportPipe(Store store, string organizationId, ExportDestination destination, ExportSender sender, DataPaths paths, ILogger log)
{
    private static readonly TimeSpan Idle = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FirstWait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(5);

    // The destination's moods are not worth a record; that it stays away is.
    private const int FailuresOnRecord = 3;

    private readonly ActorRecord _actor = new("system", store.Replica);
    private ExportCursor? _cursor;
    private bool _isOnRecord;

    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            TimeSpan wait;
            try
            {
                wait = await StepAsync(stop) ? TimeSpan.Zero : Idle;
            }
            catch (Exception) when (stop.IsCancellationRequested)
            {
                // Whatever broke, it is the stopping that broke it.
                return;
            }
            catch (ExportException e)
            {
                wait = await FailedAsync(e);
            }
            catch (Exception e)
            {
                // The store, most likely: where the cursor is has to be asked again.
                _cursor = null;
                wait = Idle;
                LogBroken(e, destination.Name);
            }
            // Activities are written by whichever replica leads, and nothing tells this one; after a failure the destination needs
            // time. Stopping ends the wait and is no failure.
            if (wait > TimeSpan.Zero)
                await Task.Delay(wait, store.Time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // True while there is more to do.
    private async Task<bool> StepAsync(CancellationToken stop)
    {
        var cursor = _cursor ??= await StartAsync();
        var batch = sender is Archive
            ? await HourAsync(cursor.Position)
            : await ExportBatch.NextAsync(store, paths, organizationId, destination, cursor.Position);
        if (batch is null)
        {
            // Somebody may have set the cursor back meanwhile.
            if (!await store.Exports.HoldsAsync(organizationId, cursor))
                _cursor = null;
            return _cursor is null;
        }
        if (sender is Archive)
        {
            if (batch.Activities.Length > 0)
                await sender.SendAsync(batch.Activities, stop);
            await MoveAsync(cursor, batch.End, batch.Activities.Length);
            return true;
        }
        // The cursor follows each part: what is large is not sent again from its start.
        foreach (var part in batch.Parts(ExportSender.MaxRequest, a => a.Json.Length + 512))
        {
            await sender.SendAsync(part, stop);
            if (await MoveAsync(cursor, part[^1].Position, part.Length) is not { } moved)
                return true;
            cursor = moved;
        }
        if (cursor.Position < batch.End)
            await MoveAsync(cursor, batch.End, 0);
        return true;
    }

    private async Task<ExportCursor> StartAsync()
    {
        var start = destination.From is { } from ? await store.Exports.PositionBeforeAsync(organizationId, from) : 0;
        var cursor = await store.Exports.TakeAsync(organizationId, destination.Name, start);
        if (!_isOnRecord)
            await RecordAsync("demarc_export_started", cursor, null);
        _isOnRecord = true;
        return cursor;
    }

    /// <summary>An object's activities: of one hour, and either as many as one holds or all that the hour has.</summary>
    private async Task<ExportBatch?> HourAsync(long after)
    {
        // One of its own first: what is not for this destination has hours of its own, and those of a clock that was ahead are long.
        var next = await ExportBatch.ReadAsync(store, paths, organizationId, destination, after, 1);
        if (next is not { Activities: [var first] })
            return next;
        // What is passed over counts no more for what is waited for.
        if (first.Position - 1 > after)
            return new ExportBatch([], first.Position - 1);
        var hour = Archive.HourOf(first.At);
        var isOver = store.Time.GetUtcNow().ToUnixTimeMilliseconds() >= Archive.EndOf(hour);
        if (!isOver && (await store.Exports.LagAsync(organizationId, _cursor!)).Activities < Archive.MaxActivities)
            return null;
        if (await ExportBatch.ReadAsync(store, paths, organizationId, destination, after, Archive.MaxActivities) is not { Activities.Length: > 0 } read)
            return null;
        var own = read.Activities.TakeWhile(a => Archive.HourOf(a.At) == hour).ToArray();
        var isWhole = isOver || own.Length < read.Activities.Length || own.Length == Archive.MaxActivities;
        return isWhole ? new ExportBatch(own, own[^1].Position) : null;
    }

    /// <summary>Null when somebody else has moved the cursor: it is asked for again.</summary>
    private async Task<ExportCursor?> MoveAsync(ExportCursor cursor, long position, int count)
    {
        var moved = cursor with
        {
            Position = position,
            Exported = cursor.Exported + count,
            SentAt = count > 0 ? store.Time.GetUtcNow().ToUnixTimeMilliseconds() : cursor.SentAt,
            Failures = count > 0 ? 0 : cursor.Failures,
            Problem = count > 0 ? null : cursor.Problem,
        };
        if (!await store.Exports.MoveAsync(organizationId, cursor, moved))
        {
            _cursor = null;
            return null;
        }
        _cursor = moved;
        if (count > 0 && cursor.Failures >= FailuresOnRecord)
            await RecordAsync("demarc_export_resumed", moved, null);
        return moved;
    }

    private async Task<TimeSpan> FailedAsync(ExportException e)
    {
        try
        {
            var cursor = _cursor!;
            var failed = cursor with { Failures = cursor.Failures + 1, Problem = e.Message };
            LogFailed(destination.Name, failed.Failures, e.Message);
            _cursor = await store.Exports.MoveAsync(organizationId, cursor, failed) ? failed : null;
            if (failed.Failures == FailuresOnRecord)
                await RecordAsync("demarc_export_failed", failed, e.Message);
            return e.RetryAfter ?? TimeSpan.FromTicks(Math.Min(FirstWait.Ticks << (int)Math.Min(failed.Failures - 1, 20), LongestWait.Ticks));
        }
        catch (Exception inner)
        {
            _cursor = null;
            LogBroken(inner, destination.Name);
            return Idle;
        }
    }

    private Task RecordAsync(string type, ExportCursor cursor, string? problem) => store.RecordAsync(organizationId, _actor, type, new()
    {
        ["destination"] = destination.Name,
        ["kind"] = destination.Kind,
        ["address"] = destination.Address,
        ["position"] = cursor.Position.ToString(System.Globalization.CultureInfo.InvariantCulture),
        ["problem"] = problem,
    });

    [LoggerMessage(2501, LogLevel.Warning, "Exports to {Destination} failed ({Failures} in a row): {Problem}")]
    private partial void LogFailed(string destination, long failures, string problem);

    [LoggerMessage(2502, LogLevel.Error, "Exports to {Destination} are interrupted; trying again")]
    private partial void LogBroken(Exception e, string destination);
}
