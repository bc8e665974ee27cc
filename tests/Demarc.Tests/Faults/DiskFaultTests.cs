using Demarc.Tests.AdminApi;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>Disks without room, and disks that take their time.</summary>
[Trait("suite", "faults")]
public sealed class DiskFaultTests
{
    [Fact]
    public async Task A_full_disk_loses_nothing_that_was_answered()
    {
        await using var disk = await Disk.SmallAsync(96);
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Kind = StoreKind.Sqlite, Data = disk.Folder });
        await using var callers = place.Call(8);
        for (var full = 0; full < 3; full++)
        {
            await callers.MoreAsync(50);
            await disk.FillAsync();
            var refused = callers.Refused;
            await GatewayPlace.UntilAsync(TimeSpan.FromMinutes(2), () => Task.FromResult(callers.Refused > refused + 10));
            disk.Free();
        }
        await callers.MoreAsync(50);
        await place.HoldsAsync("full disk, SQLite", 3, callers);
    }

    [Fact]
    public async Task A_full_disk_of_PostgreSQL_loses_nothing_that_was_answered()
    {
        await using var disk = await Disk.SmallAsync(256);
        var server = await PostgresServer.StartOwnAsync(Directory.CreateDirectory(Path.Combine(disk.Folder, "server")).FullName);
        await using (server)
        {
            await using var place = await FaultPlace.StartAsync(new FaultSetup { Server = server });
            await using var callers = place.Call(8);
            for (var full = 0; full < 3; full++)
            {
                await callers.MoreAsync(50);
                await disk.FillAsync();
                var refused = callers.Refused;
                await GatewayPlace.UntilAsync(TimeSpan.FromMinutes(2), () => Task.FromResult(callers.Refused > refused + 10));
                disk.Free();
                // Without room for its log the server gives up; whoever runs it starts it again.
                await server.ReviveAsync();
            }
            await callers.MoreAsync(50);
            await place.HoldsAsync("full disk, PostgreSQL", 3, callers);
        }
    }

    [Fact]
    public async Task On_a_slow_disk_everything_is_slow_and_nothing_is_lost()
    {
        await using var disk = await Disk.SlowAsync(15);
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Kind = StoreKind.Sqlite, Data = disk.Folder, Prefix = disk.Prefix });
        await using var callers = place.Call(8);
        await callers.MoreAsync(200, within: 120);
        await place.HoldsAsync("slow disk (15 writes a second), SQLite", 1, callers);
    }
}
