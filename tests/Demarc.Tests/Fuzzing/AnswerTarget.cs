using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>Answers are observed: no bytes make the reader throw, and of what is JSON it has the values that a document has.</summary>
internal sealed class AnswerTarget : FuzzTarget
{
    public override string Name => "answer";

    public override string[] Pieces => ["\"usage\":{", "\"input_tokens\":5,", "\"output_tokens\":7,", "\"iterations\":[{", "\"cache_creation\":{", "\"delta\":{", "\"error\":{", "\"type\":\"error\",", "\"\\ud800\"", "{", "}", "[", "]", ","];

    public override byte[] Generate(Dice dice) => Encoding.UTF8.GetBytes(dice.Below(3) switch
    {
        0 => JsonDice.Object(dice, ("type", "\"message_delta\""), ("delta", JsonDice.Object(dice, ("stop_reason", JsonDice.AnyText(dice)), ("x", JsonDice.Any(dice)))), ("usage", Usage(dice, 1))),
        1 => JsonDice.Object(dice, ("type", dice.Of("\"error\"", "\"x\"")), ("error", JsonDice.Object(dice, ("type", JsonDice.AnyText(dice)), ("message", JsonDice.AnyText(dice))))),
        _ => JsonDice.Object(
            dice, ("id", JsonDice.AnyText(dice)), ("type", "\"message\""), ("model", JsonDice.AnyText(dice)), ("stop_reason", dice.Of("null", "\"end_turn\"")),
            ("content", JsonDice.Array(dice, dice.Below(3), () => JsonDice.Any(dice))), ("usage", Usage(dice, 1))),
    });

    public override void Check(byte[] input)
    {
        AnswerReader.ErrorType(input);
        AnswerReader.ReadMessageStart(input, new AnswerFacts(), out _);
        var delta = new AnswerFacts();
        AnswerReader.ReadMessageDelta(input, delta);
        var facts = new AnswerFacts();
        var isRead = AnswerReader.TryReadMessage(input, facts, out var model, out var content);
        Assert.True(isRead || facts.Usage is null);
        using var document = Parse(input);
        // What stands twice is read twice, and halves of surrogate pairs are no text: documents take both.
        if (document is null || document.RootElement.ValueKind != JsonValueKind.Object || !isRead || HasTwice(document.RootElement))
            return;
        var root = document.RootElement;
        Assert.Equal(Text(root, "model"), facts.Model);
        Assert.Equal(Text(root, "id"), facts.Id);
        // As bytes: what is not UTF-8 has no text.
        var raw = root.TryGetProperty("model", out var named) ? JsonMarshal.GetRawUtf8Value(named) : default;
        Assert.Equal(named.ValueKind is JsonValueKind.Object or JsonValueKind.Array ? raw[..1] : raw, model.Of(input));
        Assert.Equal(root.TryGetProperty("content", out var list) ? JsonMarshal.GetRawUtf8Value(list) : default, content.Of(input));
        if (root.TryGetProperty("usage", out var usage) && usage.ValueKind == JsonValueKind.Object)
        {
            Assert.Equal(Number(usage, "input_tokens"), facts.Usage!.InputTokens);
            Assert.Equal(Number(usage, "output_tokens"), facts.Usage.OutputTokens);
            Assert.Equal(Number(usage, "cache_read_input_tokens"), facts.Usage.CacheRead);
            Assert.True(facts.Usage.CacheWrite5m >= 0 && facts.Usage.CacheWrite1h >= 0);
        }
    }

    private static JsonDocument? Parse(byte[] input)
    {
        try
        {
            return JsonDocument.Parse(input);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool HasTwice(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
            return value.EnumerateArray().Any(HasTwice);
        if (value.ValueKind != JsonValueKind.Object)
            return false;
        try
        {
            return value.EnumerateObject().GroupBy(m => m.Name).Any(g => g.Count() > 1) || value.EnumerateObject().Any(m => HasTwice(m.Value));
        }
        catch (InvalidOperationException)
        {
            return true;
        }
    }

    private static string? Text(JsonElement root, string name)
    {
        try
        {
            return root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // What is not UTF-8 is no text.
            return null;
        }
    }

    private static long Number(JsonElement usage, string name) => usage.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count) ? Math.Max(0, count) : 0;

    private static string Usage(Dice dice, int depth) => JsonDice.Object(
        dice,
        [
            ("input_tokens", JsonDice.Number(dice)), ("output_tokens", JsonDice.Number(dice)), ("cache_read_input_tokens", JsonDice.Any(dice, 1)),
            ("cache_creation_input_tokens", JsonDice.Number(dice)),
            ("cache_creation", JsonDice.Object(dice, ("ephemeral_5m_input_tokens", JsonDice.Number(dice)), ("ephemeral_1h_input_tokens", JsonDice.Any(dice, 1)))),
            ("server_tool_use", JsonDice.Any(dice, 1)), ("service_tier", JsonDice.AnyText(dice)),
            .. depth > 0 && dice.Chance(30) ? new (string, string)[] { ("iterations", JsonDice.Array(dice, dice.Below(3), () => Usage(dice, depth - 1))) } : [],
        ]);
}
