using System.Buffers;
using System.Text.Json;
using Demarc.Simulator.Platforms;

namespace Demarc.Simulator.Messages;

/// <summary>Answers to count-tokens requests: a quarter of the body's bytes, as in usage.</summary>
internal static class TokenCount
{
    public static byte[] Write(Platform platform, ReadOnlyMemory<byte> body)
    {
        var output = new ArrayBufferWriter<byte>(32);
        output.Write(platform == Platform.Bedrock ? "{\"inputTokens\":"u8 : "{\"input_tokens\":"u8);
        output.Put(EscapedText.Tokens(platform == Platform.Bedrock ? InvokeBodyLength(body) : body.Length));
        output.Write("}"u8);
        return output.WrittenSpan.ToArray();
    }

    /// <summary>Bedrock's CountTokens carries the body of the call it asks about: <c>{"input":{"invokeModel":{"body":base64}}}</c>.</summary>
    private static int InvokeBodyLength(ReadOnlyMemory<byte> body)
    {
        using var document = JsonDocument.Parse(body);
        return document.RootElement.TryGetProperty("input", out var input)
            && input.TryGetProperty("invokeModel", out var invoke)
            && invoke.TryGetProperty("body", out var inner)
            && inner.TryGetBytesFromBase64(out var bytes) ? bytes.Length : body.Length;
    }
}
