using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Demarc.Control.Exports;

/// <summary>Requests to Azure Blob Storage as it wants them ("Authorize with Shared Key"; REST API, "Put Blob").</summary>
internal static class BlobRequest
{
    // Immutability policies of a blob's own came with 2020-06-12.
    private const string ApiVersion = "2023-11-03";

    /// <summary>Adds what every request has, and the account's signature where its key vouches for Demarc.</summary>
    /// <param name="headers">Further <c>x-ms-…</c> headers.</param>
    public static HttpRequestMessage Prepare(HttpRequestMessage request, BlobDestination destination, DateTimeOffset now, params (string Name, string Value)[] headers)
    {
        (string Name, string Value)[] own = [.. headers, ("x-ms-date", now.ToString("R", CultureInfo.InvariantCulture)), ("x-ms-version", ApiVersion)];
        foreach (var (name, value) in own)
            request.Headers.TryAddWithoutValidation(name, value);
        if (destination.AccountKey is not { } key)
            return request;
        var content = request.Content?.Headers;
        var canonical = string.Concat(own.OrderBy(h => h.Name, StringComparer.Ordinal).Select(h => $"{h.Name}:{h.Value}\n"));
        // VERB, encoding, language, length, MD5, type, date, four conditions, range; then the x-ms headers in order, and the path.
        var text = string.Create(
            CultureInfo.InvariantCulture,
            $"{request.Method}\n\n\n{content?.ContentLength}\n\n{content?.ContentType}\n\n\n\n{Condition(request)}\n\n\n{canonical}/{destination.Account}{request.RequestUri!.AbsolutePath}");
        request.Headers.TryAddWithoutValidation("authorization", $"SharedKey {destination.Account}:{Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)))}");
        return request;
    }

    private static string Condition(HttpRequestMessage request) => request.Headers.NonValidated.TryGetValues("if-none-match", out var values) ? values.ToString() : "";
}
