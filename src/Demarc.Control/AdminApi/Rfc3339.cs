using System.Globalization;

namespace Demarc.Control.AdminApi;

/// <summary>Times as the APIs write them.</summary>
public static class Rfc3339
{
    /// <param name="milliseconds">Unix milliseconds.</param>
    public static string Text(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    /// <summary>Reads a time with its offset, such as <c>2027-01-31T00:00:00Z</c>; false without an offset.</summary>
    public static bool TryParse(string text, out DateTimeOffset time) =>
        DateTimeOffset.TryParseExact(
            text,
            ["yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK"],
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time) && (text[^1] is 'Z' || text[^6] is '+' or '-');

    public static string? Text(long? milliseconds) => milliseconds is { } value ? Text(value) : null;
}
