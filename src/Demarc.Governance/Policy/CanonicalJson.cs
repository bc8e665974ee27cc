using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Demarc.Governance.Policy;

/// <summary>JSON as Claude Code hashes it: keys sorted by UTF-16 code units at every level, no white space, strings as JavaScript writes them.</summary>
internal static class CanonicalJson
{
    public static string Of(JsonNode? node)
    {
        var output = new StringBuilder();
        Write(output, node);
        return output.ToString();
    }

    private static void Write(StringBuilder output, JsonNode? node)
    {
        switch (node)
        {
            case null:
                output.Append("null");
                break;
            case JsonObject map:
                Join(output, '{', '}', map.OrderBy(e => e.Key, StringComparer.Ordinal), e =>
                {
                    String(output, e.Key);
                    output.Append(':');
                    Write(output, e.Value);
                });
                break;
            case JsonArray list:
                Join(output, '[', ']', list, item => Write(output, item));
                break;
            default:
                if (node.GetValueKind() == JsonValueKind.String)
                    String(output, node.GetValue<string>());
                else
                    output.Append(node.ToJsonString());
                break;
        }
    }

    private static void Join<T>(StringBuilder output, char open, char close, IEnumerable<T> items, Action<T> write)
    {
        output.Append(open);
        var first = true;
        foreach (var item in items)
        {
            if (!first)
                output.Append(',');
            first = false;
            write(item);
        }
        output.Append(close);
    }

    private static void String(StringBuilder output, string text)
    {
        output.Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsHighSurrogate(c) && i + 1 < text.Length && char.IsLowSurrogate(text[i + 1]))
                output.Append(c).Append(text[++i]);
            else if (c is '"' or '\\')
                output.Append('\\').Append(c);
            else if ("\b\t\n\f\r".IndexOf(c, StringComparison.Ordinal) is >= 0 and var escape)
                output.Append('\\').Append("btnfr"[escape]);
            else if (c < ' ' || char.IsSurrogate(c))
                output.Append("\\u").Append(((int)c).ToString("x4", CultureInfo.InvariantCulture));
            else
                output.Append(c);
        }
        output.Append('"');
    }
}
