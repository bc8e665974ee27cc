using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>A replica's calendar steps, and its monotonic clock does not, as when a machine's time is set (libfaketime of Debian).</summary>
[Trait("suite", "faults")]
public sealed class ClockFaultTests
{
    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task Steps_of_the_clock_lose_nothing(StoreKind kind)
    {
        var library = Directory.Exists("/usr/lib") ? Directory.EnumerateFiles("/usr/lib", "libfaketimeMT.so.1", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }).FirstOrDefault() : null;
        Component.Require(library is not null, "libfaketime is not installed (apt-get install faketime)");
        var offset = Path.GetTempFileName();
        await StepAsync(offset, "+0");
        await using var place = await FaultPlace.StartAsync(new FaultSetup
        {
            Kind = kind,
            Environment = [("LD_PRELOAD", library!), ("FAKETIME_TIMESTAMP_FILE", offset), ("FAKETIME_NO_CACHE", "1"), ("FAKETIME_DONT_FAKE_MONOTONIC", "1")],
        });
        await using var callers = place.Call(8);
        string[] steps = ["+30", "+0", "+2h", "+0", "-10m", "+0"];
        foreach (var step in steps)
        {
            await callers.MoreAsync(40);
            await StepAsync(offset, step);
        }
        await callers.MoreAsync(40);
        var stepped = await place.Store.SqlAsync<long>("SELECT max(at) - min(at) FROM records");
        await place.HoldsAsync($"clock steps of {string.Join(", ", steps.Where(s => s != "+0"))} and back, {kind}", steps.Length, callers);
        File.Delete(offset);
        // It was stepped indeed.
        Assert.InRange(stepped, 2 * 3_600_000, 3 * 3_600_000);
    }

    // At once: a file that is half written would be no time.
    private static async Task StepAsync(string offset, string to)
    {
        await File.WriteAllTextAsync(offset + ".next", to + "\n", TestContext.Current.CancellationToken);
        File.Move(offset + ".next", offset, overwrite: true);
    }
}
