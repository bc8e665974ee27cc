using System.Diagnostics;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Demarc.Storage.Projections;

namespace Demarc.Bench.Ledger;

/// <summary>
/// A year of settlements of a thousand people, written by the projector's own code: on working days, for some hours, about
/// a dozen calls an hour in a few turns, mostly to one model; the same each time.
/// </summary>
internal sealed class Year(Store store)
{
    public const string Organization = "org_0A1b2C3d4E5f6G7h8I9j0K";
    public const int Days = 365;

    private const int People = 1000;
    private const int CallsAnHour = 12;

    // More at once than the projector takes, which follows a second's worth: fewer, larger transactions fill faster.
    private const int AtOnce = 20_000;

    public static readonly DateTimeOffset First = new(2025, 11, 1, 0, 0, 0, TimeSpan.Zero);

    private static readonly string[] Models = ["claude-sonnet-4-6", "claude-opus-5", "claude-haiku-4-5-20251001", "claude-opus-4-8", "claude-sonnet-5"];

    private static readonly (string Name, string Platform)[] Resources = [("contoso-eastus2", "foundry"), ("bedrock-eu", "bedrock"), ("anthropic-main", "anthropic")];

    private readonly string[] _people = [.. Enumerable.Range(0, People).Select(p => Ids.From(Ids.User, new Guid(p, 0, 7, [0x80, 0, 0, 0, 0, 0, 0, 1])))];
    private readonly string[] _keys = [.. Enumerable.Range(0, People).Select(p => Ids.From(Ids.ApiKey, new Guid(p, 0, 7, [0x80, 0, 0, 0, 0, 0, 0, 2])))];
    private uint _seed = 2026;

    public async Task FillAsync(int rows)
    {
        var started = Stopwatch.GetTimestamp();
        var working = Enumerable.Range(0, Days).Where(d => First.AddDays(d).DayOfWeek is not (DayOfWeek.Saturday or DayOfWeek.Sunday)).ToArray();
        // People-hours that make up the rows, even over the working days.
        var hours = rows / CallsAnHour / working.Length;
        var (batch, written) = (new SpendRows(), 0);
        for (var day = 0; day < working.Length; day++)
        {
            for (var hour = 0; hour < hours; hour++)
            {
                // In the order of time: eight hours of the day, so many people in each.
                var at = First.AddDays(working[day]).AddHours(7 + (hour * 8 / hours));
                Add(batch, Next(People), at);
                written += CallsAnHour;
                if (written % AtOnce < CallsAnHour)
                    batch = await WriteAsync(batch, written, started);
            }
        }
        await WriteAsync(batch, written, started);
    }

    private void Add(SpendRows batch, int person, DateTimeOffset hour)
    {
        // Two of three calls to one's own model; a turn is four calls.
        var session = Ids.From(Ids.Session, NewId(hour));
        for (var call = 0; call < CallsAnHour; call++)
        {
            var at = hour.AddSeconds(call * 240).AddMilliseconds(Next(200_000));
            var model = Models[(Next(3) < 2 ? person : person + 1) % Models.Length];
            var resource = Resources[person % Resources.Length];
            var attempt = new AttemptRecord(1, resource.Name, model, model, resource.Platform, "anthropic", "global", null, 0);
            var begun = new BegunRecord
            {
                Id = "",
                Actor = new ActorRecord("user", _people[person], KeyId: _keys[person]),
                Surface = "claude_code",
                Dialect = "anthropic",
                Operation = "messages",
                PromptId = $"{hour.Ticks}-{person}-{call / 4}",
                ModelAsked = model,
                Plan = [],
                Attempt = attempt,
                Capture = "metadata",
                Splices = [],
                Receipt = new ReceiptRecord("", "", ""),
                Replica = "",
            };
            var id = NewId(at);
            var usage = new UsageRecord { InputTokens = Next(4000), OutputTokens = Next(2000), CacheRead = Next(80_000), CacheWrite5m = Next(3000) };
            var finished = new FinishedRecord { Id = "", Result = "answered", Usage = usage, CostNanoUsd = Next(100_000_000), PriceSource = "catalog", Incomplete = Next(100) == 0 };
            var row = new LogRow
            {
                Xact = 0,
                Sequence = 0,
                OrganizationId = Organization,
                Kind = (long)RecordKind.Finished,
                RequestId = id.ToByteArray(bigEndian: true),
                SessionId = session,
                At = at.ToUnixTimeMilliseconds(),
                Body = [],
                Captured = 0,
            };
            batch.Add(row, new OpenRequest(id, Organization, session, 0, begun, [attempt]), attempt, finished, isRequest: true);
        }
    }

    private async Task<SpendRows> WriteAsync(SpendRows batch, int written, long started)
    {
        await store.WriteDerivedAsync(async transaction =>
        {
            await batch.WriteAsync(transaction);
            return 0;
        });
        Console.Error.Write($"\r{written:N0} rows, {written / Stopwatch.GetElapsedTime(started).TotalSeconds:N0} a second ");
        return new SpendRows();
    }

    // Version 7, as requests have them: in the order of time.
    private Guid NewId(DateTimeOffset at) => new((int)(at.ToUnixTimeMilliseconds() >> 16), (short)at.ToUnixTimeMilliseconds(), (short)(0x7000 | Next(0xfff)),
        [0x80, (byte)Next(256), (byte)Next(256), (byte)Next(256), (byte)Next(256), (byte)Next(256), (byte)Next(256), (byte)Next(256)]);

    private int Next(int below) => (int)(((_seed = (_seed * 1_664_525) + 1_013_904_223) >> 8) % below);
}
