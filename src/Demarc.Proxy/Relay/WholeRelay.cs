using System.Buffers;
using Demarc.Governance.Evidence;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Refusals;
using Demarc.Proxy.Settlement;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Relay;

/// <summary>
/// Relays an answer that comes in one piece: read whole, settled, then released. Provider errors keep their status,
/// <c>retry-after</c> and, in the Anthropic envelope, every byte: Claude Code matches on their wording.
/// </summary>
internal sealed class WholeRelay(Settler settler)
{
    // Room for the longest answer of any model, many times over.
    private const int MaxBytes = 64 << 20;

    /// <summary>Relays a 2xx answer or a provider's error.</summary>
    /// <exception cref="HttpRequestException">The provider broke off; nothing has been sent.</exception>
    public async Task RunAsync(Exchange x, HttpResponseMessage response, CancellationToken stop)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(Room(response));
        try
        {
            (buffer, var length) = await ReadAsync(x, response, buffer, stop);
            if (response.IsSuccessStatusCode)
                await AnswerAsync(x, response, buffer.AsMemory(0, length));
            else
                await ErrorAsync(x, response, buffer.AsMemory(0, length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private async Task AnswerAsync(Exchange x, HttpResponseMessage response, ReadOnlyMemory<byte> body)
    {
        // Cut off at a clean end of the connection: half an answer is none, and its retry is the client's to decide.
        if (!AnswerReader.TryReadMessage(body.Span, x.Answer, out var model, out var content))
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "The provider's answer is not JSON.");
        var captured = x.Captured is null || content.IsEmpty ? [] : content.Of(body.Span).ToArray();
        await settler.FinishAsync(
            x, Outcome.Answered, (int)response.StatusCode, Answering.Provider(response), captured, truncated: false, content.Length, body.Length);

        Answering.Head(x, response);
        if (x.AskedName is { } asked && x.Answer.Model == x.Deployment.Name && !model.IsEmpty)
            body = Splice.Apply(body.Span, [Splice.Text(Splice.Model, model, asked)]);
        if (x.Dialect == Dialect.Bedrock && x.Operation == Operation.CountTokens)
            body = BedrockCount.Answer(body);
        x.Http.Response.ContentLength = body.Length;
        await x.Http.Response.Body.WriteAsync(body, x.Http.RequestAborted);
    }

    private async Task ErrorAsync(Exchange x, HttpResponseMessage response, ReadOnlyMemory<byte> body)
    {
        var status = (int)response.StatusCode;
        var type = AnswerReader.ErrorType(body.Span);
        if (status is 401 or 403)
        {
            // Our credential, not the developer's: shown as theirs it would send them to sign in again.
            x.Answer.ErrorType = Refused.UpstreamCredential.Type;
            await SettleErrorAsync(x, response, Refused.UpstreamCredential.Status, body.Length);
            Answering.Receipt(x);
            await ErrorEnvelope.WriteAsync(
                x.Http, Refused.UpstreamCredential.Status, Refused.UpstreamCredential.Type,
                $"The provider did not accept the gateway's credential for \"{x.Deployment.Resource.Name}\". Nothing is wrong with yours: tell your administrator ({x.IdText}).",
                x.IdText, dialect: x.Dialect);
            return;
        }

        x.Answer.ErrorType = type ?? "api_error";
        await SettleErrorAsync(x, response, status, body.Length);
        Answering.Head(x, response);
        if (x.Dialect == Dialect.Bedrock && type is not null)
            body = CloudErrors.ForAws(body);
        x.Http.Response.ContentLength = body.Length;
        await x.Http.Response.Body.WriteAsync(body, x.Http.RequestAborted);
    }

    private async Task SettleErrorAsync(Exchange x, HttpResponseMessage response, int status, long bytes)
    {
        await settler.FinishAsync(x, Outcome.UpstreamError, status, Answering.Provider(response), [], truncated: false, 0, bytes);
    }

    private static async Task<(byte[] Buffer, int Length)> ReadAsync(Exchange x, HttpResponseMessage response, byte[] buffer, CancellationToken stop)
    {
        var stream = await response.Content.ReadAsStreamAsync(stop);
        var length = 0;
        while (true)
        {
            if (length == buffer.Length)
            {
                if (length >= MaxBytes)
                    throw new HttpRequestException($"The provider's answer is larger than {MaxBytes} bytes.");
                var larger = ArrayPool<byte>.Shared.Rent(length * 2);
                buffer.CopyTo(larger, 0);
                ArrayPool<byte>.Shared.Return(buffer);
                buffer = larger;
            }
            var read = await stream.ReadAsync(buffer.AsMemory(length), stop);
            if (read == 0)
                return (buffer, length);
            if (x.FirstByteUs == 0)
                x.FirstByteUs = x.ElapsedUs;
            length += read;
        }
    }

    private static int Room(HttpResponseMessage response) =>
        (int)Math.Clamp((response.Content.Headers.ContentLength ?? 4095) + 1, 256, MaxBytes);
}
