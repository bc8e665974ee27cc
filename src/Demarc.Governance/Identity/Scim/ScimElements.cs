using System.Text.Json.Nodes;

namespace Demarc.Governance.Identity.Scim;

/// <summary>A patch of an attribute that has several values.</summary>
internal static class ScimElements
{
    public static void Change(ScimPatch patch, JsonObject container, ScimAttribute attribute, ScimAttribute? part)
    {
        var before = container[attribute.Name] as JsonArray ?? [];
        var elements = before.Select(e => e!.DeepClone()).ToList();
        var after = patch.Path!.Where is { } where ? Picked(patch, elements, attribute, part, where)
            : part is not null ? Parts(patch, elements, attribute, part, _ => true)
            : All(patch, elements, attribute);
        OnePrimary(before, after);
        // An element without what it is about is none.
        if (attribute.Part("value") is not null)
            after.RemoveAll(e => e is JsonObject element && element["value"] is null);
        if (ScimDocument.Value(attribute, new JsonArray([.. after.Select(e => e.DeepClone())])) is { } kept)
            container[attribute.Name] = kept;
        else
            container.Remove(attribute.Name);
    }

    private static List<JsonNode> All(ScimPatch patch, List<JsonNode> elements, ScimAttribute attribute)
    {
        var sent = (ScimDocument.Value(attribute, patch.Value) as JsonArray)?.Select(e => e!.DeepClone()).ToList() ?? [];
        switch (patch.Op)
        {
            case "replace":
                return sent;
            case "remove":
                // Entra ID names the values to remove beside the path.
                return sent.Count == 0 ? [] : [.. elements.Where(e => !sent.Exists(s => Same(s, e)))];
            default:
                return [.. elements.Where(e => !sent.Exists(s => Same(s, e))), .. sent];
        }
    }

    private static List<JsonNode> Picked(ScimPatch patch, List<JsonNode> elements, ScimAttribute attribute, ScimAttribute? part, ScimFilter where)
    {
        bool IsPicked(JsonNode element) => ScimMatch.MatchesElement(where, element, attribute);
        if (!elements.Exists(IsPicked))
        {
            if (patch.Op == "remove")
                return elements;
            // Entra ID adds and replaces emails[type eq "work"].value where there is none yet.
            var made = new JsonObject();
            if (!Describes(where, made, attribute))
                throw new ScimException(400, "noTarget", $"path: no value of {attribute.Name} matches {where}.");
            elements.Add(made);
        }
        if (part is not null)
            return Parts(patch, elements, attribute, part, IsPicked);
        if (patch.Op == "remove")
            return [.. elements.Where(e => !IsPicked(e))];
        var value = ScimDocument.Value(attribute, patch.Value) as JsonArray ?? throw ScimException.Value($"{attribute.Name}: give an object.");
        foreach (var element in elements.Where(IsPicked).OfType<JsonObject>().ToArray())
            foreach (var (name, one) in (JsonObject)value[0]!)
                element[name] = one?.DeepClone();
        return elements;
    }

    private static List<JsonNode> Parts(ScimPatch patch, List<JsonNode> elements, ScimAttribute attribute, ScimAttribute part, Predicate<JsonNode> isPicked)
    {
        var value = patch.Op == "remove" ? null : ScimDocument.Value(part, patch.Value);
        if (elements.Count == 0 && value is not null)
            elements.Add(new JsonObject());
        foreach (var element in elements.FindAll(isPicked).OfType<JsonObject>())
        {
            if (value is null)
                element.Remove(part.Name);
            else
                element[part.Name] = value.DeepClone();
        }
        return elements;
    }

    /// <summary>Writes what a filter of equalities says of an element; false where it is another kind of filter.</summary>
    private static bool Describes(ScimFilter where, JsonObject element, ScimAttribute attribute)
    {
        if (where is AndFilter and)
            return Describes(and.Left, element, attribute) && Describes(and.Right, element, attribute);
        if (where is not CompareFilter { Operator: FilterOperator.Eq, Value: not null } compare || attribute.Part(compare.Path.Name) is not { } part)
            return false;
        element[part.Name] = ScimDocument.Value(part, JsonValue.Create(compare.Value.ToString()));
        return true;
    }

    // The same value of the same type is the same, whatever else is said of it.
    private static bool Same(JsonNode one, JsonNode other) =>
        one is JsonObject a && other is JsonObject b && a["value"] is { } value
            ? JsonNode.DeepEquals(value, b["value"]) && (a["type"] is null || b["type"] is null || JsonNode.DeepEquals(a["type"], b["type"]))
            : JsonNode.DeepEquals(one, other);

    // RFC 7644, 3.5.2: a value that becomes primary takes it from the one that was.
    private static void OnePrimary(JsonArray before, List<JsonNode> after)
    {
        if (after.Count(ScimDocument.IsPrimary) < 2)
            return;
        foreach (var element in after.OfType<JsonObject>().Where(ScimDocument.IsPrimary))
            if (before.Any(b => ScimDocument.IsPrimary(b) && JsonNode.DeepEquals(b!["value"], element["value"])))
                element["primary"] = false;
    }
}
