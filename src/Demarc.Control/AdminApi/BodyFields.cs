using System.Globalization;
using System.Text.Json;
using Demarc.Control.Configuration;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.AdminApi;

/// <summary>
/// The body of a request: one JSON object, taken field by field. The first problem stays in <see cref="Problem"/>, and
/// then what was taken is not to be used.
/// </summary>
public sealed class BodyFields
{
    private const int MostBytes = 64 << 10;

    private static readonly object BytesKey = new();

    private readonly JsonElement _object;

    private BodyFields(JsonElement value, AdminAnswer? problem) => (_object, Problem) = (value, problem);

    /// <summary>What is wrong; null while nothing is.</summary>
    public AdminAnswer? Problem { get; private set; }

    /// <param name="known">Every field there may be.</param>
    public static async Task<BodyFields> ReadAsync(HttpRequest request, params string[] known)
    {
        if (request.ContentType?.StartsWith("application/json", StringComparison.OrdinalIgnoreCase) is not true)
            return new(default, new(415, null, "invalid_request_error", "The content type has to be application/json."));
        var (bytes, length) = await ReadAsync(request.Body, request.HttpContext.RequestAborted);
        request.HttpContext.Items[BytesKey] = bytes.AsSpan(0, Math.Min(length, MostBytes)).ToArray();
        if (length > MostBytes)
            return new(default, new(413, null, "request_too_large", $"The body is larger than {MostBytes} bytes."));
        try
        {
            using var document = JsonDocument.Parse(bytes.AsMemory(0, length), new JsonDocumentOptions { AllowDuplicateProperties = false });
            var body = document.RootElement.Clone();
            if (body.ValueKind != JsonValueKind.Object)
                return new(default, AdminAnswer.Invalid("The body has to be a JSON object."));
            var unknown = body.EnumerateObject().Select(f => f.Name).FirstOrDefault(name => !known.Contains(name));
            return unknown is null
                ? new(body, null)
                : new(default, AdminAnswer.Invalid($"{ConfigText.Quote(unknown)}: there is no such field here. There are: {string.Join(", ", known)}."));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // The second is what names that are no text throw: half of a surrogate pair, or bytes that are not UTF-8.
            return new(default, AdminAnswer.Invalid("The body is no JSON in UTF-8, or names a field twice. Send one JSON object."));
        }
    }

    /// <summary>The body that was read of a request; empty where none was.</summary>
    public static byte[] BytesOf(HttpRequest request) => request.HttpContext.Items[BytesKey] as byte[] ?? [];

    /// <summary>Whether the field is there and not null.</summary>
    public bool Has(string name) => Problem is null && _object.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null;

    /// <summary>Whether the field is there, null or not.</summary>
    public bool Mentions(string name) => Problem is null && _object.TryGetProperty(name, out _);

    /// <summary>An object that has to be there, with no fields but these.</summary>
    public JsonElement? Nested(string name, params string[] known)
    {
        if (Problem is not null)
            return null;
        if (!Has(name) || _object.GetProperty(name) is not { ValueKind: JsonValueKind.Object } value)
        {
            Wrong(name, "this field is required: give an object.");
            return null;
        }
        if (value.EnumerateObject().Select(f => f.Name).FirstOrDefault(field => !known.Contains(field)) is { } unknown)
        {
            Wrong($"{name}.{unknown}", $"there is no such field here. There are: {string.Join(", ", known)}.");
            return null;
        }
        return value;
    }

    /// <summary>A text; null when it is absent or null.</summary>
    /// <param name="problem">Why a text cannot be used, or null.</param>
    public string? Text(string name, Func<string, string?>? problem = null)
    {
        if (!Has(name))
            return null;
        var value = AsText(_object.GetProperty(name));
        if (value is null)
            Wrong(name, "give a text in quotes.");
        else if (problem?.Invoke(value) is { } why)
            Wrong(name, why);
        return value;
    }

    /// <summary>A text that has to be there.</summary>
    public string Required(string name, Func<string, string?>? problem = null)
    {
        if (Problem is null && !Has(name))
            Wrong(name, "this field is required.");
        return Text(name, problem) ?? "";
    }

    /// <summary>A whole number from 1 on, as a number or as a text; the default where it is absent or null.</summary>
    /// <param name="what">What there are so many of: <c>hours</c>.</param>
    public int Whole(string name, int most, int missing, string what)
    {
        if (!Has(name))
            return missing;
        var value = _object.GetProperty(name);
        var text = value.ValueKind == JsonValueKind.Number ? value.GetRawText() : AsText(value);
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= 1 && number <= most)
            return number;
        Wrong(name, $"give 1 to {most} {what}, a whole number.");
        return missing;
    }

    /// <summary>Yes or no; false when it is absent or null.</summary>
    public bool Flag(string name)
    {
        if (!Has(name))
            return false;
        var kind = _object.GetProperty(name).ValueKind;
        if (kind is not (JsonValueKind.True or JsonValueKind.False))
            Wrong(name, "give true or false.");
        return kind == JsonValueKind.True;
    }

    /// <summary>A list of texts that has to be there.</summary>
    public string[] Texts(string name)
    {
        if (Problem is null && !Has(name))
            Wrong(name, "this field is required.");
        if (Problem is not null)
            return [];
        var list = _object.GetProperty(name);
        var texts = list.ValueKind == JsonValueKind.Array ? list.EnumerateArray().Select(AsText).ToArray() : [null];
        if (Array.IndexOf(texts, null) >= 0)
            Wrong(name, "give a list of texts in quotes.");
        return [.. texts.OfType<string>()];
    }

    /// <summary>An object of texts; null when it is absent or null.</summary>
    public Dictionary<string, string>? Map(string name)
    {
        if (!Has(name))
            return null;
        var value = _object.GetProperty(name);
        var pairs = value.ValueKind == JsonValueKind.Object ? value.EnumerateObject().Select(p => (p.Name, Text: AsText(p.Value))).ToArray() : [("", null)];
        if (Array.Exists(pairs, p => p.Text is null))
            Wrong(name, "give an object whose values are texts in quotes.");
        return Problem is null ? pairs.ToDictionary(p => p.Name, p => p.Text!) : null;
    }

    /// <summary>A time in RFC 3339, with its offset; null when it is absent or null.</summary>
    public DateTimeOffset? Time(string name)
    {
        if (Text(name) is not { } text)
            return null;
        if (Rfc3339.TryParse(text, out var time))
            return time;
        Wrong(name, "give a time such as 2027-01-31T00:00:00Z.");
        return null;
    }

    public void Wrong(string name, string message) => Problem ??= AdminAnswer.Invalid(name, message);

    private static string? AsText(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // Half of a surrogate pair, or bytes that are not UTF-8: no text.
            return null;
        }
    }

    private static async Task<(byte[] Bytes, int Length)> ReadAsync(Stream body, CancellationToken stop)
    {
        var bytes = new byte[MostBytes + 1];
        var length = await body.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, stop);
        return (bytes, length);
    }
}
