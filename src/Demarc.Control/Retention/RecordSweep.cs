using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Storage;
using Demarc.Storage.Evidence.Merkle;
using Demarc.Storage.Retention;

namespace Demarc.Control.Retention;

/// <summary>Erases the records of the log before a day, in the log's order, with a tombstone for each batch.</summary>
internal sealed class RecordSweep(Store store)
{
    private const int AtOnce = 2000;

    // Who asked, by request: only the record of its beginning says so.
    private readonly Dictionary<Guid, string> _principals = [];

    public async Task RunAsync(RetentionSweep.Run run, DateOnly day, CancellationToken stop)
    {
        run.Report.ActivitiesBefore = day;
        var before = new DateTimeOffset(day, TimeOnly.MinValue, TimeSpan.Zero).ToUnixTimeMilliseconds();
        var mark = await store.RecordErasure.MarkAsync(run.OrganizationId);
        var (at, isWhole) = (mark, true);
        LoggedRecord[] next;
        while ((next = await store.RecordErasure.NextAsync(run.OrganizationId, at, AtOnce)).Length > 0)
        {
            await run.NextAsync(stop);
            var due = new List<long>();
            foreach (var record in next)
            {
                var stays = record.At >= before || (RecordErasure.IsErasable(record) && await IsHeldAsync(run, record));
                if (record.At < before && stays)
                    run.Report.RecordsHeld++;
                else if (record.At < before && RecordErasure.IsErasable(record))
                    due.Add(record.Sequence);
                // The mark stops before the first that is to be looked at again.
                isWhole &= !stays;
                if (isWhole)
                    mark = record.Sequence;
            }
            run.Report.Records += run.DryRun ? due.Count : await store.RecordErasure.EraseAsync(run.OrganizationId, due, run.Actor, "retention");
            if (!run.DryRun && mark > 0)
                await store.RecordErasure.MarkAsync(run.OrganizationId, mark);
            at = next[^1].Sequence;
            if (Array.TrueForAll(next, r => r.At >= before))
                return;
        }
    }

    private async Task<bool> IsHeldAsync(RetentionSweep.Run run, LoggedRecord record)
    {
        if (!run.Holds.Any)
            return false;
        var principal = await PrincipalAsync(run.OrganizationId, record);
        return run.Holds.On(principal, record.SessionId, record.At, record.At) is not null;
    }

    private async Task<string> PrincipalAsync(string organizationId, LoggedRecord record)
    {
        try
        {
            if (record.Kind == (long)RecordKind.Event)
                return JsonSerializer.Deserialize(record.Body, RecordJson.Default.EventRecord)!.Actor.Id;
            if (record.Kind == (long)RecordKind.Begun)
                return _principals[record.Id] = JsonSerializer.Deserialize(record.Body, RecordJson.Default.BegunRecord)!.Actor.Id;
        }
        catch (JsonException)
        {
            // It names nobody: only a hold on everything or on its session covers it.
            return "";
        }
        // What is begun ends once.
        return (_principals.Remove(record.Id, out var principal) ? principal : null)
            ?? (await store.Requests.FindAsync(organizationId, record.Id))?.Begun?.Actor.Id
            ?? (record.SessionId is { } id ? (await store.Sessions.GetAsync(organizationId, id))?.PrincipalId : null)
            ?? "";
    }
}
