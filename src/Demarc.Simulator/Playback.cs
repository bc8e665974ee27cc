using System.IO.Compression;
using Demarc.Simulator.Logging;
using Demarc.Simulator.Messages;
using Demarc.Simulator.Scripts;

namespace Demarc.Simulator;

/// <summary>Sends an answer at the pace, and with the faults, that its rule asks for.</summary>
internal static class Playback
{
    // Kestrel does not tell when flushed bytes have reached the socket, and a reset discards what has not.
    private static readonly TimeSpan s_drain = TimeSpan.FromMilliseconds(30);

    public static async Task SendAsync(Exchange exchange, WireAnswer wire, ScriptRule? rule, int latencyMs)
    {
        await PauseAsync(exchange, latencyMs + (rule?.LatencyMs ?? 0));
        var fault = rule?.Fault;
        if (fault?.Kind == FaultKind.SilenceBeforeHeaders)
            await FallSilentAsync(exchange, fault);
        if (fault?.Kind == FaultKind.ResetBeforeHeaders)
        {
            exchange.Cut();
            return;
        }

        AddHeaders(exchange, wire, rule);
        if (rule is null or { Fault: null, FirstByteMs: 0, BetweenEventsMs: null })
            await SendAtOnceAsync(exchange, wire);
        else
            await SendPacedAsync(exchange, wire, rule);
    }

    private static void AddHeaders(Exchange exchange, WireAnswer wire, ScriptRule? rule)
    {
        var headers = exchange.Http.Response.Headers;
        foreach (var (name, value) in wire.Headers)
            headers[name] = value;
        if (wire.IsStream)
            headers.CacheControl = "no-cache";
        // A length would tell the client that a truncated whole answer is incomplete.
        var hasLength = !wire.IsStream && rule?.Fault?.Kind is not (FaultKind.Gzip or FaultKind.Truncate);
        exchange.Start(wire.Status, wire.ContentType, hasLength ? wire.Bytes.WrittenCount : null);
        foreach (var (name, value) in rule?.Headers ?? new Dictionary<string, string>())
            headers[name] = value;
    }

    private static async Task SendAtOnceAsync(Exchange exchange, WireAnswer wire)
    {
        await exchange.Http.Response.BodyWriter.WriteAsync(wire.Bytes.WrittenMemory);
        exchange.End(RequestOutcome.Completed);
    }

    private static async Task SendPacedAsync(Exchange exchange, WireAnswer wire, ScriptRule rule)
    {
        var fault = rule.Fault;
        var output = exchange.Http.Response.Body;
        if (fault?.Kind == FaultKind.Gzip)
        {
            exchange.Http.Response.Headers.ContentEncoding = "gzip";
            output = new GZipStream(output, CompressionLevel.Fastest, leaveOpen: true);
        }

        await exchange.Http.Response.StartAsync();
        await exchange.Http.Response.Body.FlushAsync(exchange.ClientGone);
        await PauseAsync(exchange, rule.FirstByteMs);
        for (var i = 0; i <= wire.Count; i++)
        {
            if (fault?.Kind == FaultKind.ResetMidStream && (i == fault.AfterEvents || i == wire.Count))
            {
                if (!wire.IsStream)
                    await WriteAsync(exchange, output, wire.Bytes.WrittenMemory[..(wire.Bytes.WrittenCount / 2)]);
                await Task.Delay(s_drain, exchange.Time);
                exchange.Cut();
                return;
            }

            if (fault?.Kind == FaultKind.Silence && i == Math.Min(fault.AfterEvents, wire.Count))
                await FallSilentAsync(exchange, fault);
            if (i == wire.Count)
                break;
            if (i > 0)
                await PauseAsync(exchange, rule.BetweenEventsMs ?? 0);
            if (fault?.Kind == FaultKind.Trickle)
                await TrickleAsync(exchange, output, wire[i], fault.DurationMs ?? 0);
            else
                await WriteAsync(exchange, output, rule.StampLastEvent && i == wire.Count - 1 ? exchange.Stamped(wire[i].Span) : wire[i]);
        }

        if (output is GZipStream)
            await output.DisposeAsync();
        exchange.End(RequestOutcome.Completed);
    }

    private static async Task TrickleAsync(Exchange exchange, Stream output, ReadOnlyMemory<byte> bytes, int pauseMs)
    {
        for (var i = 0; i < bytes.Length; i++)
        {
            await WriteAsync(exchange, output, bytes.Slice(i, 1));
            await PauseAsync(exchange, pauseMs);
        }
    }

    private static async Task WriteAsync(Exchange exchange, Stream output, ReadOnlyMemory<byte> bytes)
    {
        await output.WriteAsync(bytes, exchange.ClientGone);
        await output.FlushAsync(exchange.ClientGone);
    }

    private static Task PauseAsync(Exchange exchange, int milliseconds) =>
        milliseconds > 0 ? Task.Delay(TimeSpan.FromMilliseconds(milliseconds), exchange.Time, exchange.ClientGone) : Task.CompletedTask;

    private static Task FallSilentAsync(Exchange exchange, ScriptFault fault) =>
        Task.Delay(fault.DurationMs is { } duration ? TimeSpan.FromMilliseconds(duration) : Timeout.InfiniteTimeSpan, exchange.Time, exchange.ClientGone);
}
