using System.Text.Json;

namespace Demarc.Storage.Projections;

/// <summary>Turns that were counted already: the recent ones from memory, others from the store.</summary>
internal sealed class SeenTurns(Store store)
{
    /// <summary>Beyond this all are forgotten, and asked of the store.</summary>
    private const int Capacity = 50_000;

    private readonly HashSet<string> _recent = [];

    /// <summary>Those of the ids that were seen.</summary>
    public async Task<HashSet<string>> AmongAsync(IEnumerable<string> ids)
    {
        var seen = new HashSet<string>();
        var unsure = new List<string>();
        foreach (var id in ids)
        {
            if (_recent.Contains(id))
                seen.Add(id);
            else
                unsure.Add(id);
        }
        if (unsure.Count > 0)
            seen.UnionWith(await store.QueryAsync<string>(
                $"SELECT id FROM turns WHERE id IN {store.TextsOfJson("unsure")}", new { unsure = JsonSerializer.Serialize(unsure) }).ConfigureAwait(false));
        return seen;
    }

    /// <summary>Remembers those of a batch that is written.</summary>
    public void Keep(IEnumerable<string> ids)
    {
        if (_recent.Count > Capacity)
            _recent.Clear();
        _recent.UnionWith(ids);
    }

    public void Clear() => _recent.Clear();
}
