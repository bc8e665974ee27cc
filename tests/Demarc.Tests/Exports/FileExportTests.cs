using System.Text.Json;
using Demarc.Control.Exports;
using Xunit;

namespace Demarc.Tests.Exports;

public sealed class FileExportTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-export-").FullName;

    private string Path => System.IO.Path.Combine(_folder, "out", "activities.ndjson");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Lines_are_whole_also_after_a_crash_in_the_middle_of_one_and_full_files_are_rotated()
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
        await File.WriteAllTextAsync(Path, "{\"metadata\":{\"sequence\":0}}\n{\"metadata\":{\"sequ", TestContext.Current.CancellationToken);
        await using var place = await ExportPlace.StartAsync();
        await place.AppendAsync(100);
        place.Export(new FileDestination(Path, RotateAt: 20_000, Keep: 50) { Name = "siem", Types = ["test_event"] });
        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Exported: 100 }]);

        var files = Enumerable.Range(0, 60).Select(i => i == 0 ? Path : $"{Path}.{i}").Where(File.Exists).Reverse().ToArray();
        var positions = files.SelectMany(File.ReadAllLines).Select(line => Collector.Position(JsonDocument.Parse(line).RootElement)).ToArray();

        Assert.True(files.Length > 3);
        Assert.All(files, file => Assert.True(new FileInfo(file).Length <= 20_000));
        Assert.Equal(101, positions.Length);
        Assert.Equal(positions.Order(), positions);
        if (!OperatingSystem.IsWindows())
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead, File.GetUnixFileMode(Path));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_tried_again()
    {
        var blocked = System.IO.Path.Combine(_folder, "out");
        await File.WriteAllTextAsync(blocked, "in the way", TestContext.Current.CancellationToken);
        await using var place = await ExportPlace.StartAsync();
        await place.AppendAsync(2);
        place.Export(new FileDestination(Path, 1 << 20, 1) { Name = "siem", Types = ["test_event"] });
        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Failures: > 0 }]);

        File.Delete(blocked);
        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Exported: 2, Problem: null }]);

        Assert.Equal(2, File.ReadAllLines(Path).Length);
    }
}
