using System.Net;
using System.Net.Http.Headers;
using Demarc.Governance.Wire;

namespace Demarc.Proxy.Upstreams;

/// <summary>The client's own bytes with at most one splice: what goes out equals what came in but for it.</summary>
internal sealed class SplicedContent : HttpContent
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly ReadOnlyMemory<byte> _body;
    private readonly Splice? _splice;

    public SplicedContent(ReadOnlyMemory<byte> body, Splice? splice)
    {
        (_body, _splice) = (body, splice);
        Headers.ContentType = Json;
    }

    /// <summary>
    /// True when nobody reads the body any more. An upstream may answer before it has read all; until this is true
    /// the buffer is still in use.
    /// </summary>
    public bool IsSent { get; private set; }

    protected override Task SerializeToStreamAsync(Stream stream, TransportContext? context) => SerializeToStreamAsync(stream, context, CancellationToken.None);

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context, CancellationToken cancellationToken)
    {
        if (_splice is { } splice)
        {
            await stream.WriteAsync(_body[..splice.At.Start], cancellationToken);
            await stream.WriteAsync(splice.Replacement, cancellationToken);
            await stream.WriteAsync(_body[splice.At.End..], cancellationToken);
        }
        else
        {
            await stream.WriteAsync(_body, cancellationToken);
        }
        IsSent = true;
    }

    protected override bool TryComputeLength(out long length)
    {
        length = _splice is { } splice ? Splice.LengthAfter(_body.Length, [splice]) : _body.Length;
        return true;
    }
}
