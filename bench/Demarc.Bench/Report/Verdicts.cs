using System.Globalization;

namespace Demarc.Bench.Report;

/// <summary>Holds the figures against what the design asks for.</summary>
internal static class Verdicts
{
    private const double DecisionNs = 20_000;
    private const double SqliteRatio = 0.40;
    private const double PostgresRatio = 0.30;
    private const double VolatileRatio = 0.60;
    private const double TimesVendor = 15;
    private const double WholeP50 = 150;
    private const double WholeP99 = 400;
    private const double Stream = 400;
    private const long MaxMemory = 200L << 20;

    // What a heap may breathe between two looks and still be called flat.
    private const double Flat = 1.15;
    private const double StartMs = 1000;

    public static void Judge(BenchResult result)
    {
        foreach (var decision in result.Decisions)
        {
            var pass = decision.Nanoseconds <= DecisionNs && decision.Bytes == 0;
            result.Verdicts.Add(new Verdict($"a decision, {decision.Case}", Text($"{decision.Nanoseconds:0} ns, {decision.Bytes:0} B"), Text($"≤ {DecisionNs} ns, 0 B"), pass));
        }
        foreach (var connections in new[] { 64, 16 })
        {
            Ratio(result, connections, Target.Sqlite, SqliteRatio);
            Ratio(result, connections, Target.Postgres, PostgresRatio);
        }
        foreach (var name in new[] { "1 KB", "85 KB" })
        {
            if (result.Throughput.Find(r => r.Case == name && r.Connections == 64 && r.Target == Target.Volatile) is { } row)
                result.Verdicts.Add(new Verdict($"{Target.Volatile}: {name}, c=64, of the pass-through", Text($"{row.Ratio:P0}"), Text($"≥ {VolatileRatio:P0}"), row.Ratio >= VolatileRatio));
        }
        Vendor(result);
        foreach (var target in new[] { Target.Sqlite, Target.Postgres })
        {
            if (Row(result, "whole, 20 ms", target) is { } whole)
            {
                Micros(result, $"{target}: whole answer, 20 ms upstream, added p50", whole.LastP50, WholeP50, whole.CommitP50);
                Micros(result, $"{target}: whole answer, 20 ms upstream, added p99", whole.LastP99, WholeP99, whole.CommitP99);
            }
            foreach (var name in new[] { "stream, 20 ms", "stream, 20 ms, paced" })
            {
                if (Row(result, name, target) is not { } stream)
                    continue;
                Micros(result, $"{target}: {name} upstream, first byte p99", stream.FirstP99, Stream, null);
                Micros(result, $"{target}: {name} upstream, last byte p50", stream.LastP50, Stream, stream.CommitP50);
                Micros(result, $"{target}: {name} upstream, last byte p99", stream.LastP99, Stream, stream.CommitP99);
            }
        }
        Memory(result);
        if (result.StartMs.Count > 0)
        {
            var median = result.StartMs.Order().ElementAt(result.StartMs.Count / 2);
            result.Verdicts.Add(new Verdict("start-up to ready, median", Text($"{median:0} ms"), Text($"≤ {StartMs} ms"), median <= StartMs));
        }
        if (result.Throughput.Count > 0)
        {
            var errors = result.Throughput.Sum(r => r.StatusErrors + r.SocketErrors);
            result.Verdicts.Add(new Verdict("errors under load", Text($"{errors}"), "0", errors == 0));
        }
    }

    private static void Ratio(BenchResult result, int connections, string target, double wanted)
    {
        if (result.Throughput.Find(r => r.Case == "1 KB" && r.Connections == connections && r.Target == target) is { } row)
            result.Verdicts.Add(new Verdict($"{target}: 1 KB, c={connections}, of the pass-through", Text($"{row.Ratio:P0}"), Text($"≥ {wanted:P0}"), row.Ratio >= wanted));
    }

    private static void Vendor(BenchResult result)
    {
        if (result.Throughput.Find(r => r.Case == "1 KB" && r.Connections == 64 && r.Target == Target.Vendor) is not { } vendor
            || result.Throughput.Find(r => r.Case == vendor.Case && r.Connections == vendor.Connections && r.Target == Target.Sqlite) is not { } ours)
            return;
        var times = ours.PerSecond / vendor.PerSecond;
        result.Verdicts.Add(new Verdict($"{Target.Sqlite}: 1 KB, c=64, of the vendor's gateway with limits", Text($"{times:0.0}×"), Text($"≥ {TimesVendor:0}×"), times >= TimesVendor));
    }

    private static LatencyRow? Row(BenchResult result, string name, string target) => result.Latency.Find(r => r.Case == name && r.Target == target);

    private static void Micros(BenchResult result, string what, double measured, double wanted, double? commit)
    {
        var bound = wanted + (commit ?? 0);
        var formula = commit is { } c ? Text($"≤ {wanted:0} + C {c:0} = {bound:0} µs") : Text($"≤ {bound:0} µs");
        result.Verdicts.Add(new Verdict(what, Text($"{measured:0} µs"), formula, measured <= bound));
    }

    private static void Memory(BenchResult result)
    {
        if (result.Memory.Count < 2)
            return;
        var most = result.Memory.Max(m => m.Bytes);
        result.Verdicts.Add(new Verdict("resident memory, most", Text($"{most >> 20} MB"), Text($"< {MaxMemory >> 20} MB"), most < MaxMemory));
        var (first, last) = (result.Memory[1], result.Memory[^1]);
        result.Verdicts.Add(new Verdict(
            Text($"resident memory, flat from {first.Requests} to {last.Requests} requests"), Text($"{first.Bytes >> 20} → {last.Bytes >> 20} MB"),
            Text($"≤ {Flat:0.00}×"), last.Bytes <= first.Bytes * Flat));
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
