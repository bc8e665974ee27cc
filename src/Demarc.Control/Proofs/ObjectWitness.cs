using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Demarc.Control.Configuration;
using Demarc.Control.Exports;

namespace Demarc.Control.Proofs;

/// <summary>
/// Checkpoints as objects, <c>PREFIX/ORGANIZATION/000000012345.txt</c> by the size of the tree, each written once: never over one that is there
/// (<c>If-None-Match: *</c>), and kept by the store for as long as it is told ("Immutable storage for blobs"; "S3 Object Lock").
/// </summary>
internal sealed class ObjectWitness(WitnessObjects place, ExportWays ways, TimeProvider time)
{
    private const string MediaType = "text/plain";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    /// <exception cref="IOException">It was not taken, or another one of the same size stands there.</exception>
    public async Task GiveAsync(string organizationId, long size, byte[] note, CancellationToken stop)
    {
        var prefix = place.Store is BlobDestination blob ? blob.Prefix : ((S3Destination)place.Store).Prefix;
        var url = new Uri(string.Create(CultureInfo.InvariantCulture, $"{place.Store.Url.AbsoluteUri.TrimEnd('/')}/{prefix}{organizationId}/{size:d12}.txt"));
        // 1 one that is there was given before, and its receipt was lost; stores that know no conditions are asked for the same reason
        var (status, there) = await AskAsync(Prepared(HttpMethod.Get, url, null), stop);
        if (status == HttpStatusCode.OK)
        {
            if (!there.AsSpan().SequenceEqual(note))
                throw new IOException($"{url} holds another checkpoint of this size. Two logs have one witness, or the log was grown anew: keep the object, and run demarc verify with it as --checkpoint.");
            return;
        }
        if (status != HttpStatusCode.NotFound)
            throw Refused(url, status);

        // 2 written where nothing is
        (status, _) = await AskAsync(Prepared(HttpMethod.Put, url, note), stop);
        if ((int)status is < 200 or > 299)
            throw Refused(url, status);
    }

    private HttpRequestMessage Prepared(HttpMethod method, Uri url, byte[]? note)
    {
        var request = new HttpRequestMessage(method, url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionOrLower };
        var now = time.GetUtcNow();
        var headers = new List<(string, string)>();
        if (note is not null)
        {
            request.Content = new ByteArrayContent(note);
            request.Content.Headers.TryAddWithoutValidation("content-type", MediaType);
            request.Headers.TryAddWithoutValidation("if-none-match", "*");
            headers.AddRange(place.Store is BlobDestination ? OfBlob(now) : OfS3(now, note));
        }
        if (place.Store is BlobDestination blob)
            return BlobRequest.Prepare(request, blob, now, [.. headers]);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return request;
    }

    private IEnumerable<(string, string)> OfBlob(DateTimeOffset now)
    {
        yield return ("x-ms-blob-type", "BlockBlob");
        if (place.Retain is not { } retain)
            yield break;
        yield return ("x-ms-immutability-policy-until-date", (now + retain).ToString("R", CultureInfo.InvariantCulture));
        yield return ("x-ms-immutability-policy-mode", "locked");
    }

    private IEnumerable<(string, string)> OfS3(DateTimeOffset now, byte[] note)
    {
        if (place.Retain is not { } retain)
            yield break;
        yield return ("x-amz-object-lock-mode", "COMPLIANCE");
        yield return ("x-amz-object-lock-retain-until-date", (now + retain).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture));
        // S3 wants a checksum with every lock.
        yield return ("x-amz-checksum-sha256", Convert.ToBase64String(SHA256.HashData(note)));
    }

    private async Task<(HttpStatusCode Status, byte[] Body)> AskAsync(HttpRequestMessage request, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        using (request)
        using (var response = await ways.SendAsync(request, place.Store.Place, patience.Token))
        {
            await response.Content.LoadIntoBufferAsync(64 << 10, patience.Token);
            return (response.StatusCode, await response.Content.ReadAsByteArrayAsync(patience.Token));
        }
    }

    private static IOException Refused(Uri url, HttpStatusCode status) => new($"{url} was not taken as a witness: HTTP {(int)status}.");
}
