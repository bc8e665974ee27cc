using System.Globalization;

namespace Demarc.Control.Exports;

/// <summary>
/// OCSF JSON lines in a file: written through to the disk before they count as sent. A full one is renamed to <c>.1</c>, that
/// to <c>.2</c>, and so on.
/// </summary>
internal sealed class FileSender(FileDestination destination) : ExportSender
{
    private FileStream? _file;

    public override async Task SendAsync(ExportedActivity[] activities, CancellationToken stop)
    {
        try
        {
            _file ??= Open();
            foreach (var activity in activities)
            {
                if (_file.Length > 0 && _file.Length + activity.Json.Length >= destination.RotateAt)
                    await RotateAsync();
                await _file.WriteAsync(activity.Json, CancellationToken.None);
                _file.WriteByte((byte)'\n');
            }
            _file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Opened anew the next time: a line that was begun is cut off there.
            await CloseAsync();
            throw new ExportException(e.Message, inner: e);
        }
    }

    protected override async ValueTask CloseAsync()
    {
        if (_file is null)
            return;
        var file = _file;
        _file = null;
        await file.DisposeAsync();
    }

    private FileStream Open()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(destination.Path)!);
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.Read | FileShare.Delete };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead;
        var file = new FileStream(destination.Path, options);
        file.SetLength(EndOfLastLine(file));
        file.Seek(0, SeekOrigin.End);
        return file;
    }

    // A process that was killed may have left half a line; its event is written again.
    private static long EndOfLastLine(FileStream file)
    {
        var buffer = new byte[4096];
        for (var end = file.Length; end > 0;)
        {
            var start = Math.Max(0, end - buffer.Length);
            file.Seek(start, SeekOrigin.Begin);
            var part = buffer.AsSpan(0, (int)(end - start));
            file.ReadExactly(part);
            if (part.LastIndexOf((byte)'\n') is >= 0 and var last)
                return start + last + 1;
            end = start;
        }
        return 0;
    }

    private async Task RotateAsync()
    {
        _file!.Flush(flushToDisk: true);
        await CloseAsync();
        for (var i = destination.Keep; i >= 1; i--)
        {
            if (File.Exists(Numbered(i - 1)))
                File.Move(Numbered(i - 1), Numbered(i), overwrite: true);
        }
        if (destination.Keep == 0)
            File.Delete(destination.Path);
        _file = Open();
    }

    private string Numbered(int number) => number == 0 ? destination.Path : string.Create(CultureInfo.InvariantCulture, $"{destination.Path}.{number}");
}
