using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Demarc.Governance.Identity.Scim;

/// <summary>
/// Whether a resource matches a filter. A missing attribute equals nothing; of an attribute with several values, one has to
/// match, and <c>ne</c> is the opposite of <c>eq</c>.
/// </summary>
public static class ScimMatch
{
    /// <param name="resource">With the names of attributes as the schemas have them.</param>
    /// <exception cref="ScimException">The filter names an attribute there is none of, or compares what cannot be.</exception>
    public static bool Matches(ScimFilter filter, JsonObject resource, ScimType type) => Matches(filter, path => Values(path, resource, type));

    /// <summary>Whether an element of an attribute matches the filter in brackets behind it.</summary>
    /// <exception cref="ScimException">As for <see cref="Matches(ScimFilter, JsonObject, ScimType)"/>.</exception>
    public static bool MatchesElement(ScimFilter filter, JsonNode? element, ScimAttribute attribute) => Matches(filter, path =>
        attribute.Part(path.Name) is { } part && path.Sub is null
            ? (part, element is JsonObject parts ? [parts[part.Name]] : [])
            : throw ScimException.Filter($"{path}: {attribute.Name} has no such part. There are {string.Join(", ", attribute.Parts.Select(p => p.Name))}."));

    private static bool Matches(ScimFilter filter, Func<AttributePath, (ScimAttribute Attribute, JsonNode?[] Values)> read)
    {
        switch (filter)
        {
            case AndFilter and:
                return Matches(and.Left, read) && Matches(and.Right, read);
            case OrFilter or:
                return Matches(or.Left, read) || Matches(or.Right, read);
            case NotFilter not:
                return !Matches(not.Inner, read);
            case PresentFilter present:
                return Array.Exists(read(present.Path).Values, IsPresent);
            case ElementFilter element:
                var (attribute, elements) = read(element.Path);
                return Array.Exists(elements, e => MatchesElement(element.Filter, e, attribute));
            case CompareFilter compare:
                var (compared, values) = read(compare.Path);
                // A complex attribute stands for its value.
                if (compared.IsComplex)
                {
                    compared = compared.Part("value") ?? throw ScimException.Filter($"{compare.Path}: compare one of its parts, {string.Join(", ", compared.Parts.Select(p => p.Name))}.");
                    values = Array.ConvertAll(values, v => v?["value"]);
                }
                return compare.Operator == FilterOperator.Ne
                    ? !AnyIs(values, compared, FilterOperator.Eq, compare.Value)
                    : AnyIs(values, compared, compare.Operator, compare.Value);
            default:
                throw new InvalidOperationException($"There is no evaluation of {filter.GetType().Name}.");
        }
    }

    private static (ScimAttribute, JsonNode?[]) Values(AttributePath path, JsonObject resource, ScimType type)
    {
        if (type.Find(path) is not var (attribute, part))
            throw ScimException.Filter($"{path}: no {type.Name} has this attribute. GET /Schemas lists them.");
        var container = type.Extension(path) is { } extension ? resource[extension.Id] as JsonObject : resource;
        var value = container?[attribute.Name];
        JsonNode?[] values = value is JsonArray many ? [.. many] : [value];
        return part is null ? (attribute, values) : (part, Array.ConvertAll(values, v => (v as JsonObject)?[part.Name]));
    }

    private static bool IsPresent(JsonNode? value) => value is not null and not JsonArray { Count: 0 } and not JsonObject { Count: 0 };

    private static bool AnyIs(JsonNode?[] values, ScimAttribute attribute, FilterOperator by, object? sought)
    {
        if (sought is null)
            return by == FilterOperator.Eq ? !Array.Exists(values, IsPresent) : throw ScimException.Filter($"{attribute.Name}: null is compared with eq and ne alone.");
        return Array.Exists(values, v => v is JsonValue value && Is(value, attribute, by, sought));
    }

    private static bool Is(JsonValue value, ScimAttribute attribute, FilterOperator by, object sought)
    {
        switch (attribute.Type, sought)
        {
            case ("boolean", bool or string):
                if (by is not FilterOperator.Eq)
                    throw ScimException.Filter($"{attribute.Name}: true and false are compared with eq and ne alone.");
                return bool.TryParse(sought.ToString(), out var truth) && value.GetValueKind() == (truth ? JsonValueKind.True : JsonValueKind.False);
            case ("dateTime", string text) when by is not (FilterOperator.Co or FilterOperator.Sw or FilterOperator.Ew):
                return Holds(by, Time(value.ToString()).CompareTo(Time(text)));
            case (not "boolean", string text):
                return IsText(value.ToString(), text, by, attribute.CaseExact ? StringComparison.Ordinal : StringComparison.OrdinalIgnoreCase);
            default:
                // What is of another kind is neither equal nor before or after.
                return false;
        }
    }

    private static bool IsText(string value, string sought, FilterOperator by, StringComparison comparison) => by switch
    {
        FilterOperator.Co => value.Contains(sought, comparison),
        FilterOperator.Sw => value.StartsWith(sought, comparison),
        FilterOperator.Ew => value.EndsWith(sought, comparison),
        _ => Holds(by, string.Compare(value, sought, comparison)),
    };

    private static bool Holds(FilterOperator by, int order) => by switch
    {
        FilterOperator.Eq => order == 0,
        FilterOperator.Gt => order > 0,
        FilterOperator.Ge => order >= 0,
        FilterOperator.Lt => order < 0,
        FilterOperator.Le => order <= 0,
        _ => false,
    };

    /// <summary>A time as filters give it.</summary>
    /// <exception cref="ScimException">It is none.</exception>
    public static DateTimeOffset Time(string text) =>
        DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time)
            ? time
            : throw ScimException.Filter($"{text}: this is no time. Give one such as 2026-11-01T00:00:00Z.");
}
