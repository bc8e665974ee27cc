using System.Buffers;
using System.IO.Pipelines;
using System.Text;
using Microsoft.AspNetCore.Connections;

namespace Demarc.Simulator.Logging;

/// <summary>
/// Keeps the bytes of each request's head as they came, because Kestrel's own header collection forgets
/// the order and spelling of the names it knows. HTTP/1.1 only.
/// </summary>
internal sealed class RequestHeadTap : PipeReader
{
    private readonly PipeReader _inner;
    private readonly ArrayBufferWriter<byte> _consumed = new();
    private ReadOnlySequence<byte> _buffer;
    private bool _recording = true;

    private RequestHeadTap(PipeReader inner) => _inner = inner;

    internal static ConnectionDelegate Attach(ConnectionDelegate next) => async connection =>
    {
        var tap = new RequestHeadTap(connection.Transport.Input);
        connection.Transport = new Duplex(tap, connection.Transport.Output);
        connection.Features.Set(tap);
        await next(connection);
    };

    /// <summary>
    /// The header lines of the request that Kestrel has just handed over. Before its request line the tap may have seen
    /// the end of a chunked body; the line itself is not the client's any more, as Kestrel decodes paths in place.
    /// </summary>
    internal KeyValuePair<string, string>[] TakeHead()
    {
        _recording = false;
        var seen = _consumed.WrittenSpan;
        var start = seen.IndexOf(" HTTP/1."u8);
        if (start < 0)
            throw new InvalidOperationException("the connection's bytes hold no request line, though Kestrel parsed one");
        var lines = Encoding.Latin1.GetString(seen[start..]).Split("\r\n");
        _consumed.ResetWrittenCount();

        var headers = new List<KeyValuePair<string, string>>(lines.Length);
        foreach (var line in lines.Skip(1).TakeWhile(line => line.Length > 0))
        {
            var colon = line.IndexOf(':', StringComparison.Ordinal);
            headers.Add(new(line[..colon], line[(colon + 1)..].Trim()));
        }

        return [.. headers];
    }

    /// <summary>The request has been read: what follows on the connection is the next head.</summary>
    internal void Resume() => _recording = true;

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        var result = await _inner.ReadAsync(cancellationToken);
        _buffer = result.Buffer;
        return result;
    }

    public override bool TryRead(out ReadResult result)
    {
        var read = _inner.TryRead(out result);
        _buffer = result.Buffer;
        return read;
    }

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (_recording)
        {
            foreach (var segment in _buffer.Slice(_buffer.Start, consumed))
                _consumed.Write(segment.Span);
        }

        _buffer = default;
        _inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => _inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => _inner.Complete(exception);

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}
