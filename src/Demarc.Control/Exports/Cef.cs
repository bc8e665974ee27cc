using System.Globalization;
using System.Text;

namespace Demarc.Control.Exports;

/// <summary>Activities in the Common Event Format, version 0 (ArcSight "Common Event Format", revision 26).</summary>
internal static class Cef
{
    public static string Of(ExportedActivity activity)
    {
        var text = new StringBuilder("CEF:0|Demarc|Demarc|");
        text.Append(Header(Product.Version)).Append('|').Append(Header(activity.Type)).Append('|')
            .Append(Header(activity.Type.Replace('_', ' '))).Append('|').Append(Severity(activity.Severity)).Append('|');
        Add("rt", activity.At.ToString(CultureInfo.InvariantCulture));
        Add("externalId", activity.Id);
        Add("outcome", activity.IsFailure ? "failure" : "success");
        Add("reason", activity.Reason);
        Add("suid", activity.Actor?.Id);
        Add("suser", activity.Actor?.Email);
        Add("src", activity.Actor?.IpAddress);
        Add("requestClientApplication", activity.Actor?.UserAgent);
        Add("requestMethod", activity.Field("request_method") ?? activity.Field("method"));
        Add("request", activity.Field("url") ?? activity.Field("route"));
        Custom(1, "session", activity.SessionId);
        Custom(2, "request", activity.Finished?.Id ?? activity.Field("request_id"));
        Custom(3, "deployment", activity.Attempt is { } attempt ? $"{attempt.Resource}/{attempt.Deployment}" : null);
        Custom(4, "model", activity.Finished?.ModelServed ?? activity.Begun?.ModelAsked);
        Custom(5, "details", activity.Read.Event is { Fields.Count: > 0 } e ? string.Join(' ', e.Fields.Where(f => f.Value is not null).Select(f => $"{f.Key}={f.Value}")) : null);
        return text.ToString().TrimEnd();

        void Add(string key, string? value)
        {
            if (value is not null)
                text.Append(key).Append('=').Append(Extension(value)).Append(' ');
        }

        void Custom(int number, string label, string? value)
        {
            if (value is null)
                return;
            Add($"cs{number}Label", label);
            Add($"cs{number}", value);
        }
    }

    // 0 to 10: low to 3, medium to 6, high to 8, very high above.
    private static int Severity(EventSeverity severity) => severity switch
    {
        EventSeverity.Informational => 1,
        EventSeverity.Low => 3,
        EventSeverity.Medium => 5,
        _ => 8,
    };

    private static string Header(string text) => Plain(text).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("|", "\\|", StringComparison.Ordinal);

    private static string Extension(string text) => text
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("=", "\\=", StringComparison.Ordinal)
        .Replace("\r", "\\r", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private static string Plain(string text) => string.Concat(text.Select(c => char.IsControl(c) ? ' ' : c));
}
