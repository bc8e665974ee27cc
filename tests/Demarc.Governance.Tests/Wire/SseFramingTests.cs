using System.Text;
using Demarc.Governance.Wire;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Wire;

public sealed class SseFramingTests
{
    private const string Stream =
        "event: message_start\ndata: {\"type\":\"message_start\"}\n\n" +
        "event: ping\r\ndata: {}\r\n\r\n" +
        ": a comment\n\n" +
        "event:content_block_delta\rdata:{\"text\":\"ü\"}\r\r" +
        "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

    private static readonly SseEventKind[] Kinds =
        [SseEventKind.MessageStart, SseEventKind.Ping, SseEventKind.Other, SseEventKind.ContentBlockDelta, SseEventKind.MessageStop];

    [Fact]
    public void Events_are_found_wherever_the_stream_is_cut() =>
        Prop.ForAll<PositiveInt[]>(cuts =>
        {
            var bytes = Encoding.UTF8.GetBytes(Stream);
            var events = Frame(bytes, cuts.Length == 0 ? [bytes.Length] : [.. cuts.Select(c => 1 + c.Get % 40)]);
            return events.Count == Kinds.Length
                && events.SelectMany(e => e).SequenceEqual(bytes)
                && events.Select(e => SseFraming.Kind(e)).SequenceEqual(Kinds);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void One_byte_at_a_time_is_no_different()
    {
        var events = Frame(Encoding.UTF8.GetBytes(Stream), [1]);
        Assert.Equal(Kinds, events.Select(e => SseFraming.Kind(e)));
    }

    [Theory]
    [InlineData("event: x\ndata: {\"a\":1}\n\n", "{\"a\":1}")]
    [InlineData("data:{\"a\":1}\r\n\r\n", "{\"a\":1}")]
    [InlineData("event: ping\n\n", "")]
    [InlineData("datax: 1\n\n", "")]
    public void Data_is_found_without_its_field_name(string sse, string expected)
    {
        var bytes = Encoding.UTF8.GetBytes(sse);
        Assert.Equal(expected, Encoding.UTF8.GetString(SseFraming.Data(bytes).Of(bytes)));
    }

    // Feeds the bytes in pieces, as a relay reads them.
    private static List<byte[]> Frame(byte[] bytes, int[] pieces)
    {
        var events = new List<byte[]>();
        var buffer = new List<byte>();
        var scanned = 0;
        for (int at = 0, i = 0; at < bytes.Length; i++)
        {
            var piece = Math.Min(pieces[i % pieces.Length], bytes.Length - at);
            buffer.AddRange(bytes.AsSpan(at, piece));
            at += piece;
            while (SseFraming.EventLength(buffer.ToArray(), ref scanned) is var length and > 0)
            {
                events.Add([.. buffer.Take(length)]);
                buffer.RemoveRange(0, length);
            }
        }
        // A lone CR at the very end may be half of a CRLF: only more bytes or the end tell.
        return events;
    }
}
