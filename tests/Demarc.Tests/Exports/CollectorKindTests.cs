using System.Globalization;
using System.Text.Json;
using Demarc.Control.Exports;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Tests.Upstreams;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>Collectors with protocols of their own; stand-ins check what the real ones check.</summary>
[Collection("cloud environment")]
public sealed class CollectorKindTests
{
    [Fact]
    public async Task Splunk_gets_events_and_only_what_it_has_indexed_counts()
    {
        await using var place = await ExportPlace.StartAsync();
        await using var splunk = await Collector.StartAsync();
        var asked = 0;
        splunk.Answer = (http, body) =>
        {
            if (http.Request.Headers.Authorization != "Splunk hec-token" || http.Request.Query["channel"].Count != 1)
            {
                http.Response.StatusCode = 403;
                return Task.CompletedTask;
            }
            return http.Request.Path == "/services/collector/event"
                ? http.Response.WriteAsync("""{"text":"Success","code":0,"ackId":7}""")
                : http.Response.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"{{\"acks\":{{\"7\":{(++asked >= 3 ? "true" : "false")}}}}}"));
        };
        await place.AppendAsync(2);
        place.Export(new SplunkDestination(new Secret("hec-token"), "claude", Acknowledged: true) { Name = "siem", Url = splunk.Url, Place = ExportPlace.Out(), Types = ["test_event"] });

        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Exported: 2 }]);

        Assert.Equal(3, asked);
        var lines = splunk.Taken.First().Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement).ToArray();
        Assert.Equal(2, lines.Length);
        Assert.Equal(("demarc:ocsf", "claude"), (lines[0].GetProperty("sourcetype").GetString(), lines[0].GetProperty("index").GetString()));
        var at = lines[0].GetProperty("event").GetProperty("time").GetInt64();
        Assert.Equal(at / 1000m, decimal.Parse(lines[0].GetProperty("time").GetString()!, CultureInfo.InvariantCulture));
    }

    [Fact]
    public async Task A_Splunk_token_without_acknowledgement_is_said_to_be_one()
    {
        await using var place = await ExportPlace.StartAsync();
        await using var splunk = await Collector.StartAsync();
        splunk.Answer = (http, _) => http.Response.WriteAsync("""{"text":"Success","code":0}""");
        await place.AppendAsync(1);
        place.Export(new SplunkDestination(new Secret("t"), null, Acknowledged: true) { Name = "siem", Url = splunk.Url, Place = ExportPlace.Out() });

        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Problem: { } problem }] && problem.Contains("switch indexer acknowledgement on", StringComparison.Ordinal));

        Assert.Equal(0, (await place.CursorAsync()).Position);
    }

    [Fact]
    public async Task Azure_Monitor_gets_rows_for_the_stream_with_a_token_of_Entra_ID()
    {
        await using var cloud = await PlatformTests.StartAsync();
        await using var place = await ExportPlace.StartAsync();
        await using var monitor = await Collector.StartAsync();
        var refused = 0;
        monitor.Answer = (http, body) =>
        {
            var isGood = http.Request.Headers.Authorization.ToString().StartsWith("Bearer app-service-token-", StringComparison.Ordinal)
                && http.Request.Path == "/dataCollectionRules/dcr-0123456789abcdef0123456789abcdef/streams/Custom-Demarc" && http.Request.Query["api-version"] == "2023-01-01"
                && http.Request.ContentType == "application/json" && JsonDocument.Parse(body).RootElement.EnumerateArray().All(row => row.GetProperty("TimeGenerated").GetDateTimeOffset() > DateTimeOffset.UnixEpoch);
            refused += isGood ? 0 : 1;
            http.Response.StatusCode = isGood ? 204 : 400;
            return Task.CompletedTask;
        };
        await place.AppendAsync(3);
        place.Export(new MonitorDestination("dcr-0123456789abcdef0123456789abcdef", "Custom-Demarc")
        {
            Name = "siem",
            Url = monitor.Url,
            Types = ["test_event"],
            Place = ExportPlace.Out() with { Credential = new AzureCredential(null), Service = MonitorSender.Scope },
        });

        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Exported: 3 }]);

        Assert.Equal(0, refused);
        var row = JsonDocument.Parse(monitor.Taken.Single().Body).RootElement[0];
        Assert.Equal(("test_event", 6003), (row.GetProperty("ActivityType").GetString(), row.GetProperty("ClassUid").GetInt32()));
        Assert.Equal("test_event", row.GetProperty("Event").GetProperty("unmapped").GetProperty("type").GetString());
    }
}
