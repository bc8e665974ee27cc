using System.Text;
using Demarc.Control.Configuration;
using Demarc.Control.Exports;

namespace Demarc.Control.Proofs;

/// <summary>Takes checkpoints to where whoever runs the store cannot change them: a file that only grows, a web address, or objects written once.</summary>
/// <param name="handler">For web addresses.</param>
/// <param name="ways">For object stores, which want Demarc's credentials.</param>
public sealed class Witness(HttpMessageHandler handler, ExportWays ways, TimeProvider time)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <summary>Gives it a checkpoint; throws <see cref="IOException"/> or <see cref="HttpRequestException"/> when it does not take it.</summary>
    /// <param name="size">Of the tree, which the checkpoint is of.</param>
    /// <param name="note">The signed note.</param>
    public async Task GiveAsync(WitnessPlace place, string organizationId, long size, string note, CancellationToken stop)
    {
        switch (place)
        {
            case WitnessFile file:
                await AppendAsync(file.Path, note, stop);
                break;
            case WitnessObjects objects:
                await new ObjectWitness(objects, ways, time).GiveAsync(organizationId, size, Encoding.UTF8.GetBytes(note), stop);
                break;
            case WitnessAddress address:
                using (var client = new HttpClient(handler, disposeHandler: false) { Timeout = Patience })
                using (var content = new StringContent(note, Encoding.UTF8, "text/plain"))
                using (var response = await client.PostAsync(address.Url, content, stop))
                    response.EnsureSuccessStatusCode();
                break;
        }
    }

    private static async Task AppendAsync(string file, string note, CancellationToken stop)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        await using var stream = new FileStream(file, FileMode.Append, FileAccess.Write, FileShare.Read);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(note + "\n"), stop);
        stream.Flush(flushToDisk: true);
    }
}
