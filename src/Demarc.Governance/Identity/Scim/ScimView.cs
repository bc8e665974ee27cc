using System.Text.Json.Nodes;

namespace Demarc.Governance.Identity.Scim;

/// <summary>What of a resource is shown: <c>attributes</c> and <c>excludedAttributes</c> (RFC 7644, 3.9).</summary>
/// <param name="Wanted">Null for all that is shown by default.</param>
public sealed record ScimView(AttributePath[]? Wanted, AttributePath[] Unwanted)
{
    public static readonly ScimView All = new(null, []);

    private static readonly string[] Always = ["schemas", "id"];

    /// <summary>Whether an attribute of the resource's own schema is shown at all: what is not need not be read.</summary>
    public bool Shows(string name) =>
        (Wanted is null || Array.Exists(Wanted, p => p.Schema is null && Is(p, name))) && !Array.Exists(Unwanted, p => p.Schema is null && p.Sub is null && Is(p, name));

    public JsonObject Of(JsonObject resource)
    {
        var shown = new JsonObject();
        foreach (var (name, value) in resource)
        {
            if (Array.IndexOf(Always, name) >= 0)
                shown[name] = value?.DeepClone();
            else if (name.StartsWith("urn:", StringComparison.Ordinal) && value is JsonObject extension)
            {
                if (Part(extension, p => p.Schema == name, Wanted is null || Array.Exists(Wanted, p => p.Schema == name && p.Name.Length == 0)) is { Count: > 0 } part)
                    shown[name] = part;
            }
        }
        foreach (var (name, value) in Part(resource, p => p.Schema is null, Wanted is null).ToArray())
            if (!shown.ContainsKey(name) && !name.StartsWith("urn:", StringComparison.Ordinal))
                shown[name] = value?.DeepClone();
        return shown;
    }

    private JsonObject Part(JsonObject container, Func<AttributePath, bool> isHere, bool whole)
    {
        var (wanted, unwanted) = (Wanted?.Where(isHere).ToArray() ?? [], Unwanted.Where(isHere).ToArray());
        var shown = new JsonObject();
        if (Array.Exists(unwanted, p => p.Name.Length == 0))
            return shown;
        foreach (var (name, value) in container)
        {
            var asked = Array.FindAll(wanted, p => Is(p, name));
            if ((!whole && asked.Length == 0) || Array.Exists(unwanted, p => Is(p, name) && p.Sub is null))
                continue;
            var subs = whole || Array.Exists(asked, p => p.Sub is null) ? null : asked.Select(p => p.Sub!).ToArray();
            string[] left = [.. unwanted.Where(p => Is(p, name)).Select(p => p.Sub!)];
            shown[name] = value switch
            {
                JsonArray many => new JsonArray([.. many.Select(e => Cut(e, subs, left))]),
                _ => Cut(value, subs, left),
            };
        }
        return shown;
    }

    private static JsonNode? Cut(JsonNode? value, string[]? subs, string[] left)
    {
        if (value is not JsonObject parts || (subs is null && left.Length == 0))
            return value?.DeepClone();
        bool Has(string[] names, string name) => Array.Exists(names, n => n.Equals(name, StringComparison.OrdinalIgnoreCase));
        return new JsonObject(parts.Where(p => (subs is null || Has(subs, p.Key)) && !Has(left, p.Key)).Select(p => KeyValuePair.Create(p.Key, p.Value?.DeepClone())));
    }

    private static bool Is(AttributePath path, string name) => path.Name.Equals(name, StringComparison.OrdinalIgnoreCase);
}
