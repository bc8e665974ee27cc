using System.Text.Json;

namespace Demarc.Governance.Wire;

/// <summary>Finds one property of an object and passes over the rest.</summary>
internal static class JsonSearch
{
    /// <summary>From the start of the text: stops at the named property's value, or at the end of the object; false for what is no object.</summary>
    public static bool Find(this ref Utf8JsonReader reader, ReadOnlySpan<byte> name) =>
        reader.Read() && reader.TokenType == JsonTokenType.StartObject && reader.Within(name);

    /// <summary>From a StartObject: stops at the named property's value, or at the end of the object.</summary>
    public static bool Within(this ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = reader.ValueTextEquals(name);
            reader.Read();
            if (found)
                return true;
            reader.Skip();
        }
        return false;
    }
}
