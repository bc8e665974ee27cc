using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using Demarc.Governance.Wire;

namespace Demarc.Proxy.Upstreams;

/// <summary>The client's own bytes but for splices: what goes out equals what came in elsewhere. It can be sent again.</summary>
internal sealed class SplicedContent : HttpContent
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly ReadOnlyMemory<byte> _body;
    private readonly Splice? _splice;
    private readonly Splice[] _more;
    private int _reading;
    private bool _wasSent;

    public SplicedContent(ReadOnlyMemory<byte> body, Splice? splice)
        : this(body, splice, [])
    {
    }

    /// <param name="splices">In ascending order.</param>
    public SplicedContent(ReadOnlyMemory<byte> body, Splice[] splices)
        : this(body, splices.Length > 0 ? splices[0] : null, splices)
    {
    }

    private SplicedContent(ReadOnlyMemory<byte> body, Splice? splice, Splice[] more)
    {
        (_body, _splice, _more) = (body, splice, more);
        Headers.ContentType = Json;
    }

    /// <summary>
    /// True when nobody reads the body any more. An upstream may answer before it has read all; until this is true
    /// the buffer is still in use.
    /// </summary>
    public bool IsSent => _wasSent && Volatile.Read(ref _reading) == 0;

    /// <summary>The SHA-256 of the bytes that are sent, in hex.</summary>
    public string Hash()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var from = 0;
        foreach (var splice in _more.Length == 0 && _splice is { } one ? [one] : _more)
        {
            hash.AppendData(_body.Span[from..splice.At.Start]);
            hash.AppendData(splice.Replacement);
            from = splice.At.End;
        }
        hash.AppendData(_body.Span[from..]);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _reading);
        try
        {
            if (_more.Length > 1)
            {
                await WriteAsync(stream, cancellationToken);
            }
            else if (_splice is { } splice)
            {
                await stream.WriteAsync(_body[..splice.At.Start], cancellationToken);
                await stream.WriteAsync(splice.Replacement, cancellationToken);
                await stream.WriteAsync(_body[splice.At.End..], cancellationToken);
            }
            else
            {
                await stream.WriteAsync(_body, cancellationToken);
            }
            _wasSent = true;
        }
        finally
        {
            Interlocked.Decrement(ref _reading);
        }
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _more.Length > 1 ? Splice.LengthAfter(_body.Length, _more) : _splice is { } one ? Splice.LengthAfter(_body.Length, [one]) : _body.Length;
        return true;
    }

    private async Task WriteAsync(Stream stream, CancellationToken stop)
    {
        var from = 0;
        foreach (var splice in _more)
        {
            await stream.WriteAsync(_body[from..splice.At.Start], stop);
            await stream.WriteAsync(splice.Replacement, stop);
            from = splice.At.End;
        }
        await stream.WriteAsync(_body[from..], stop);
    }
}
