using System.Text.Json;
using Demarc.Tests.Exports;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>The blob store that activities are archived in is killed, again and again.</summary>
[Trait("suite", "faults")]
public sealed class BlobFaultTests
{
    private const int Kills = 4;
    private const int Each = 50;

    [Fact]
    public async Task A_killed_blob_store_has_every_activity_once_in_the_end()
    {
        await using var s3 = await ObjectStore.S3Async();
        await using var place = await ExportPlace.StartAsync();
        place.Export(s3.Bucket("claude/"));
        // The first come before any kill, the others while nobody takes them.
        for (var kill = 0; kill <= Kills; kill++)
        {
            if (kill > 0)
                await s3.KillAsync();
            // Of an hour that is over. A clock that is ahead would not do: signatures of another hour are refused.
            var at = TimeProvider.System.GetUtcNow().AddHours(-3).ToUnixTimeMilliseconds();
            await Task.WhenAll(Enumerable.Range(0, Each).Select(_ => place.Store.AppendAsync(ExportPlace.Event(at))));
            if (kill > 0)
            {
                await ExportPlace.UntilAsync(async () => (await place.CursorAsync()).Failures > 0);
                await s3.RestartAsync();
            }
            var upTo = (kill + 1) * Each;
            await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Failures: 0 } cursor] && cursor.Exported >= upTo);
        }

        var archived = (await s3.ObjectsAsync()).Values.SelectMany(ArchiveExportTests.Lines).Select(l => JsonDocument.Parse(l).RootElement.GetProperty("metadata").GetProperty("uid").GetString()).GroupBy(u => u).ToArray();
        var doubled = archived.Count(g => g.Count() > 1);
        var lost = ((Kills + 1) * Each) - archived.Length;
        FaultTable.Add("kill -9 of the blob store (activities archived)", Kills, (Kills + 1) * Each, archived.Length, 0, 0, Math.Max(0, lost), doubled);
        Assert.Equal((0, 0), (Math.Max(0, lost), doubled));
    }
}
