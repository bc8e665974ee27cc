using System.Buffers;
using Demarc.Governance.Wire;
using Demarc.Proxy.Refusals;
using Microsoft.Extensions.Logging;

namespace Demarc.Proxy.Upstreams;

/// <summary>
/// Bedrock's event stream, read as the server-sent events of the Messages API. Bedrock sends no pings; where it falls
/// silent they are put in, between events, so that nobody on the way takes the stream for dead.
/// </summary>
internal sealed partial class BedrockSseStream(Stream source, string requestId, string deployment, TimeProvider time, ILogger log) : Stream
{
    private static readonly TimeSpan s_pingAfter = TimeSpan.FromSeconds(15);

    // Ten minutes: a model that is silent for longer has left, and our own pings must not hide it.
    private const int MaxPings = 40;

    private readonly ArrayBufferWriter<byte> _out = new(4096);
    private byte[] _in = new byte[16 << 10];
    private int _filled;
    private int _sent;
    private int _pings;
    private bool _ended;
    private Task<int>? _reading;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (_sent == _out.WrittenCount)
        {
            if (_ended)
                return 0;
            _out.ResetWrittenCount();
            _sent = 0;
            await FillAsync(cancellationToken);
        }
        var length = Math.Min(buffer.Length, _out.WrittenCount - _sent);
        _out.WrittenMemory.Slice(_sent, length).CopyTo(buffer);
        _sent += length;
        return length;
    }

    private async ValueTask FillAsync(CancellationToken stop)
    {
        if (_filled == _in.Length)
            Array.Resize(ref _in, _in.Length * 2);
        _reading ??= source.ReadAsync(_in.AsMemory(_filled), stop).AsTask();
        int read;
        try
        {
            read = _reading.IsCompleted ? await _reading : await _reading.WaitAsync(s_pingAfter, time, stop);
        }
        catch (TimeoutException) when (!_reading.IsCompleted)
        {
            if (++_pings > MaxPings)
                throw new IOException("Bedrock has been silent for ten minutes.");
            _out.Write("event: ping\ndata: {\"type\": \"ping\"}\n\n"u8);
            return;
        }
        _reading = null;
        _pings = 0;
        if (read == 0)
        {
            _ended = true;
            if (_filled > 0)
                throw new IOException("Bedrock's stream ended within a message.");
            return;
        }
        _filled += read;
        Decode();
    }

    private void Decode()
    {
        var from = 0;
        while (!_ended)
        {
            var status = AwsEventStreamReader.Read(_in.AsSpan(from, _filled - from), out var message);
            if (status == EventStreamRead.Partial)
                break;
            if (status == EventStreamRead.Broken)
                throw new IOException("Bedrock's stream is not an AWS event stream any more: a checksum or length is wrong.");
            Write(message, message.Payload.Of(_in.AsSpan(from, message.Length)));
            from += message.Length;
        }
        _in.AsSpan(from, _filled - from).CopyTo(_in);
        _filled -= from;
    }

    private void Write(EventStreamMessage message, ReadOnlySpan<byte> payload)
    {
        if (message.Type == "event")
        {
            // Events of other names, and chunks without bytes, say nothing that a Messages client knows.
            if (message.Name == "chunk" && !BedrockChunk.TryWrite(payload, _out))
                throw new IOException("A chunk of Bedrock's stream holds no event.");
            return;
        }
        var words = BedrockChunk.Message(payload);
        LogException(requestId, deployment, message.Name, words);
        var (type, text) = ProviderErrors.Translate(message.Name, 0, words, deployment, requestId);
        _out.Write(ErrorEnvelope.Event(type, text, requestId));
        _ended = true;
    }

    [LoggerMessage(1111, LogLevel.Warning, "{Request}: the stream of {Deployment} ended with {Exception}: {Words}")]
    private partial void LogException(string request, string deployment, string exception, string words);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
            source.Dispose();
        base.Dispose(disposing);
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read it asynchronously.");

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}
