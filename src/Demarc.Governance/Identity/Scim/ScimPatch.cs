using System.Text.Json.Nodes;

namespace Demarc.Governance.Identity.Scim;

/// <summary>
/// Changes a document as a PATCH asks (RFC 7644, 3.5.2), and as directories really ask it: operations in any case, without a
/// path with dotted names and filters as keys, and with a filter that picks nothing yet.
/// </summary>
/// <param name="Op"><c>add</c>, <c>replace</c> or <c>remove</c>.</param>
/// <param name="Path">Null for the resource.</param>
public sealed record ScimPatch(string Op, PatchPath? Path, JsonNode? Value)
{
    private const int MostOperations = 1000;

    /// <summary>The operations of a request's body.</summary>
    /// <exception cref="ScimException">The body is none of a PATCH.</exception>
    public static ScimPatch[] Read(JsonObject body)
    {
        if (Field(body, "Operations") is not JsonArray { Count: > 0 } operations)
            throw ScimException.Syntax("Operations: give a list of at least one operation.");
        if (operations.Count > MostOperations)
            throw ScimException.Syntax($"Operations: {operations.Count} of them. Give at most {MostOperations} in one request.");
        return [.. operations.SelectMany(One)];
    }

    /// <exception cref="ScimException">A path or value cannot be, or nothing is there to be changed.</exception>
    public static void Apply(IEnumerable<ScimPatch> patches, JsonObject document, ScimType type)
    {
        foreach (var patch in patches)
            patch.Apply(document, type);
    }

    /// <summary>A field of an object, whatever the case of its name.</summary>
    public static JsonNode? Field(JsonObject body, string name) =>
        body.FirstOrDefault(f => f.Key.Equals(name, StringComparison.OrdinalIgnoreCase)).Value;

    private static IEnumerable<ScimPatch> One(JsonNode? node)
    {
        if (node is not JsonObject operation)
            throw ScimException.Syntax("Operations: each is an object with op, and path or value.");
        var op = (Field(operation, "op") as JsonValue)?.ToString().ToLowerInvariant();
        if (op is not ("add" or "replace" or "remove"))
            throw ScimException.Syntax("op: give add, replace or remove.");
        var value = Field(operation, "value");
        if ((Field(operation, "path") as JsonValue)?.ToString() is { Length: > 0 } path)
            return [new ScimPatch(op, ScimFilterParser.ParsePath(path), value)];
        if (op == "remove")
            throw new ScimException(400, "noTarget", "path: say what is to be removed.");
        if (value is not JsonObject fields)
            throw ScimException.Value("value: without a path, give an object of attributes.");
        return [new ScimPatch(op, null, fields)];
    }

    private void Apply(JsonObject document, ScimType type)
    {
        if (Path is not null)
        {
            At(Path, Value, document, type, isNamed: true);
            return;
        }
        foreach (var (name, value) in (JsonObject)Value!)
            At(ScimFilterParser.ParsePath(name), value, document, type, isNamed: false);
    }

    /// <param name="isNamed">Whether the operation names the attribute; what only comes along in an object is left when it is unknown or not to be written.</param>
    private void At(PatchPath path, JsonNode? value, JsonObject document, ScimType type, bool isNamed)
    {
        if (!isNamed && path.Attribute.Schema is { } urn && !Array.Exists(type.Extensions, e => e.Id.Equals(urn, StringComparison.OrdinalIgnoreCase)))
            return;
        var extension = type.Extension(path.Attribute);
        if (path.Attribute.Name.Length == 0)
        {
            Whole(extension!, value, document, type);
            return;
        }
        if (type.Find(path.Attribute) is not var (attribute, part))
        {
            if (isNamed)
                throw ScimException.Path($"path: {path.Attribute}: no {type.Name} has this attribute. GET /Schemas lists them.");
            return;
        }
        if (!attribute.IsWritable || part is { IsWritable: false })
        {
            // A password is taken and forgotten.
            if (isNamed && attribute.Mutability == "readOnly")
                throw new ScimException(400, "mutability", $"path: {path.Attribute} is not the directory's to change.");
            return;
        }
        var container = extension is null ? document : Child(document, extension.Id);
        if (attribute.Multi)
            ScimElements.Change(this with { Path = path, Value = value }, container, attribute, part);
        else
            Single(container, attribute, part, value);
        if (container.Count == 0 && extension is not null)
            document.Remove(extension.Id);
    }

    private void Whole(ScimSchema extension, JsonNode? value, JsonObject document, ScimType type)
    {
        if (Op == "remove" || value is null)
        {
            document.Remove(extension.Id);
            return;
        }
        if (value is not JsonObject fields)
            throw ScimException.Value($"{extension.Id}: give an object of attributes.");
        foreach (var (name, one) in fields)
            At(new PatchPath(new AttributePath(extension.Id, name), null), one, document, type, isNamed: false);
    }

    private void Single(JsonObject container, ScimAttribute attribute, ScimAttribute? part, JsonNode? sent)
    {
        if (Path?.Where is not null)
            throw ScimException.Path($"path: {attribute.Name} has one value, which needs no filter.");
        if (part is not null)
        {
            var parts = Child(container, attribute.Name);
            Set(parts, part, sent);
            if (parts.Count == 0)
                container.Remove(attribute.Name);
        }
        else if (attribute.IsComplex && Op != "remove" && ScimDocument.Value(attribute, sent) is JsonObject merged)
        {
            var parts = Child(container, attribute.Name);
            foreach (var (name, value) in merged)
                parts[name] = value?.DeepClone();
        }
        else
            Set(container, attribute, sent);
    }

    private void Set(JsonObject container, ScimAttribute attribute, JsonNode? sent)
    {
        if (Op != "remove" && ScimDocument.Value(attribute, sent) is { } value)
            container[attribute.Name] = value.DeepClone();
        else
            container.Remove(attribute.Name);
    }

    private static JsonObject Child(JsonObject container, string name)
    {
        if (container[name] is JsonObject child)
            return child;
        child = [];
        container[name] = child;
        return child;
    }
}
