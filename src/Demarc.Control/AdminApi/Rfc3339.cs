using System.Globalization;

namespace Demarc.Control.AdminApi;

/// <summary>Times as the APIs write them.</summary>
public static class Rfc3339
{
    /// <param name="milliseconds">Unix milliseconds.</param>
    public static string Text(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(milliseconds).ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string? Text(long? milliseconds) => milliseconds is { } value ? Text(value) : null;
}
