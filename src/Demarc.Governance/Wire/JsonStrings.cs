using System.Text.Json;

namespace Demarc.Governance.Wire;

/// <summary>Arrays of strings in what Demarc writes itself.</summary>
public static class JsonStrings
{
    /// <summary>Writes <c>"name": ["…"]</c>.</summary>
    public static void WriteStrings(this Utf8JsonWriter json, string name, string[] values)
    {
        json.WriteStartArray(name);
        foreach (var value in values)
            json.WriteStringValue(value);
        json.WriteEndArray();
    }
}
