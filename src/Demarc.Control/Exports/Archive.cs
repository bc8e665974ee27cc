using System.Globalization;
using System.IO.Compression;

namespace Demarc.Control.Exports;

/// <summary>
/// Objects of OCSF JSON lines, gzipped, by the hour: <c>PREFIX/2026/11/22/10/FIRST-LAST.ndjson.gz</c>, by the positions of the
/// first and the last activity, so that a repeat of the same ones overwrites.
/// </summary>
internal abstract class Archive(WebDestination destination, string prefix, ExportWays ways, TimeProvider time) : WebSender(destination, ways, time)
{
    /// <summary>Activities in one object at most.</summary>
    public const int MaxActivities = 5000;

    /// <summary>How long after an hour's end its last activities are waited for.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    private const long Hour = 3_600_000;

    public override Task SendAsync(ExportedActivity[] activities, CancellationToken stop) => PutAsync(Name(activities), Body(activities), stop);

    /// <summary>Hours since 1970.</summary>
    public static long HourOf(long at) => at / Hour;

    /// <summary>When an hour's activities are all there.</summary>
    public static long EndOf(long hour) => ((hour + 1) * Hour) + (long)Grace.TotalMilliseconds;

    protected abstract Task PutAsync(string name, byte[] body, CancellationToken stop);

    private string Name(ExportedActivity[] activities) => string.Create(
        CultureInfo.InvariantCulture,
        $"{prefix}{DateTimeOffset.FromUnixTimeMilliseconds(activities[0].At):yyyy'/'MM'/'dd'/'HH}/{activities[0].Position:d12}-{activities[^1].Position:d12}.ndjson.gz");

    private static byte[] Body(ExportedActivity[] activities)
    {
        using var output = new MemoryStream();
        using (var zip = new GZipStream(output, CompressionLevel.Optimal))
        {
            foreach (var activity in activities)
            {
                zip.Write(activity.Json);
                zip.WriteByte((byte)'\n');
            }
        }
        return output.ToArray();
    }
}

/// <summary>Objects in Azure Blob Storage.</summary>
internal sealed class BlobArchive(BlobDestination destination, ExportWays ways, TimeProvider time) : Archive(destination, destination.Prefix, ways, time)
{
    public const string Scope = "https://storage.azure.com/.default";

    private const string MediaType = "application/gzip";

    protected override Task PutAsync(string name, byte[] body, CancellationToken stop) => AskAsync(
        BlobRequest.Prepare(
            Request(HttpMethod.Put, new Uri($"{destination.Url.AbsoluteUri.TrimEnd('/')}/{name}"), body, MediaType), destination, Time.GetUtcNow(), ("x-ms-blob-type", "BlockBlob")),
        stop);
}

/// <summary>Objects in S3 (API reference, "PutObject").</summary>
internal sealed class S3Archive(S3Destination destination, ExportWays ways, TimeProvider time) : Archive(destination, destination.Prefix, ways, time)
{
    public const string Service = "s3";

    protected override Task PutAsync(string name, byte[] body, CancellationToken stop) =>
        AskAsync(Request(HttpMethod.Put, new Uri($"{destination.Url.AbsoluteUri.TrimEnd('/')}/{name}"), body, "application/gzip"), stop);
}
