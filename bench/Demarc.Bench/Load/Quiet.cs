using System.Diagnostics;
using System.Globalization;

namespace Demarc.Bench.Load;

/// <summary>Waits until the machine rests, so that what one target still has to do is not charged to the next.</summary>
internal static class Quiet
{
    private const double Busy = 0.08;
    private static readonly TimeSpan s_window = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(20);

    /// <summary>How long it took; at most 20 seconds.</summary>
    public static async Task<TimeSpan> WaitAsync()
    {
        var started = Stopwatch.GetTimestamp();
        while (Stopwatch.GetElapsedTime(started) < s_patience)
        {
            var (busy, all) = Ticks();
            // The kernel tells of no quiet: a share of busy time needs a span of time to be one.
            await Task.Delay(s_window);
            var (busyThen, allThen) = Ticks();
            if (busyThen - busy < Busy * (allThen - all))
                break;
        }
        return Stopwatch.GetElapsedTime(started) - s_window;
    }

    private static (long Busy, long All) Ticks()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..]
            .Select(f => long.Parse(f, CultureInfo.InvariantCulture)).ToArray();
        var all = fields[..8].Sum();
        // Idle, waiting for the disk, or nice: the loops that keep the processors awake.
        return (all - fields[3] - fields[4] - fields[1], all);
    }
}
