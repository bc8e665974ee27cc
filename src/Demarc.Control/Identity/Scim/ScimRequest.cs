using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity.Scim;
using Demarc.Storage.Directory;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Identity.Scim;

/// <summary>What a directory asks of one resource or of several: from a request, or from one operation of a bulk request.</summary>
/// <param name="Id">Null for a collection.</param>
/// <param name="Base">Where <c>/Users</c> is, without a trailing slash.</param>
/// <param name="IfMatch">The ETags, one of which the resource must still have; null for whichever.</param>
internal sealed record ScimRequest(string Method, string? Id, JsonObject Body, ScimView View, string OrganizationId, ActorRecord Actor, string Base, string? IfMatch = null, string? IfNoneMatch = null)
{
    public const int MostBytes = 4 << 20;
    public const int DefaultCount = 100;
    public const int MostCount = 1000;

    /// <summary>Whether a resource of a version is what the client saw.</summary>
    public bool Meets(string etag) => IfMatch is null || IfMatch == "*" || Tags(IfMatch).Contains(etag);

    /// <summary>Whether the client has this version already.</summary>
    public bool Knows(string etag) => IfNoneMatch is not null && (IfNoneMatch == "*" || Tags(IfNoneMatch).Contains(etag));

    public static string ETag(long version) => $"W/\"{version.ToString(CultureInfo.InvariantCulture)}\"";

    /// <summary>A listing as a query or the body of <c>.search</c> asks for it.</summary>
    /// <exception cref="ScimException">A parameter cannot be used.</exception>
    public static ScimQuery Query(Func<string, string?> parameter) => new(
        parameter("filter") is { Length: > 0 } filter ? ScimFilterParser.Parse(filter) : null,
        Math.Max(1, Number(parameter, "startIndex", 1)),
        Math.Clamp(Number(parameter, "count", DefaultCount), 0, MostCount),
        parameter("sortBy") is { Length: > 0 } sort ? ScimFilterParser.ParseAttribute(sort) : null,
        "descending".Equals(parameter("sortOrder"), StringComparison.OrdinalIgnoreCase));

    /// <exception cref="ScimException">An attribute's name is none.</exception>
    public static ScimView ViewOf(string? attributes, string? excluded) =>
        string.IsNullOrEmpty(attributes) && string.IsNullOrEmpty(excluded) ? ScimView.All
        : new(string.IsNullOrEmpty(attributes) ? null : Names(attributes), Names(excluded ?? ""));

    /// <exception cref="ScimException">The body is no JSON object, or too large.</exception>
    public static async Task<JsonObject> BodyAsync(HttpContext http)
    {
        if (http.Request.ContentType is { Length: > 0 } type
            && !type.StartsWith("application/scim+json", StringComparison.OrdinalIgnoreCase) && !type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase))
            throw new ScimException(415, null, "The content type has to be application/scim+json or application/json.");
        using var buffer = new MemoryStream();
        var part = new byte[64 << 10];
        int read;
        while ((read = await http.Request.Body.ReadAsync(part, http.RequestAborted)) > 0)
        {
            if (buffer.Length + read > MostBytes)
                throw new ScimException(413, null, $"The body is larger than {MostBytes} bytes.");
            buffer.Write(part, 0, read);
        }
        try
        {
            buffer.Position = 0;
            var node = JsonNode.Parse(buffer, documentOptions: new JsonDocumentOptions { AllowDuplicateProperties = false, MaxDepth = 32 });
            if (node is JsonObject body)
            {
                // Half of a surrogate pair is found where text is made of it: here, and not in the middle of the work.
                _ = body.ToJsonString();
                return body;
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
        {
            // Said below.
        }
        throw ScimException.Syntax("The body is no JSON object in UTF-8, or names a field twice.");
    }

    private static string[] Tags(string header) => header.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static AttributePath[] Names(string list) =>
        [.. list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(ScimFilterParser.ParseAttribute)];

    private static int Number(Func<string, string?> parameter, string name, int standard) =>
        parameter(name) is not { Length: > 0 } text ? standard
        : int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number
        : throw ScimException.Value($"{name}: give a whole number.");
}
