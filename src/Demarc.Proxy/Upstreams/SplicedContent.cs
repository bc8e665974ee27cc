using System.Net;
using System.Net.Http.Headers;
using Demarc.Governance.Wire;

namespace Demarc.Proxy.Upstreams;

/// <summary>The client's own bytes with a few splices: what goes out equals what came in but for it.</summary>
internal sealed class SplicedContent : HttpContent
{
    private static readonly MediaTypeHeaderValue Json = new("application/json");

    private readonly ReadOnlyMemory<byte> _body;
    private readonly Splice[] _splices;

    public SplicedContent(ReadOnlyMemory<byte> body, Splice[] splices)
    {
        (_body, _splices) = (body, splices);
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
        var from = 0;
        foreach (var splice in _splices)
        {
            await stream.WriteAsync(_body[from..splice.At.Start], cancellationToken);
            await stream.WriteAsync(splice.Replacement, cancellationToken);
            from = splice.At.End;
        }
        await stream.WriteAsync(_body[from..], cancellationToken);
        IsSent = true;
    }

    protected override bool TryComputeLength(out long length)
    {
        length = Splice.LengthAfter(_body.Length, _splices);
        return true;
    }
}
