using System.Globalization;
using System.Text;

namespace Demarc.Control.Telemetry;

/// <summary>How often values were at most each bound; safe to add to from any thread.</summary>
internal sealed class Histogram(double[] bounds)
{
    private readonly long[] _counts = new long[bounds.Length + 1];

    // Millionths, so that they add up without a lock.
    private long _sum;

    public void Add(double value)
    {
        var at = Array.BinarySearch(bounds, value);
        Interlocked.Increment(ref _counts[at >= 0 ? at : ~at]);
        Interlocked.Add(ref _sum, (long)(value * 1e6));
    }

    /// <summary>Lines of the Prometheus text format.</summary>
    /// <param name="labels">Without braces; may be empty.</param>
    public void Write(StringBuilder text, string name, string labels)
    {
        var count = 0L;
        var comma = labels.Length > 0 ? "," : "";
        for (var i = 0; i <= bounds.Length; i++)
        {
            count += Volatile.Read(ref _counts[i]);
            var bound = i == bounds.Length ? "+Inf" : bounds[i].ToString("R", CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"{name}_bucket{{{labels}{comma}le=\"{bound}\"}} {count}\n");
        }
        text.Append(CultureInfo.InvariantCulture, $"{name}_sum{{{labels}}} {Volatile.Read(ref _sum) / 1e6}\n{name}_count{{{labels}}} {count}\n");
    }
}
