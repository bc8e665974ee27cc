using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Demarc.Governance.Wire;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Wire;

public sealed class AwsEventStreamReaderTests
{
    private static readonly byte[] s_chunk = Message(Chunk("""{"type":"message_stop"}"""), (":event-type", "chunk"), (":message-type", "event"));

    [Fact]
    public void A_message_is_read_once_it_is_whole()
    {
        byte[] bytes = [.. s_chunk, .. s_chunk];
        for (var length = 0; length < s_chunk.Length; length++)
            Assert.Equal(EventStreamRead.Partial, AwsEventStreamReader.Read(bytes.AsSpan(0, length), out _));

        Assert.Equal(EventStreamRead.Message, AwsEventStreamReader.Read(bytes, out var message));
        Assert.Equal((s_chunk.Length, "event", "chunk"), (message.Length, message.Type, message.Name));
        var sse = new ArrayBufferWriter<byte>();
        Assert.True(BedrockChunk.TryWrite(message.Payload.Of(bytes), sse));
        Assert.Equal("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n", Encoding.UTF8.GetString(sse.WrittenSpan));
    }

    [Fact]
    public void An_exception_keeps_its_name_and_words()
    {
        var bytes = Message("""{"message":"slow down"}"""u8.ToArray(), (":exception-type", "throttlingException"), (":message-type", "exception"));

        Assert.Equal(EventStreamRead.Message, AwsEventStreamReader.Read(bytes, out var message));
        Assert.Equal(("exception", "throttlingException", "slow down"), (message.Type, message.Name, BedrockChunk.Message(message.Payload.Of(bytes))));
    }

    [Fact]
    public void No_changed_byte_goes_unnoticed()
    {
        for (var at = 0; at < s_chunk.Length; at++)
        {
            for (var bit = 0; bit < 8; bit++)
            {
                var bytes = s_chunk.ToArray();
                bytes[at] ^= (byte)(1 << bit);
                Assert.Equal(EventStreamRead.Broken, AwsEventStreamReader.Read(bytes, out _));
            }
        }
    }

    [Fact]
    public void Whatever_comes_is_read_or_refused_and_never_throws() =>
        Prop.ForAll<byte[], byte[]>((headers, payload) =>
        {
            // Right sums around wrong headers: what stands within is the reader's own to check.
            var bytes = Frame(headers, payload);
            var read = AwsEventStreamReader.Read(bytes, out var message);
            AwsEventStreamReader.Read(headers, out _);
            BedrockChunk.TryWrite(payload, new ArrayBufferWriter<byte>());
            BedrockChunk.Message(payload);
            return read == EventStreamRead.Broken || message.Payload.Of(bytes).SequenceEqual(payload);
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(uint.MaxValue, 0u)]
    [InlineData(0u, 0u)]
    [InlineData(15u, 0u)]
    [InlineData(100u, 85u)]
    public void Lengths_that_cannot_be_are_refused_before_anything_is_awaited(uint total, uint headers)
    {
        var prelude = new byte[12];
        BinaryPrimitives.WriteUInt32BigEndian(prelude, total);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(4), headers);
        BinaryPrimitives.WriteUInt32BigEndian(prelude.AsSpan(8), Crc32.Of(prelude.AsSpan(0, 8)));
        Assert.Equal(EventStreamRead.Broken, AwsEventStreamReader.Read(prelude, out _));
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"bytes":7}""")]
    [InlineData("""{"bytes":"%%"}""")]
    [InlineData("""{"bytes":"e30="}""")]
    public void A_chunk_without_an_event_is_none(string payload) =>
        Assert.False(BedrockChunk.TryWrite(Encoding.UTF8.GetBytes(payload), new ArrayBufferWriter<byte>()));

    [Fact]
    public void Nothing_within_a_chunk_can_end_its_event_early()
    {
        var sse = new ArrayBufferWriter<byte>();
        Assert.True(BedrockChunk.TryWrite(Chunk("{\"type\":\"ping\",\n\r\n\"x\":1}"), sse));
        Assert.Equal("event: ping\ndata: {\"type\":\"ping\",   \"x\":1}\n\n", Encoding.UTF8.GetString(sse.WrittenSpan));
        Assert.False(BedrockChunk.TryWrite(Chunk("{\"type\":\"ping\\n\\nevent: error\"}"), new ArrayBufferWriter<byte>()));
    }

    private static byte[] Chunk(string json) => Encoding.UTF8.GetBytes($"{{\"bytes\":\"{Convert.ToBase64String(Encoding.UTF8.GetBytes(json))}\",\"p\":\"abc\"}}");

    private static byte[] Message(byte[] payload, params (string Name, string Value)[] headers) => Frame(
        [.. headers.SelectMany(h => (byte[])[(byte)h.Name.Length, .. Encoding.UTF8.GetBytes(h.Name), 7, 0, (byte)h.Value.Length, .. Encoding.UTF8.GetBytes(h.Value)])],
        payload);

    private static byte[] Frame(byte[] headers, byte[] payload)
    {
        var bytes = new byte[16 + headers.Length + payload.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, bytes.Length);
        BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(4), headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), Crc32.Of(bytes.AsSpan(0, 8)));
        headers.CopyTo(bytes, 12);
        payload.CopyTo(bytes, 12 + headers.Length);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(bytes.Length - 4), Crc32.Of(bytes.AsSpan(0, bytes.Length - 4)));
        return bytes;
    }
}
