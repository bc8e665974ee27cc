using System.Net;
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
        // What a journal has room for is served on; that it ends by refusing is for another test.
        await FillAsync("full disk, SQLite", disk, place, callers => callers.TurnsAsync(300), () => Task.CompletedTask);
        // Also with nobody asking.
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () => await ReadyAsync(place) is { IsSuccessStatusCode: true });
        await disk.FillAsync();
        await using var callers = place.Call(4);
        await callers.RefusedAsync(50);
        var full = await ReadyAsync(place);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, full.StatusCode);
        Assert.Contains("could not be put on record", await full.Content.ReadAsStringAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        // They would fill it themselves.
        await callers.StopAsync();
        disk.Free();
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () => await ReadyAsync(place) is { IsSuccessStatusCode: true });
    }

    [Fact]
    public async Task A_full_disk_of_PostgreSQL_loses_nothing_that_was_answered()
    {
        await using var disk = await Disk.SmallAsync(256);
        await using var server = await PostgresServer.StartOwnAsync(Directory.CreateDirectory(Path.Combine(disk.Folder, "server")).FullName);
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Server = server });
        // Without room for its log the server gives up; whoever runs it starts it again.
        await FillAsync("full disk, PostgreSQL", disk, place, callers => callers.RefusedAsync(10), server.ReviveAsync);
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

    private static async Task<HttpResponseMessage> ReadyAsync(FaultPlace place)
    {
        using var client = new HttpClient(new SocketsHttpHandler());
        return await client.GetAsync(new Uri(place.Replicas[0].Url, "/readyz"), TestContext.Current.CancellationToken);
    }

    private static async Task FillAsync(string fault, Disk disk, FaultPlace place, Func<Callers, Task> whileFull, Func<Task> revive)
    {
        const int times = 3;
        await using var callers = place.Call(8);
        for (var full = 0; full < times; full++)
        {
            await callers.MoreAsync(50);
            await disk.FillAsync();
            await whileFull(callers);
            disk.Free();
            await revive();
        }
        await callers.MoreAsync(50);
        await place.HoldsAsync(fault, times, callers);
    }
}
