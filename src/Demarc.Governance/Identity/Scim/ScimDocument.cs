using System.Text.Json;
using System.Text.Json.Nodes;

namespace Demarc.Governance.Identity.Scim;

/// <summary>
/// Brings what a directory sends into one form: names as the schemas write them, values of the right kind, nothing that is
/// unknown or not the directory's to say. Lenient where directories are known to differ: texts for true and false, one
/// value where a list belongs, a text where its <c>value</c> does.
/// </summary>
public static class ScimDocument
{
    private const int MostText = 4000;
    private const int MostElements = 200;

    /// <exception cref="ScimException">A value is of the wrong kind.</exception>
    public static JsonObject Read(JsonObject sent, ScimType type)
    {
        var document = new JsonObject();
        foreach (var (name, value) in sent)
        {
            if (Array.Find(type.Extensions, e => e.Id.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } extension)
            {
                if (value is JsonObject parts && Attributes(parts, extension.Find) is { Count: > 0 } extended)
                    document[extension.Id] = extended;
            }
            else if (type.Find(new AttributePath(null, name)) is var (attribute, _) && attribute.IsWritable && Value(attribute, value) is { } kept)
                document[attribute.Name] = kept;
        }
        return document;
    }

    /// <summary>A value of an attribute, in its one form; null for none.</summary>
    /// <exception cref="ScimException">It is of the wrong kind.</exception>
    public static JsonNode? Value(ScimAttribute attribute, JsonNode? sent)
    {
        if (!attribute.Multi)
            return Single(attribute, sent is JsonArray { Count: 1 } one ? one[0] : sent);
        JsonNode?[] elements = sent switch { null => [], JsonArray many => [.. many], _ => [sent] };
        var most = attribute.Name == "members" ? int.MaxValue : MostElements;
        if (elements.Length > most)
            throw ScimException.Value($"{attribute.Name}: {elements.Length} values. Give at most {most}.");
        var kept = elements.Select(e => Single(attribute, e)).OfType<JsonNode>().ToArray();
        if (kept.Count(IsPrimary) > 1)
            throw ScimException.Value($"{attribute.Name}: more than one value is primary. Mark one.");
        return kept.Length == 0 ? null : new JsonArray(kept);
    }

    internal static bool IsPrimary(JsonNode? element) => (element as JsonObject)?["primary"]?.GetValueKind() == JsonValueKind.True;

    private static JsonObject Attributes(JsonObject sent, Func<string, ScimAttribute?> find)
    {
        var kept = new JsonObject();
        foreach (var (name, value) in sent)
            if (find(name) is { IsWritable: true } attribute && Value(attribute, value) is { } one)
                kept[attribute.Name] = one;
        return kept;
    }

    private static JsonNode? Single(ScimAttribute attribute, JsonNode? sent)
    {
        if (sent is null)
            return null;
        if (attribute.IsComplex)
        {
            if (sent is JsonValue && attribute.Part("value") is { } part)
                return Single(part, sent) is { } value ? new JsonObject { ["value"] = value } : null;
            if (sent is not JsonObject parts)
                throw ScimException.Value($"{attribute.Name}: give an object.");
            var kept = Attributes(parts, attribute.Part);
            return kept.Count == 0 ? null : kept;
        }
        if (sent is not JsonValue)
            throw ScimException.Value($"{attribute.Name}: give a {attribute.Type}.");
        return attribute.Type == "boolean" ? Truth(attribute, sent) : Text(attribute, sent);
    }

    // Entra ID sends "True" and "False" (its "Known issues and resolutions with SCIM 2.0 protocol compliance").
    private static JsonValue Truth(ScimAttribute attribute, JsonNode sent) =>
        bool.TryParse(sent.ToString(), out var truth) ? JsonValue.Create(truth) : throw ScimException.Value($"{attribute.Name}: give true or false.");

    private static JsonValue? Text(ScimAttribute attribute, JsonNode sent)
    {
        var text = Written(attribute, sent);
        if (text.Length > MostText)
            throw ScimException.Value($"{attribute.Name}: {text.Length} characters. Give at most {MostText}.");
        // An empty text is how some directories clear a value.
        return text.Length == 0 ? null : JsonValue.Create(text);
    }

    private static string Written(ScimAttribute attribute, JsonNode sent)
    {
        try
        {
            return sent.ToString();
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, or bytes that are not UTF-8: no text.
            throw ScimException.Value($"{attribute.Name}: give text in UTF-8.");
        }
    }
}
