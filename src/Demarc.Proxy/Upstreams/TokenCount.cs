using System.Text;
using System.Text.Json;

namespace Demarc.Proxy.Upstreams;

/// <summary>Bedrock's count of tokens, <c>{"inputTokens"}</c>, as the Messages API has it.</summary>
internal static class TokenCount
{
    /// <exception cref="HttpRequestException">The answer has no count.</exception>
    public static byte[] FromBedrock(byte[] answer)
    {
        try
        {
            using var document = JsonDocument.Parse(answer);
            return Encoding.ASCII.GetBytes($"{{\"input_tokens\":{document.RootElement.GetProperty("inputTokens").GetInt64()}}}");
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new HttpRequestException(HttpRequestError.InvalidResponse, "Bedrock's answer holds no count of tokens.", e);
        }
    }
}
