using System.Net;

namespace Demarc.Control.Configuration;

/// <summary>Which addresses are accepted. A refused one is not repeated: it may carry a credential.</summary>
internal static class UrlRules
{
    private const string Accepted = "an absolute https:// address without user, query and fragment";

    /// <summary>The address without a trailing slash; null with an error.</summary>
    public static Uri? Read(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        var problem = Problem(node.Value, out var url);
        if (problem is null)
            return url;
        reading.Error(node, $"{problem}; accepted: {Accepted} (http:// to a loopback host)");
        return null;
    }

    public static bool IsLoopback(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static string? Problem(string text, out Uri? url)
    {
        url = null;
        if (text.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)))
            return "the address has white space or control characters";
        if (!Uri.TryCreate(text, UriKind.Absolute, out var parsed) || parsed.Scheme is not ("https" or "http") || parsed.Host.Length == 0)
            return "not an absolute web address";
        if (parsed.UserInfo.Length > 0 || text.Contains('@'))
            return "the address carries a user";
        if (text.AsSpan().ContainsAny('?', '#'))
            return "the address has a query or a fragment";
        if (parsed.Scheme is "http" && !IsLoopback(parsed.Host))
            return $"http:// would send content in the clear to {ConfigText.Quote(parsed.Host)}";
        url = new Uri(parsed.AbsoluteUri.TrimEnd('/'));
        return null;
    }
}
