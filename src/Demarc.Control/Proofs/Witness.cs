using System.Text;
using Demarc.Control.Configuration;

namespace Demarc.Control.Proofs;

/// <summary>Takes checkpoints to where whoever runs the store cannot change them: a file that only grows, or a web address.</summary>
public sealed class Witness(HttpMessageHandler handler)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Gives it a checkpoint; throws <see cref="IOException"/> or <see cref="HttpRequestException"/> when it does not take it.</summary>
    /// <param name="note">The signed note.</param>
    public async Task GiveAsync(WitnessPlace place, string note, CancellationToken stop)
    {
        if (place.File is { } file)
        {
            await AppendAsync(file, note, stop);
            return;
        }
        using var client = new HttpClient(handler, disposeHandler: false) { Timeout = Patience };
        using var content = new StringContent(note, Encoding.UTF8, "text/plain");
        using var response = await client.PostAsync(place.Url, content, stop);
        response.EnsureSuccessStatusCode();
    }

    private static async Task AppendAsync(string file, string note, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await using var stream = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.Read);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(note + "\n"), stop);
        stream.Flush(flushToDisk: true);
    }
}
