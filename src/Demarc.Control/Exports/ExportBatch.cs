using Demarc.Control.Compliance;
using Demarc.Storage;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Exports;

/// <summary>Activities that go out together, in the log's order.</summary>
/// <param name="End">The position that they lead to; behind the last of them where what follows is not for the destination.</param>
internal sealed record ExportBatch(ExportedActivity[] Activities, long End)
{
    private const int MaxRead = 500;

    // Whatever is not for a destination is passed over in strides: a cursor need not move for each.
    private const int Stride = 1000;

    /// <summary>What follows a cursor; null while there is nothing to send or to pass over.</summary>
    public static Task<ExportBatch?> NextAsync(Store store, DataPaths paths, string organizationId, ExportDestination destination, long after) =>
        ReadAsync(store, paths, organizationId, destination, after, MaxRead);

    /// <param name="max">At most so many activities.</param>
    public static async Task<ExportBatch?> ReadAsync(Store store, DataPaths paths, string organizationId, ExportDestination destination, long after, int max)
    {
        // Before the activities: what comes between both reads is behind it.
        var end = await store.Exports.EndAsync();
        if (end <= after)
            return null;
        var page = await store.Activities.ListAsync(new ActivitiesQuery
        {
            OrganizationId = organizationId,
            Types = destination.Types,
            ExcludedTypes = destination.ExcludedTypes,
            Before = after,
            Limit = max,
        });
        if (page.Data.Length == 0)
            return end - after < Stride ? null : new ExportBatch([], end);
        var reads = page.Data.Select(a => ActivityJson.Of(a).Boundary).OfType<string>().Distinct();
        var known = await paths.OfAsync(organizationId, reads);
        var activities = page.Data.Reverse().Select(a => new ExportedActivity(organizationId, a, known)).ToArray();
        return new ExportBatch(activities, activities[^1].Position);
    }

    /// <summary>The same activities in parts whose texts come to at most so many bytes, in order; one that is larger goes alone.</summary>
    public IEnumerable<ExportedActivity[]> Parts(int maxBytes, Func<ExportedActivity, int> size)
    {
        var part = new List<ExportedActivity>();
        var bytes = 0;
        foreach (var activity in Activities)
        {
            var own = size(activity);
            if (part.Count > 0 && bytes + own > maxBytes)
            {
                yield return [.. part];
                part.Clear();
                bytes = 0;
            }
            part.Add(activity);
            bytes += own;
        }
        if (part.Count > 0)
            yield return [.. part];
    }
}
