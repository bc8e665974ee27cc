using System.Text.Encodings.Web;
using System.Text.Json;
using Demarc.Storage;

namespace Demarc.Control.AdminApi;

/// <summary>What the Admin API answers: an object, or an error in the envelope.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Json">UTF-8 JSON of the object, or what <see cref="ContentType"/> says; null for an error.</param>
/// <param name="ErrorType">The <c>error.type</c>, from the vendor's list; null for an object.</param>
public sealed record AdminAnswer(int Status, byte[]? Json, string? ErrorType = null, string? Message = null)
{
    public string ContentType { get; init; } = "application/json";

    /// <summary>Headers beside the content's type and length.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = System.Collections.Frozen.FrozenDictionary<string, string>.Empty;

    /// <summary>Writes an answer that is too large to be held; in the place of <see cref="Json"/>.</summary>
    public Func<Stream, CancellationToken, Task>? WriteAsync { get; init; }

    /// <summary>The API's JSON: snake_case, nulls written.</summary>
    public static JsonSerializerOptions Wire { get; } = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        // Names of people as they are; every answer is application/json.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    public static AdminAnswer Of<T>(T value) => new(200, JsonSerializer.SerializeToUtf8Bytes(value, Wire));

    /// <summary><c>{"data":[…],"first_id","has_more","last_id"}</c>.</summary>
    public static AdminAnswer Page<TRow, T>(Page<TRow> page, Func<TRow, T> shape, Func<TRow, string> id) =>
        Of(new Listing<T>(
            [.. page.Data.Select(shape)],
            page.Data.Length > 0 ? id(page.Data[0]) : null,
            page.HasMore,
            page.Data.Length > 0 ? id(page.Data[^1]) : null));

    /// <summary>A field of the body or the query that cannot be used, and what to do.</summary>
    public static AdminAnswer Invalid(string field, string message) => Invalid($"{field}: {message}");

    public static AdminAnswer Invalid(string message) => new(400, null, "invalid_request_error", message);

    /// <param name="answer">Status and error type.</param>
    public static AdminAnswer Refused((int Status, string Type) answer, string message) => new(answer.Status, null, answer.Type, message);

    public static AdminAnswer NotFound(string message) => new(404, null, "not_found_error", message);

    public static AdminAnswer Conflict(string message) => new(409, null, "conflict_error", message);

    private sealed record Listing<T>(
        T[] Data,
        string? FirstId,
        bool HasMore,
        string? LastId);
}
