using System.Globalization;
using System.Text;

namespace Demarc.Bench.Report;

/// <summary>The result as Markdown.</summary>
internal static class Tables
{
    public static string Write(BenchResult result)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"# Demarc bench, {result.At}{(result.Quick ? " (quick)" : "")}\n\n{result.Machine}; servers, upstream, store and load generator share it{(result.Awake ? "; processors kept awake" : "")}.\n");
        if (result.Decisions.Count > 0)
        {
            Table(text, "One decision over 200 deployments and 50 policies", ["case", "ns", "bytes"],
                result.Decisions.Select(d => new[] { d.Case, F($"{d.Nanoseconds:0}"), F($"{d.Bytes:0}") }));
        }
        if (result.Throughput.Count > 0)
        {
            Table(text, "Throughput", ["case", "c", "target", "req/s", "of pass-through", "p50 µs", "p99 µs", "non-2xx", "socket errors", "rest s"],
                result.Throughput.Select(r => new[] { r.Case, F($"{r.Connections}"), r.Target, F($"{r.PerSecond:0}"), F($"{r.Ratio:P0}"), F($"{r.P50}"), F($"{r.P99}"), F($"{r.StatusErrors}"), F($"{r.SocketErrors}"), F($"{r.RestSeconds:0.0}") }));
        }
        if (result.Latency.Count > 0)
        {
            Table(text, F($"Added to the upstream's own time, µs, one at a time; C is one commit of a {result.RecordBytes} byte record"),
                ["case", "target", "n", "first byte p50", "first byte p99", "last byte p50", "last byte p99", "C p50", "C p99"],
                result.Latency.Select(r => new[] { r.Case, r.Target, F($"{r.Count}"), F($"{r.FirstP50:0}"), F($"{r.FirstP99:0}"), F($"{r.LastP50:0}"), F($"{r.LastP99:0}"), F($"{r.CommitP50:0}"), F($"{r.CommitP99:0}") }));
        }
        if (result.Memory.Count > 0)
        {
            Table(text, "Resident memory (SQLite, 1 KB, c=16)", ["after requests", "MB"],
                [.. result.Memory.Select(m => new[] { F($"{m.Requests}"), F($"{m.Bytes >> 20}") }), ["5 s later", F($"{result.MemoryAfter >> 20}")], ["peak", F($"{result.MemoryPeak >> 20}")]]);
        }
        if (result.StartMs.Count > 0)
            text.Append(CultureInfo.InvariantCulture, $"\nStart to ready: {string.Join(", ", result.StartMs.Select(ms => F($"{ms:0}")))} ms; on an empty folder {result.FirstStartMs:0} ms.\n");
        Table(text, "Targets", ["what", "measured", "wanted", ""], result.Verdicts.Select(v => new[] { v.What, v.Measured, v.Wanted, v.Pass ? "PASS" : "FAIL" }));
        foreach (var failure in result.Failures)
            text.Append(CultureInfo.InvariantCulture, $"\nFAILED: {failure}\n");
        return text.ToString();
    }

    private static void Table(StringBuilder text, string title, string[] head, IEnumerable<string[]> rows)
    {
        string[][] all = [head, .. rows];
        var widths = head.Select((_, i) => all.Max(row => row[i].Length)).ToArray();
        text.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n");
        Row(text, head, widths);
        text.Append('|').AppendJoin('|', widths.Select(w => new string('-', w + 2))).Append("|\n");
        foreach (var row in all[1..])
            Row(text, row, widths);
    }

    private static void Row(StringBuilder text, string[] cells, int[] widths) =>
        text.Append("| ").AppendJoin(" | ", cells.Select((cell, i) => double.TryParse(cell.TrimEnd('%'), CultureInfo.InvariantCulture, out _) ? cell.PadLeft(widths[i]) : cell.PadRight(widths[i]))).Append(" |\n");

    private static string F(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
