using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>The tap that puts a stream's content together: whatever events say, it neither throws nor makes what is no JSON array.</summary>
internal sealed class ContentTarget : FuzzTarget
{
    public override string Name => "content";

    public override string[] Pieces => ["\"content_block\":{\"type\":\"text\",\"text\":\"\"}", "\"index\":0,", "\"delta\":{\"type\":\"text_delta\",\"text\":\"a\"}", "\"partial_json\":\"{\"", "\"\\ud83d\"", "\n", "7\n", "[]\n", "null\n", "\"index\":\"0\","];

    // A line an event; starts and deltas in turn, as they would come.
    public override byte[] Generate(Dice dice) => Encoding.UTF8.GetBytes(Dice.Repeat(1 + dice.Below(5), () => (dice.Chance(40) ? Start(dice) : Delta(dice)).ReplaceLineEndings(" ") + "\n"));

    public override void Check(byte[] input)
    {
        var content = new AnswerContent(Dice.Of(input).Of(0, 5, 4096), thinking: input.Length % 2 == 0);
        foreach (var line in Encoding.Latin1.GetString(input).Split('\n'))
        {
            var bytes = Encoding.Latin1.GetBytes(line);
            if (bytes.AsSpan().IndexOf("content_block\""u8) >= 0)
                content.Start(bytes);
            content.Delta(bytes);
        }
        var json = content.ToJson();
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 200 });
        Assert.Equal(JsonValueKind.Array, document.RootElement.ValueKind);
        MessageIdentity.Of(new byte[32], json);
    }

    private static string Start(Dice dice) => JsonDice.Object(
        dice,
        ("type", "\"content_block_start\""),
        ("index", JsonDice.Number(dice)),
        ("content_block", dice.Below(5) switch
        {
            0 => JsonDice.Any(dice),
            1 => JsonDice.Object(dice, ("type", "\"tool_use\""), ("id", JsonDice.AnyText(dice)), ("name", JsonDice.AnyText(dice)), ("input", "{}")),
            2 => JsonDice.Object(dice, ("type", "\"thinking\""), ("thinking", "\"\""), ("signature", "\"\"")),
            _ => JsonDice.Object(dice, ("type", "\"text\""), ("text", "\"\""), ("x", JsonDice.Any(dice, 2))),
        }));

    private static string Delta(Dice dice) => JsonDice.Object(
        dice,
        ("type", "\"content_block_delta\""),
        ("index", dice.Of("0", "1", "2", JsonDice.Number(dice))),
        ("delta", JsonDice.Object(dice, ("type", "\"x_delta\""), (dice.Of("text", "partial_json", "thinking", "signature"), dice.Chance(20) ? JsonDice.Any(dice) : JsonDice.AnyText(dice)))));
}
