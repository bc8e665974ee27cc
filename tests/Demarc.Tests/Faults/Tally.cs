using System.Buffers.Binary;
using System.Text;
using System.Text.RegularExpressions;
using Demarc.Governance.Identity;
using Demarc.Simulator;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>
/// Counts for every request that was answered how often the provider was asked it (by the simulator's own log), and how often it was begun,
/// finished, settled and put into the Merkle log: once each, or it is lost or doubled.
/// </summary>
internal sealed partial record Tally(int Asked, int Answered, int Refused, int Broken, int Lost, int Doubled)
{
    public static async Task<Tally> OfAsync(StorePlace store, SimulatorHost simulator, Callers callers)
    {
        var asked = simulator.Log.Read().Select(r => Said().Match(Encoding.UTF8.GetString(r.Body)).Value).Where(s => s.Length > 0).GroupBy(s => s).ToDictionary(g => g.Key, g => g.Count());
        var records = (await store.QueryAsync<Row>("SELECT request_id AS Id, kind AS Kind, sequence AS Sequence FROM records WHERE kind IN (1, 3)")).ToLookup(r => new Guid(r.Id, bigEndian: true));
        var settled = (await store.QueryAsync<Line>("SELECT request_id AS Id, output_tokens AS Tokens FROM ledger WHERE incomplete = 0")).ToLookup(r => new Guid(r.Id, bigEndian: true));
        var leaves = (await store.QueryAsync<byte[]>("SELECT sequences FROM leaf_bundles")).SelectMany(Sequences).GroupBy(s => s).ToDictionary(g => g.Key, g => g.Count());
        var (lost, doubled) = (0, 0);
        foreach (var (said, id) in callers.Answered)
        {
            Assert.True(Ids.TryParse(Ids.Request, id, out var request), id);
            var rows = records[request].ToArray();
            int[] counts =
            [
                asked.GetValueOrDefault(said), rows.Count(r => r.Kind == 1), rows.Count(r => r.Kind == 3), settled[request].Count(l => l.Tokens > 0), .. rows.Select(r => leaves.GetValueOrDefault(r.Sequence)),
            ];
            lost += counts.Any(c => c == 0) ? 1 : 0;
            doubled += counts.Any(c => c > 1) ? 1 : 0;
        }
        return new Tally(asked.Values.Sum(), callers.Answered.Count, callers.Refused, callers.Broken, lost, doubled);
    }

    private static IEnumerable<long> Sequences(byte[] bundle) => bundle.Chunk(8).Select(b => BinaryPrimitives.ReadInt64BigEndian(b));

    [GeneratedRegex("caller [0-9]+ asks [0-9]+")]
    private static partial Regex Said();

    private sealed record Row
    {
        public required byte[] Id { get; init; }

        public required long Kind { get; init; }

        public required long Sequence { get; init; }
    }

    private sealed record Line
    {
        public required byte[] Id { get; init; }

        public required long Tokens { get; init; }
    }
}
