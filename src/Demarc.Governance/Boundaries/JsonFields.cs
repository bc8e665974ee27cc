using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Spend;

namespace Demarc.Governance.Boundaries;

/// <summary>
/// One JSON object, read field by field. Whatever is wrong is noted with its path and reading goes on, so that
/// all problems come out at once; <see cref="Done"/> notes the fields nobody asked for.
/// </summary>
internal sealed class JsonFields
{
    private readonly List<CatalogProblem> _problems;
    private readonly Dictionary<string, JsonElement> _fields = new(StringComparer.Ordinal);
    private readonly HashSet<string> _read = new(StringComparer.Ordinal);

    public JsonFields(JsonElement element, string path, List<CatalogProblem> problems)
    {
        Path = path;
        _problems = problems;
        IsAbsent = element.ValueKind != JsonValueKind.Object;
        if (element.ValueKind is not (JsonValueKind.Object or JsonValueKind.Undefined))
            Wrong("an object is expected");
        if (IsAbsent)
            return;
        foreach (var field in element.EnumerateObject())
        {
            if (!_fields.TryAdd(field.Name, field.Value))
                Wrong(field.Name, "the key is there twice");
        }
    }

    public string Path { get; }

    /// <summary>The object itself is missing, which was noted: what it lacks need not be.</summary>
    public bool IsAbsent { get; }

    public void Wrong(string message) => _problems.Add(new(Path, message));

    public void Wrong(string field, string message) => _problems.Add(new($"{Path}.{field}", message));

    public bool Has(string field) => _fields.ContainsKey(field);

    /// <summary>A text that is not empty; empty when it is wrong.</summary>
    public string Text(string field) => Require(field) is { } value ? TextOf(value, $"{Path}.{field}") : "";

    public string? OptionalText(string field) => Has(field) ? Text(field) : null;

    public DateOnly Date(string field)
    {
        if (Text(field) is not { Length: > 0 } text)
            return default;
        if (DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var date))
            return date;
        Wrong(field, $"'{text}' is no date; write it like 2026-08-31");
        return default;
    }

    public DateOnly? OptionalDate(string field) => Has(field) ? Date(field) : null;

    public long Count(string field)
    {
        if (Require(field) is not { } value)
            return 0;
        if (value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var count) && count > 0)
            return count;
        Wrong(field, "a whole number above zero is expected");
        return 0;
    }

    public long? OptionalCount(string field) => Has(field) ? Count(field) : null;

    public bool Flag(string field)
    {
        if (Require(field) is not { } value)
            return false;
        if (value.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            Wrong(field, "true or false is expected");
        return value.ValueKind == JsonValueKind.True;
    }

    /// <summary>A decimal above zero in a string, scaled by 10^<paramref name="decimals"/>; 0 when it is wrong.</summary>
    public long Decimal(string field, int decimals)
    {
        if (Text(field) is not { Length: > 0 } text)
            return 0;
        if (FixedPoint.TryParse(text, decimals, out var scaled) && scaled > 0)
            return scaled;
        Wrong(field, $"'{text}' is no decimal above zero; write it like \"0.50\", with at most {decimals} decimals");
        return 0;
    }

    /// <summary>One of the names in a closed set.</summary>
    public T Choice<T>(string field, IReadOnlyDictionary<string, T> names) =>
        Text(field) is { Length: > 0 } text ? ChoiceOf(field, text, names) : default!;

    public T[] Choices<T>(string field, IReadOnlyDictionary<string, T> names) =>
        [.. Texts(field).Select(text => ChoiceOf(field, text, names))];

    public string[] Texts(string field)
    {
        if (Require(field) is not { } value)
            return [];
        if (value.ValueKind != JsonValueKind.Array)
        {
            Wrong(field, "a list of texts is expected");
            return [];
        }
        var index = 0;
        return [.. value.EnumerateArray().Select(item => TextOf(item, $"{Path}.{field}[{index++}]")).Where(text => text.Length > 0)];
    }

    /// <summary>A text, or a list of them that is not empty.</summary>
    public string[] OneOrMore(string field)
    {
        if (Has(field) && _fields[field].ValueKind == JsonValueKind.String)
            return [Text(field)];
        var texts = Texts(field);
        if (texts.Length == 0 && Has(field) && _fields[field].ValueKind == JsonValueKind.Array)
            Wrong(field, "at least one value is expected");
        return texts;
    }

    public bool IsObject(string field) => Has(field) && _fields[field].ValueKind == JsonValueKind.Object;

    public string[] OptionalTexts(string field) => Has(field) ? Texts(field) : [];

    public JsonFields Object(string field) => new(Require(field) ?? default, $"{Path}.{field}", _problems);

    public IEnumerable<JsonFields> Objects(string field)
    {
        if (Require(field) is not { } value)
            yield break;
        if (value.ValueKind != JsonValueKind.Array)
        {
            Wrong(field, "a list of objects is expected");
            yield break;
        }
        var index = 0;
        foreach (var item in value.EnumerateArray())
            yield return new JsonFields(item, $"{Path}.{field}[{index++}]", _problems);
    }

    /// <summary>The names of all fields, for an object whose keys are data.</summary>
    public IEnumerable<string> Names => _fields.Keys;

    /// <summary>Notes every field that was not read.</summary>
    public void Done()
    {
        foreach (var name in _fields.Keys)
        {
            if (!_read.Contains(name))
                Wrong(name, "unknown key");
        }
    }

    private T ChoiceOf<T>(string field, string text, IReadOnlyDictionary<string, T> names)
    {
        if (names.TryGetValue(text, out var value))
            return value;
        Wrong(field, $"'{text}' is none of {string.Join(", ", names.Keys)}");
        return default!;
    }

    private JsonElement? Require(string field)
    {
        _read.Add(field);
        if (_fields.TryGetValue(field, out var value))
            return value;
        if (!IsAbsent)
            Wrong(field, "missing");
        return null;
    }

    private string TextOf(JsonElement value, string path)
    {
        if (value.ValueKind == JsonValueKind.String && value.GetString() is { Length: > 0 } text)
            return text;
        _problems.Add(new(path, "a text is expected"));
        return "";
    }
}
