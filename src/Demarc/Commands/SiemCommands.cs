using System.CommandLine;
using System.Globalization;
using Demarc.Control.AdminApi;
using Demarc.Control.Configuration;
using Demarc.Control.Exports;
using Demarc.Storage.Evidence;

namespace Demarc.Commands;

/// <summary><c>demarc export siem</c>: how far the destinations of activities have come, and setting them back.</summary>
internal static class SiemCommands
{
    private sealed record Status(string Name, ExportDestination? Destination, ExportCursor? Cursor, ExportLag? Lag);

    public static Command Create() => new("siem", "Destinations of activities (the configuration's exports): how far they have come, and sending again") { ShowStatus(), Rewind() };

    private static Command ShowStatus() => new Command("status", "How far each destination has come, how far it is behind, and why").Runs(async context =>
    {
        var installation = await context.OpenAsync();
        var (store, organization) = (installation.Store, installation.Organization.Id);
        var cursors = (await store.Exports.ListAsync(organization)).ToDictionary(c => c.Name);
        var destinations = context.Files.Config.Exports.ToDictionary(d => d.Name);
        var all = new List<Status>();
        foreach (var name in destinations.Keys.Union(cursors.Keys).Order(StringComparer.Ordinal))
        {
            var cursor = cursors.GetValueOrDefault(name);
            all.Add(new Status(name, destinations.GetValueOrDefault(name), cursor, cursor is null ? null : await store.Exports.LagAsync(organization, cursor)));
        }
        var now = context.Time.GetUtcNow().ToUnixTimeMilliseconds();
        context.Output.List(
            all,
            s => new
            {
                s.Name,
                Kind = s.Destination?.Kind,
                Address = s.Destination?.Address,
                State = State(s),
                Position = s.Cursor?.Position,
                Exported = s.Cursor?.Exported,
                LastSentAt = Rfc3339.Text(s.Cursor?.SentAt),
                LagActivities = s.Lag?.Activities,
                LagSeconds = Seconds(s.Lag, now),
                Failures = s.Cursor?.Failures,
                Problem = s.Cursor?.Problem,
            },
            "The configuration has no exports. See docs/siem.md.",
            ["name", "kind", "state", "position", "sent", "last sent", "behind", "seconds behind", "problem"],
            s =>
            [
                s.Name, s.Destination?.Kind, State(s), Number(s.Cursor?.Position), Number(s.Cursor?.Exported), Output.Minute(s.Cursor?.SentAt), Number(s.Lag?.Activities), Number(Seconds(s.Lag, now)),
                s.Cursor?.Problem,
            ]);
    });

    private static Command Rewind()
    {
        var name = new Argument<string>("NAME") { Description = "The destination" };
        var from = new Option<string>("--from") { Description = "A UTC day such as 2026-11-01, a time such as 2026-11-01T08:00:00Z, or start", Required = true };
        return new Command("rewind", "Send again, from a time on; a time ahead of where it is skips what lies between") { name, from }.Runs(async context =>
        {
            var text = context.Get(from)!;
            var at = text == "start" ? 0 : ExportSection.ReadTime(text)
                ?? throw new CommandException($"--from {text}: give a day such as 2026-11-01, a time such as 2026-11-01T08:00:00Z, or start.");
            var installation = await context.OpenAsync();
            var (store, organization) = (installation.Store, installation.Organization.Id);
            var position = at == 0 ? 0 : await store.Exports.PositionBeforeAsync(organization, at);
            if (await store.Exports.RewindAsync(organization, context.Get(name), position, context.Actor) is not { } before)
                throw new CommandException($"Nothing was ever exported to {context.Get(name)}: demarc export siem status lists the destinations.");
            context.Output.Done(
                new { Name = context.Get(name), PreviousPosition = before, Position = position },
                $"{context.Get(name)} goes on from position {position}; it was at {before}.");
        });
    }

    private static string State(Status status) =>
        status.Destination is null ? "not configured"
        : status.Cursor is null ? "waiting"
        : status.Cursor.Failures > 0 ? "failing"
        : status.Lag is { OldestAt: not null } ? "behind" : "current";

    private static long? Seconds(ExportLag? lag, long now) => lag is null ? null : lag.OldestAt is { } oldest ? Math.Max(0, (now - oldest) / 1000) : 0;

    private static string? Number(long? value) => value?.ToString(CultureInfo.InvariantCulture);
}
