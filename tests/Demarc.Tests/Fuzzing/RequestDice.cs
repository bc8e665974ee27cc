using Demarc.Governance.Wire;

namespace Demarc.Tests.Fuzzing;

/// <summary>Bodies of Messages requests: members that the decision reads, in shapes that it takes and shapes that it does not.</summary>
internal static class RequestDice
{
    public static string Body(Dice dice)
    {
        var members = new List<(string, string)>();
        void Maybe(int percent, string name, Func<string> value)
        {
            if (dice.Chance(percent))
                members.Add((name, dice.Chance(4) ? JsonDice.Any(dice) : value()));
        }

        Maybe(95, "model", () => JsonDice.Text(dice, dice.Of("sonnet", "claude-opus-4-8", "east/claude", "é", "", "a\u007fb", new string('m', 257))));
        Maybe(80, "max_tokens", () => JsonDice.Number(dice));
        Maybe(50, "stream", () => dice.Of("true", "false"));
        Maybe(90, "messages", () => JsonDice.Array(dice, dice.Below(4), () => Message(dice)));
        Maybe(30, "system", () => dice.Chance(50) ? JsonDice.AnyText(dice) : JsonDice.Array(dice, 1, () => Block(dice, 1)));
        Maybe(20, "metadata", () => JsonDice.Object(dice, ("user_id", JsonDice.AnyText(dice)), ("x", JsonDice.Any(dice))));
        Maybe(10, "fallbacks", () => dice.Chance(30) ? "\"default\"" : JsonDice.Array(dice, dice.Below(3), () => dice.Chance(50) ? JsonDice.AnyText(dice) : JsonDice.Object(dice, ("model", JsonDice.AnyText(dice)))));
        Maybe(10, "mcp_servers", () => JsonDice.Array(dice, dice.Below(2), () => JsonDice.Any(dice)));
        Maybe(10, "inference_geo", () => dice.Of("\"us\"", "\"global\"", "null", "\"\"", "7"));
        Maybe(10, "container", () => dice.Chance(50) ? "\"c1\"" : JsonDice.Object(dice, ("id", "\"c1\""), ("skills", JsonDice.Any(dice))));
        Maybe(20, "tools", () => JsonDice.Array(dice, dice.Below(3), () => Tool(dice)));
        Maybe(15, "anthropic_version", () => JsonDice.Text(dice, dice.Of("bedrock-2023-05-31", "vertex-2023-10-16", "2023-06-01")));
        Maybe(15, "anthropic_beta", () => JsonDice.Array(dice, dice.Below(3), () => JsonDice.Text(dice, dice.Of("a-1", "context-1m-2025-08-07", "ü", ""))));
        Maybe(10, "speed", () => dice.Of("\"fast\"", "\"standard\"", "\"\\ud800\"", "1"));
        Maybe(20, dice.Of("temperature", "unknown", "modél", "\\u006dodel"), () => JsonDice.Any(dice));
        return JsonDice.Space(dice) + JsonDice.Object(dice, [.. members]) + dice.Of("", "", "", "", "\n", " x", "{}");
    }

    /// <summary>How a body is to be read: by the forms of the three kinds of route.</summary>
    public static ScanOptions Options(Dice dice) => dice.Below(4) switch
    {
        0 => new ScanOptions(BodyForm.Bedrock, dice.Of("sonnet", "arn:aws:x/y"), dice.Chance(50)),
        1 => new ScanOptions(BodyForm.Vertex, "sonnet"),
        _ => new ScanOptions(BodyForm.Anthropic),
    };

    private static string Message(Dice dice) => JsonDice.Object(
        dice,
        ("role", dice.Of("\"user\"", "\"assistant\"")),
        ("content", dice.Chance(40) ? JsonDice.AnyText(dice) : JsonDice.Array(dice, dice.Below(4), () => Block(dice, 3))));

    private static string Block(Dice dice, int depth) => dice.Below(depth > 0 ? 6 : 2) switch
    {
        0 or 1 => JsonDice.Object(dice, ("type", "\"text\""), ("text", JsonDice.AnyText(dice)), ("cache_control", JsonDice.Any(dice, 1))),
        2 => JsonDice.Object(dice, ("type", dice.Of("\"image\"", "\"document\"")), ("source", Source(dice, depth - 1))),
        3 => JsonDice.Object(dice, ("type", "\"tool_result\""), ("tool_use_id", "\"t\""), ("content", JsonDice.Array(dice, dice.Below(3), () => Block(dice, depth - 1)))),
        4 => JsonDice.Object(dice, ("type", "\"tool_use\""), ("id", "\"t\""), ("name", "\"x\""), ("input", JsonDice.Any(dice, 2))),
        _ => JsonDice.Object(dice, ("type", "\"container_upload\""), ("file_id", JsonDice.Any(dice, 1))),
    };

    private static string Source(Dice dice, int depth)
    {
        var kind = dice.Of("base64", "url", "file", "text", "content");
        return JsonDice.Object(dice, ("type", $"\"{kind}\""), (dice.Of("data", "url", "file_id", "content"), kind == "content" ? JsonDice.Array(dice, 1, () => Block(dice, depth)) : JsonDice.Any(dice, 1)));
    }

    private static string Tool(Dice dice) => JsonDice.Object(
        dice,
        ("type", JsonDice.Text(dice, dice.Of("custom", "bash_20250124", "web_search_20250305", "web_search_20260209", "web_fetch_20250910", "code_execution_20250825", "advisor_1", "mcp_toolset", "new_thing"))),
        ("name", "\"x\""),
        (dice.Of("model", "input_schema", "allowed_callers"), dice.Chance(50) ? JsonDice.AnyText(dice) : JsonDice.Array(dice, dice.Below(3), () => dice.Of("\"direct\"", "\"code_execution_20250825\""))));
}
