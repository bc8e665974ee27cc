using System.Text.Json;
using Demarc.Control.AdminApi;

namespace Demarc.Control.Exports;

/// <summary>
/// The Logs Ingestion API (Azure Monitor documentation, "Logs Ingestion API in Azure Monitor"): rows for the stream of a data
/// collection rule, at most 1 MB a call. The columns are those of docs/siem.md.
/// </summary>
internal sealed class MonitorSender(MonitorDestination destination, ExportWays ways, TimeProvider time) : WebSender(destination, ways, time)
{
    public const string Scope = "https://monitor.azure.com/.default";

    private readonly Uri _address = new($"{destination.Url.AbsoluteUri.TrimEnd('/')}/dataCollectionRules/{destination.Rule}/streams/{destination.Stream}?api-version=2023-01-01");

    public override Task SendAsync(ExportedActivity[] activities, CancellationToken stop) =>
        AskAsync(Post(_address, Array(activities.Select(Row)), "application/json"), stop);

    private static byte[] Row(ExportedActivity activity)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, Compliance.ActivityJson.Options))
        {
            var kind = OcsfClass.Of(activity.Type);
            json.WriteStartObject();
            json.WriteString("TimeGenerated", Rfc3339.Text(activity.At));
            json.WriteString("ActivityId", activity.Id);
            json.WriteString("ActivityType", activity.Type);
            json.WriteNumber("ClassUid", kind.Uid);
            json.WriteNumber("SeverityId", (int)activity.Severity);
            json.WriteString("Status", activity.IsFailure ? "Failure" : "Success");
            json.WriteString("ActorId", activity.Actor?.Id);
            json.WriteString("ActorEmail", activity.Actor?.Email);
            json.WriteString("SourceIp", activity.Actor?.IpAddress);
            json.WriteString("SessionId", activity.SessionId);
            json.WritePropertyName("Event");
            json.WriteRawValue(activity.Json, skipInputValidation: true);
            json.WriteEndObject();
        }
        return output.ToArray();
    }
}
