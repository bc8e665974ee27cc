using Demarc.Storage.Migrations;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>
/// Gateways of an older version beside those of this one, on one PostgreSQL. DEMARC_OLD is the folder that the older one was built into
/// (<c>src/Demarc/bin/Debug/net10.0</c> of a checkout of it).
/// </summary>
[Trait("suite", "faults")]
public sealed class RollingUpgradeTests(ITestOutputHelper output)
{
    [Fact]
    public async Task Gateways_of_an_older_version_are_replaced_one_by_one_under_load()
    {
        var folder = Environment.GetEnvironmentVariable("DEMARC_OLD");
        if (folder is null)
            Assert.Skip("DEMARC_OLD does not say where an older version is");
        var old = Path.Combine(folder, "demarc.dll");
        Component.Require(File.Exists(old), $"DEMARC_OLD has no demarc.dll: {folder}");
        await using var set = await ReplicaSet.StartAsync($"dotnet {old}");
        var (before, after) = (await set.Store.SqlAsync<long>("SELECT max(version) FROM migrations"), Migration.Of("Postgres")[^1].Version);
        Assert.True(before <= after, $"What DEMARC_OLD names is newer: {before}");
        output.WriteLine($"tables of version {before}, then {after}");
        await using var callers = new Callers(9, set.DeveloperKey, _ => set.Balancer);
        await callers.MoreAsync(200);

        // 1 the tables change while every gateway is an old one
        await DemarcCommand.DoneAsync(set.Folder, "store", "migrate", "--config", set.Config, "--data", set.Data);
        Assert.Equal(after, await set.Store.SqlAsync<long>("SELECT max(version) FROM migrations"));
        await callers.MoreAsync(200);

        // 2 each is replaced, and those that there are know what was changed by either
        set.Program = $"dotnet {DemarcCommand.Program}";
        foreach (var n in Enumerable.Range(1, 3))
        {
            var streams = set.LongStreams(6, "claude-sonnet-4-6");
            await set.RunAsync("roll", $"{n}");
            Assert.All(await Task.WhenAll(streams), stream => Assert.Contains("message_stop", stream, StringComparison.Ordinal));
            await callers.MoreAsync(200);
            var alias = $"quick-{n}";
            await DemarcCommand.DoneAsync(set.Folder, "alias", "move", alias, "east/claude-sonnet-4-6", "--yes", "--config", set.Config, "--data", set.Data);
            foreach (var gateway in Enumerable.Range(1, 3))
                await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(10), async () => (await set.ModelsAsync(set.At($"gateway{gateway}"))).Contains($"\"{alias}\"", StringComparison.Ordinal));
        }

        // 3 nobody noticed, and all of it is on record once
        Assert.Equal((0, 0), (callers.Refused, callers.Broken));
        var tally = await set.HoldsAsync($"rolling upgrade, tables {before} to {after}", 1, callers);
        output.WriteLine($"{tally}");
    }
}
