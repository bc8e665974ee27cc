using System.Globalization;
using System.Text.Json.Nodes;

namespace Demarc.Control.Configuration;

/// <summary>The keys <c>settings</c> and <c>desktop</c> of a policy: what Claude Code and Claude Desktop take as managed settings, word for word.</summary>
internal static class SettingsSection
{
    /// <summary>The mapping as JSON; null with an error when it is none.</summary>
    public static string? Read(ConfigNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (node is MapNode map)
            return Json(map)!.ToJsonString();
        reading.Error(node, $"{node.Kind}; a mapping is accepted: settings of the client by name");
        return null;
    }

    private static JsonNode? Json(ConfigNode node) => node switch
    {
        MapNode map => new JsonObject(map.Entries.Select(e => KeyValuePair.Create(e.Key, Json(e.Value)))),
        ListNode list => new JsonArray([.. list.Items.Select(Json)]),
        { IsNull: true } => null,
        TextNode { Plain: true, Value: "true" } => true,
        TextNode { Plain: true, Value: "false" } => false,
        TextNode { Plain: true } text when long.TryParse(text.Value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) => number,
        TextNode { Plain: true } text when Fraction(text.Value) is { } fraction => fraction,
        TextNode text => text.Value,
        _ => throw new InvalidOperationException($"A {node.GetType().Name} has no JSON: add it to SettingsSection."),
    };

    private static double? Fraction(string text) =>
        text.Contains('.') && double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var fraction) ? fraction : null;
}
