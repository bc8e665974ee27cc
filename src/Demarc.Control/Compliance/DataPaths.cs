using System.Collections.Concurrent;
using System.Text.Json;
using Demarc.Storage;

namespace Demarc.Control.Compliance;

/// <summary>Data paths as activities show them: each hop with the facts that are known of it, without their sources.</summary>
public sealed class DataPaths(Store store)
{
    // A kilobyte each; past the bound the cache starts over.
    private const int MostKept = 4000;

    private readonly ConcurrentDictionary<string, byte[]> _kept = new(StringComparer.Ordinal);

    /// <summary>By id, <c>{"edge":{"operator":"microsoft",…},…}</c>; without those that are not on record.</summary>
    public async Task<IReadOnlyDictionary<string, byte[]>> OfAsync(string organizationId, IEnumerable<string> ids)
    {
        // An id is a hash of what it names: it means the same whoever asks.
        var paths = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        var missing = new List<string>();
        foreach (var id in ids)
        {
            if (_kept.TryGetValue(id, out var known))
                paths[id] = known;
            else
                missing.Add(id);
        }
        if (missing.Count == 0)
            return paths;
        if (_kept.Count >= MostKept)
            _kept.Clear();
        foreach (var boundary in await store.Boundaries.FindAsync(organizationId, missing))
            paths[boundary.Id] = _kept[boundary.Id] = Short(boundary.Document);
        return paths;
    }

    private static byte[] Short(byte[] document)
    {
        using var read = JsonDocument.Parse(document);
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, ActivityJson.Options))
        {
            json.WriteStartObject();
            foreach (var hop in read.RootElement.GetProperty("hops").EnumerateArray())
            {
                json.WriteStartObject(hop.GetProperty("hop").GetString()!);
                foreach (var fact in hop.GetProperty("facts").EnumerateArray())
                {
                    if (fact.GetProperty("status").GetString() != "unknown")
                        json.WriteString(fact.GetProperty("fact").GetString()!, fact.GetProperty("value").GetString());
                }
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        return output.ToArray();
    }
}
