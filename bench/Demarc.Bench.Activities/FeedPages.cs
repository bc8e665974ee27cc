using System.Diagnostics;
using Demarc.Control.Proofs;
using Demarc.Storage;
using Demarc.Storage.Evidence;

namespace Demarc.Bench.Activities;

/// <summary>Milliseconds of a page by each filter, at the newest, the middle and the oldest end; and of a proof.</summary>
internal static class FeedPages
{
    private const int Rounds = 5;
    private const int Proofs = 1001;
    private const double Bound = 50;
    private const double ProofBound = 10;

    /// <param name="named">Only filters whose name has this in it.</param>
    public static async Task MeasureAsync(Store store, string named)
    {
        var rows = await store.Exports.EndAsync();
        Console.WriteLine($"{rows:N0} activities; milliseconds, pages of 100 and of 5,000\n");
        Console.WriteLine($"{"filter",-44} {"newest",16} {"middle",16} {"oldest",16}");
        var all = new ActivitiesQuery { OrganizationId = Feed.Organization };
        var month = Feed.First.AddMonths(6).ToUnixTimeMilliseconds();
        var day = 24L * 3600 * 1000;
        string[] types = [.. Feed.Types.Select(t => t.Name)];
        string[] people = [.. Enumerable.Range(0, 20).Select(i => Feed.Person(i * 7))];
        (string Name, ActivitiesQuery Query)[] filters =
        [
            ("none", all),
            ("type, 90 % of all", all with { Types = ["demarc_inference"] }),
            ("type, 0.1 %", all with { Types = ["group_member_added"] }),
            ("type, 25 in all", all with { Types = [Feed.Rare] }),
            ("type, none at all", all with { Types = ["demarc_no_such_type"] }),
            ("14 types", all with { Types = types }),
            ("40 types, most of them unknown", all with { Types = [.. types[5..], .. Enumerable.Range(0, 31).Select(i => $"test_unknown_{i}")] }),
            ("without the type of 90 %", all with { ExcludedTypes = ["demarc_inference"] }),
            ("without all types but the rare", all with { ExcludedTypes = types }),
            ("person", all with { ActorIds = [Feed.Person(500)] }),
            ("20 people", all with { ActorIds = people }),
            ("200 people", all with { ActorIds = [.. Enumerable.Range(0, 200).Select(Feed.Person)] }),
            ("person nobody knows", all with { ActorIds = [Feed.Person(5000)] }),
            ("person and type, 0.1 %", all with { ActorIds = [Feed.Person(500)], Types = ["group_member_added"] }),
            ("20 people and a rare type", all with { ActorIds = people, Types = [Feed.Rare] }),
            ("person without the type of 90 %", all with { ActorIds = [Feed.Person(500)], ExcludedTypes = ["demarc_inference"] }),
            ("20 people without all types but the rare", all with { ActorIds = people, ExcludedTypes = types }),
            ("a day", all with { From = month, To = month + day }),
            ("a month and a rare type", all with { From = month, To = month + (30 * day), Types = [Feed.Rare] }),
            ("a year and a person", all with { From = Feed.First.ToUnixTimeMilliseconds(), ActorIds = [Feed.Person(7)] }),
            ("a second", all with { From = month, To = month + 1000 }),
            ("after the end", all with { From = Feed.First.AddYears(3).ToUnixTimeMilliseconds() }),
        ];
        var (worst, worstLarge) = (0.0, 0.0);
        foreach (var (name, query) in filters.Where(f => f.Name.Contains(named, StringComparison.Ordinal)))
        {
            Console.Write($"{name,-44}");
            foreach (var place in new[] { query, query with { After = rows / 2 }, query with { Before = 0 } })
            {
                var small = await OneAsync(() => store.Activities.ListAsync(place));
                var large = await OneAsync(() => store.Activities.ListAsync(place with { Limit = 5000 }));
                (worst, worstLarge) = (Math.Max(worst, small), Math.Max(worstLarge, large));
                Console.Write($" {small,7:0.0} {large,8:0.0}");
            }
            Console.WriteLine();
        }
        Console.WriteLine();
        foreach (var (size, most) in new[] { (100, worst), (5000, worstLarge) })
            Console.WriteLine($"worst page of {size}: {most:0.0} ms, bound {Bound:0} ms: {(most < Bound ? "met" : "missed")}");
    }

    public static async Task ProveAsync(Store store)
    {
        var rows = await store.Exports.EndAsync();
        var prover = new Prover(store);
        var times = new List<double>();
        // Each another one, across the tree.
        for (var i = 1; i <= Proofs; i++)
        {
            var page = await store.Activities.ListAsync(new ActivitiesQuery { OrganizationId = Feed.Organization, After = rows / Proofs * i, Limit = 1 });
            var id = new Guid(page.Data[0].RequestId, bigEndian: true);
            var start = Stopwatch.GetTimestamp();
            var proven = await prover.ProveAsync(Feed.Organization, id, rows);
            times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            if (proven.Length != 1)
                throw new InvalidOperationException($"{id} is not proven once but {proven.Length} times.");
        }
        times.Sort();
        Console.WriteLine($"a proof: median {times[Proofs / 2]:0.0} ms, p90 {times[Proofs * 9 / 10]:0.0} ms, p99 {times[Proofs * 99 / 100]:0.0} ms, most {times[^1]:0.0} ms, bound {ProofBound:0} ms: {(times[Proofs * 99 / 100] < ProofBound ? "met" : "missed")}");
    }

    // The median; the first, which finds its pages on the disk, is one of them.
    private static async Task<double> OneAsync(Func<Task> read)
    {
        var times = new double[Rounds];
        for (var i = 0; i < Rounds; i++)
        {
            var start = Stopwatch.GetTimestamp();
            await read();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }
        return times.Order().ElementAt(Rounds / 2);
    }
}
