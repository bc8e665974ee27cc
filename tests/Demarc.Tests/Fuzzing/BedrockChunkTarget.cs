using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>A chunk becomes one whole event that says the same, or none.</summary>
internal sealed class BedrockChunkTarget : FuzzTarget
{
    public override string Name => "bedrock-chunk";

    public override string[] Pieces => ["{\"bytes\":\"", "\"}", "eyJ0eXBlIjoicGluZyJ9", "\"message\":\"no\"", "=", "\\u003d", "\n"];

    public override byte[] Generate(Dice dice)
    {
        var json = JsonDice.Object(dice, ("type", dice.Of("\"ping\"", "\"message_start\"", "\"a b\"", "\"x\\n\"")), ("x", JsonDice.Any(dice)));
        return Encoding.UTF8.GetBytes(JsonDice.Object(dice, ("bytes", $"\"{Convert.ToBase64String(Encoding.UTF8.GetBytes(json))}\""), ("p", JsonDice.AnyText(dice))));
    }

    public override void Check(byte[] input)
    {
        BedrockChunk.Message(input);
        var output = new ArrayBufferWriter<byte>();
        if (!BedrockChunk.TryWrite(input, output))
        {
            Assert.Equal(0, output.WrittenCount);
            return;
        }
        var scanned = 0;
        Assert.Equal(output.WrittenCount, SseFraming.EventLength(output.WrittenSpan, ref scanned));
        using var said = JsonDocument.Parse(Carried(input));
        using var shown = JsonDocument.Parse(SseFraming.Data(output.WrittenSpan).Of(output.WrittenSpan).ToArray());
        Assert.Equal(Dense(said.RootElement), Dense(shown.RootElement));
    }

    // Bytes: what is no UTF-8 passes as it came.
    private static byte[] Dense(JsonElement value) => [.. JsonMarshal.GetRawUtf8Value(value).ToArray().Where(b => b is not ((byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n'))];

    // The payload is read up to what is looked for: what follows may be no JSON.
    private static byte[] Carried(byte[] input)
    {
        var reader = new Utf8JsonReader(input);
        reader.Read();
        while (reader.Read() && !reader.ValueTextEquals("bytes"))
        {
            reader.Read();
            reader.Skip();
        }
        reader.Read();
        return reader.GetBytesFromBase64();
    }
}
