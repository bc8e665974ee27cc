using System.Buffers;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary>A request's whole body in a pooled buffer. Given back once, by the one who knows that nobody reads it any more.</summary>
internal sealed class RequestBody
{
    private const int FirstChunk = 16 << 10;

    private byte[] _buffer;

    private RequestBody(byte[] buffer, int length) => (_buffer, Length) = (buffer, length);

    public int Length { get; }

    public ReadOnlyMemory<byte> Memory => _buffer.AsMemory(0, Length);

    public ReadOnlySpan<byte> Span => _buffer.AsSpan(0, Length);

    /// <summary>Null when the body is larger than <paramref name="maxBytes"/>.</summary>
    public static async ValueTask<RequestBody?> ReadAsync(HttpRequest request, long maxBytes, CancellationToken stop)
    {
        if (request.ContentLength > maxBytes)
            return null;
        var buffer = ArrayPool<byte>.Shared.Rent(request.ContentLength is { } known ? Math.Max((int)known, 1) : FirstChunk);
        var length = 0;
        try
        {
            while (request.ContentLength != length)
            {
                if (length == buffer.Length)
                    buffer = Grow(buffer, maxBytes);
                var read = await request.Body.ReadAsync(buffer.AsMemory(length), stop);
                if (read == 0)
                    break;
                length += read;
                if (length > maxBytes)
                {
                    ArrayPool<byte>.Shared.Return(buffer);
                    return null;
                }
            }
        }
        catch
        {
            ArrayPool<byte>.Shared.Return(buffer);
            throw;
        }
        return new RequestBody(buffer, length);
    }

    /// <summary>A copy of bytes that were read in another form.</summary>
    public static RequestBody Of(ReadOnlySpan<byte> bytes)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(bytes.Length, 1));
        bytes.CopyTo(buffer);
        return new RequestBody(buffer, bytes.Length);
    }

    public void Return()
    {
        var buffer = Interlocked.Exchange(ref _buffer, []);
        if (buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(buffer);
    }

    /// <summary>Leaves the buffer to the collector: somebody may still be reading it.</summary>
    public void Abandon() => Interlocked.Exchange(ref _buffer, []);

    // One byte past the limit is enough to know that it is passed.
    private static byte[] Grow(byte[] buffer, long maxBytes)
    {
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min((long)buffer.Length * 2, maxBytes + 1));
        buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(buffer);
        return larger;
    }
}
