using System.Text.Json;
using Demarc.Control.Exports;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>Against a real rsyslogd.</summary>
public sealed class SyslogExportTests
{
    private static SyslogDestination To(Rsyslog server, bool isCef = false, string host = "localhost") =>
        new(host, server.Port, server.IsTls, isCef, server.Authority) { Name = "siem", Types = ["test_event"] };

    [Theory, InlineData(false), InlineData(true)]
    public async Task Every_message_is_read_whole_by_its_length_over_TCP_and_over_TLS(bool isTls)
    {
        await using var server = await Rsyslog.StartAsync(isTls);
        await using var place = await ExportPlace.StartAsync();
        await place.AppendAsync(700);
        place.Export(To(server));
        await ExportPlace.UntilAsync(() => server.Lines.Length == 700);

        // Facility 13, severity 6; the name of the program; the type as the message's id.
        Assert.All(server.Lines, line => Assert.StartsWith("110 demarc test_event 20", line, StringComparison.Ordinal));
        var positions = server.Lines.Select(Position).ToArray();
        Assert.Equal(positions.Order(), positions);
        Assert.Equal(700, positions.Distinct().Count());
    }

    [Fact]
    public async Task What_a_killed_server_had_not_written_is_sent_to_the_next()
    {
        await using var server = await Rsyslog.StartAsync(isTls: false);
        await using var place = await ExportPlace.StartAsync();
        place.Export(To(server));
        await place.AppendAsync(300);
        await ExportPlace.UntilAsync(() => server.Lines.Length > 0);
        await server.KillAsync();
        await place.AppendAsync(300);
        await server.RunAsync();

        // What was being written at the kill is cut off, and the next server's first line follows right behind it.
        await ExportPlace.UntilAsync(
            () => server.Lines.Where(l => l.EndsWith('}')).Select(l => Position(l[l.LastIndexOf("110 demarc ", StringComparison.Ordinal)..])).Distinct().Count() == 600);
    }

    [Fact]
    public async Task A_server_that_another_authority_vouches_for_gets_nothing()
    {
        await using var server = await Rsyslog.StartAsync(isTls: true);
        await using var place = await ExportPlace.StartAsync();
        await place.AppendAsync(3);
        // Its certificate is for another name, too.
        place.Export(To(server) with { CertificateAuthorities = null }, To(server, host: "127.0.0.1") with { Name = "other" });

        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Failures: > 0, Position: 0 }, { Failures: > 0, Position: 0 }]);

        Assert.Empty(server.Lines);
    }

    [Fact]
    public async Task CEF_escapes_what_would_end_a_field()
    {
        await using var server = await Rsyslog.StartAsync(isTls: false);
        await using var place = await ExportPlace.StartAsync();
        await place.Store.RecordAsync(ExportPlace.Organization, new("user", "user_1", "a@b.example", IpAddress: "192.0.2.1", UserAgent: "x|y=z\\"), "test_event", new() { ["why"] = "a=b\nc" });
        await place.AppendAsync(0);
        place.Export(To(server, isCef: true));
        await ExportPlace.UntilAsync(() => server.Lines.Length == 1);

        Assert.Contains("CEF:0|Demarc|Demarc|", server.Lines[0], StringComparison.Ordinal);
        Assert.Contains("|test_event|test event|1|rt=", server.Lines[0], StringComparison.Ordinal);
        Assert.Contains(@" suid=user_1 suser=a@b.example src=192.0.2.1 requestClientApplication=x|y\=z\\ ", server.Lines[0].Replace(@"\\\\", @"\\", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Contains(@"cs5=why\=a\=b\nc", server.Lines[0], StringComparison.Ordinal);
    }

    private static long Position(string line) => Collector.Position(JsonDocument.Parse(line[line.IndexOf('{', StringComparison.Ordinal)..]).RootElement);
}
