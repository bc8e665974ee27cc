using System.Text;
using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>A filter's text (UTF-16, halves of pairs too) reads as the same filter; what is none is refused as such; and one that is read can be asked of a person.</summary>
internal sealed class ScimFilterTarget : FuzzTarget
{
    private static readonly JsonObject Person = (JsonObject)JsonNode.Parse("""
        {"userName":"zed@corp.example","active":true,"name":{"givenName":"Zed"},"emails":[{"value":"zed@corp.example","type":"work","primary":true}],"meta":{"created":"2026-11-22T12:00:00Z"}}
        """)!;

    public override string Name => "scim-filter";

    public override string[] Pieces => [" and ", " or ", "not (", "(", ")", "[", "]", " eq ", " pr", "userName", "\"x\"", "\\u", "urn:ietf:params:scim:schemas:core:2.0:User:", "emails[type eq \"work\"]", ".", "1e400", "\ud83d\ude00"];

    public override byte[] Generate(Dice dice) => Encoding.Unicode.GetBytes(Filter(dice, 4));

    public override void Check(byte[] input)
    {
        var text = System.Runtime.InteropServices.MemoryMarshal.Cast<byte, char>(input).ToString();
        Path(text);
        if (Try(() => ScimFilterParser.Parse(text)) is not { } filter)
            return;
        var again = ScimFilterParser.Parse(filter.ToString());
        Assert.Equal(filter.ToString(), again.ToString());
        Assert.Equal(Answer(filter), Answer(again));
    }

    private static void Path(string text)
    {
        if (Try(() => ScimFilterParser.ParsePath(text)) is { } path)
            Assert.Equal(path.ToString(), ScimFilterParser.ParsePath(path.ToString()).ToString());
    }

    private static string Answer(ScimFilter filter)
    {
        try
        {
            return $"{ScimMatch.Matches(filter, Person, ScimSchemas.User)}";
        }
        catch (ScimException e)
        {
            return e.Message;
        }
    }

    private static T? Try<T>(Func<T> read) where T : class
    {
        try
        {
            return read();
        }
        catch (ScimException)
        {
            return null;
        }
    }

    private static string Filter(Dice dice, int depth) => dice.Below(depth > 0 ? 8 : 3) switch
    {
        0 => $"{Attribute(dice)} pr",
        3 => $"{Filter(dice, depth - 1)} and {Filter(dice, depth - 1)}",
        4 => $"{Filter(dice, depth - 1)} or {Filter(dice, depth - 1)}",
        5 => $"not ({Filter(dice, depth - 1)})",
        6 => $"({Filter(dice, depth - 1)})",
        7 => $"{dice.Of("emails", "name", "groups")}[{Filter(dice, 0)}]",
        _ => $"{Attribute(dice)} {dice.Of("eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "EQ", "Xx")} {Value(dice)}",
    };

    private static string Attribute(Dice dice) => dice.Of(
        "userName", "USERNAME", "active", "name.givenName", "emails.value", "emails", "meta.created", "type", "value", "nothing", "$ref", "and", "not", "pr",
        "urn:ietf:params:scim:schemas:core:2.0:User:userName", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "urn:x:y", "a.b.c", "a..b");

    private static string Value(Dice dice) => dice.Below(4) switch
    {
        0 => dice.Of("true", "false", "null", "True", "nil"),
        1 => JsonDice.Number(dice),
        _ => JsonDice.AnyText(dice),
    };
}
