using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Demarc.Storage.Projections;

namespace Demarc.Bench.Activities;

/// <summary>
/// A year's activities of a thousand people: mostly requests, some reads, few changes, one rare type; the same each time. Log,
/// derived rows and evidence tree are written directly, in large transactions.
/// </summary>
internal sealed class Feed(Store store)
{
    public const string Organization = "org_0A1b2C3d4E5f6G7h8I9j0K";
    public const int People = 1000;
    public const string Rare = "demarc_boundary_mismatch";

    /// <summary>Once in so many rows.</summary>
    public const int RareEvery = 400_000;

    private const int AtOnce = 25_000;

    // Made again at the end: rows in the order of time are not in the order of these.
    private static readonly (string Name, string Columns)[] Indexes =
        [
            ("activities_type", "organization_id, type, position, begun, finished"), ("activities_actor", "organization_id, actor_id, position, type, begun, finished"),
            ("activities_request", "request_id"),
        ];

    private const long Year = 365L * 24 * 3600 * 1000;

    public static readonly DateTimeOffset First = new(2025, 11, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The types and how many of a thousand rows are of each.</summary>
    public static readonly (string Name, int Share)[] Types =
    [
        ("demarc_inference", 900), ("demarc_token_count", 40), ("compliance_api_accessed", 20), ("demarc_inference_refused", 15), ("demarc_sign_in_refreshed", 10),
        ("demarc_signed_in", 5), ("demarc_sign_in_ended", 3), ("demarc_alias_updated", 1), ("platform_api_key_created", 1), ("platform_api_key_updated", 1),
        ("group_member_added", 1), ("group_member_removed", 1), ("demarc_user_created", 1), ("demarc_spend_threshold_reached", 1),
    ];

    private static readonly BulkStatement Records = BulkStatement.Insert("records", "organization_id:t kind:i request_id:b at:i replica:t body:b");

    private readonly string[] _people = [.. Enumerable.Range(0, People).Select(Person)];
    private readonly byte[][] _bodies = new byte[Types.Length + 1][];
    private uint _seed = 2026;

    public static string Person(int number) => Ids.From(Ids.User, new Guid(number, 0, 7, [0x80, 0, 0, 0, 0, 0, 0, 1]));

    public async Task FillAsync(int rows)
    {
        for (var i = 0; i <= Types.Length; i++)
            _bodies[i] = Body(i < Types.Length ? Types[i].Name : Rare);
        var started = Stopwatch.GetTimestamp();
        var trees = new Leaves(store);
        foreach (var (name, _) in Indexes)
            await RunAsync($"DROP INDEX {name}");
        for (var position = 1; position <= rows; position += AtOnce)
        {
            await WriteAsync(trees, position, Math.Min(AtOnce, rows - position + 1), rows);
            Console.Error.Write($"\r{position + AtOnce - 1:N0} rows, {position / Stopwatch.GetElapsedTime(started).TotalSeconds:N0} a second ");
        }
        foreach (var (name, columns) in Indexes)
            await RunAsync($"CREATE INDEX {name} ON activities ({columns})");
        var all = rows.ToString(CultureInfo.InvariantCulture);
        await RunAsync($"UPDATE watermarks SET position = {all}, sequence = {all}, ordered_at = {First.ToUnixTimeMilliseconds() + Year} WHERE name = 'records'");
    }

    private Task<int> RunAsync(string sql) => store.WriteDerivedAsync(transaction => transaction.ExecuteAsync(sql));

    private async Task WriteAsync(Leaves trees, int first, int count, int rows)
    {
        var (log, derived, records, seconds) = (new List<object?[]>(count), new List<object?[]>(count), new List<LogRow>(count), new Dictionary<long, long>());
        for (var i = 0; i < count; i++)
        {
            var position = first + i;
            var at = First.ToUnixTimeMilliseconds() + (Year * position / rows);
            var type = position % RareEvery == 0 ? Types.Length : Type();
            var id = NewId(at).ToByteArray(bigEndian: true);
            log.Add([Organization, 4L, id, at, "replica_bench", _bodies[type]]);
            derived.Add([Organization, (long)position, id, type < Types.Length ? Types[type].Name : Rare, _people[Next(People)], null, at, type < 2 && position > 1 ? position - 1L : null, (long)position]);
            seconds.TryAdd(at / 1000, position);
            records.Add(new LogRow { Xact = 0, Sequence = position, OrganizationId = Organization, Kind = 4, RequestId = id, At = at, Body = _bodies[type], Captured = 0 });
        }
        await store.WriteAsync(async transaction =>
        {
            await transaction.ExecuteManyAsync(Records, log);
            return 0;
        });
        var leaves = await trees.OfAsync([.. records]);
        await store.WriteDerivedAsync(async transaction =>
        {
            await transaction.ExecuteManyAsync(Tables.Activities, derived);
            await transaction.ExecuteManyAsync(Tables.ActivitySeconds, [.. seconds.Select(s => new object?[] { Organization, s.Key, s.Value })]);
            return await leaves.WriteAsync(transaction);
        });
        trees.Keep(leaves);
    }

    private static byte[] Body(string type) => JsonSerializer.SerializeToUtf8Bytes(
        new EventRecord
        {
            Type = type,
            Actor = new ActorRecord("user", Person(1), "somebody@contoso.example", "apikey_0A1b2C3d4E5f6G7h8I9j0K", "inference", "192.0.2.17", "claude-cli/2.1.0 (external, cli)"),
            Fields = Enumerable.Range(0, 10).ToDictionary(i => $"field_{i}", i => (string?)new string('x', 40)),
        },
        RecordJson.Default.EventRecord);

    private int Type()
    {
        var at = Next(1000);
        for (var i = 0; i < Types.Length; i++)
        {
            if ((at -= Types[i].Share) < 0)
                return i;
        }
        return 0;
    }

    // Version 7, as requests have them: in the order of time.
    private Guid NewId(long at) => new((int)(at >> 16), (short)at, (short)(0x7000 | Next(0xfff)), [0x80, Byte(), Byte(), Byte(), Byte(), Byte(), Byte(), Byte()]);

    private byte Byte() => (byte)Next(256);

    private int Next(int below) => (int)(((_seed = (_seed * 1_664_525) + 1_013_904_223) >> 8) % below);
}
