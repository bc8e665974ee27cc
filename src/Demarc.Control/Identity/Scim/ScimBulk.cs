using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;

namespace Demarc.Control.Identity.Scim;

/// <summary>
/// Many operations in one request (RFC 7644, 3.7). One that refers to what another makes (<c>bulkId:…</c>) waits for it,
/// wherever it stands; each is its own transaction.
/// </summary>
internal sealed class ScimBulk(ScimResources[] kinds)
{
    public const int MostOperations = 1000;

    private const string Schema = "urn:ietf:params:scim:api:messages:2.0:BulkResponse";
    private const string Reference = "bulkId:";

    public async Task<ScimAnswer> RunAsync(ScimRequest request)
    {
        if (ScimPatch.Field(request.Body, "Operations") is not JsonArray operations)
            throw ScimException.Syntax("Operations: give a list of operations.");
        if (operations.Count > MostOperations)
            throw new ScimException(413, null, $"Operations: {operations.Count} of them. Give at most {MostOperations} in one request.");
        var mostErrors = int.TryParse(ScimPatch.Field(request.Body, "failOnErrors")?.ToString(), out var number) && number > 0 ? number : int.MaxValue;

        var made = new Dictionary<string, string>(StringComparer.Ordinal);
        var results = new JsonObject?[operations.Count];
        var (errors, waiting) = (0, Enumerable.Range(0, operations.Count).ToList());
        while (waiting.Count > 0 && errors < mostErrors)
        {
            // Where nothing can go on by itself, the first says what it lacks.
            var ready = waiting.FindIndex(i => References(operations[i]).All(made.ContainsKey));
            var at = waiting[Math.Max(ready, 0)];
            waiting.Remove(at);
            var answer = await OneAsync(request, operations[at], made);
            results[at] = answer.Result;
            errors += answer.Failed ? 1 : 0;
        }
        return new(200, new JsonObject { ["schemas"] = new JsonArray(Schema), ["Operations"] = new JsonArray([.. results.OfType<JsonObject>()]) });
    }

    private async Task<(JsonObject Result, bool Failed)> OneAsync(ScimRequest request, JsonNode? node, Dictionary<string, string> made)
    {
        var operation = node as JsonObject ?? [];
        string? Text(string name) => (ScimPatch.Field(operation, name) as JsonValue)?.ToString();
        var (method, bulkId) = (Text("method")?.ToUpperInvariant() ?? "", Text("bulkId"));
        ScimAnswer answer;
        try
        {
            answer = await AnswerAsync(request, operation, method, Text("path") ?? "", bulkId, Text("version"), made);
        }
        catch (ScimException e)
        {
            answer = ScimAnswer.Error(e);
        }
        var result = new JsonObject { ["method"] = method, ["status"] = answer.Status.ToString(System.Globalization.CultureInfo.InvariantCulture) };
        if (bulkId is not null)
            result["bulkId"] = bulkId;
        if (answer.ETag is not null)
            result["version"] = answer.ETag;
        var failed = answer.Status >= 400;
        if (answer.Location is not null)
            result["location"] = answer.Location;
        if (failed)
            result["response"] = answer.Body;
        else if (method == "POST" && bulkId is not null)
            made[bulkId] = ScimPeople.Text(answer.Body, "id")!;
        return (result, failed);
    }

    private async Task<ScimAnswer> AnswerAsync(
        ScimRequest request, JsonObject operation, string method, string path, string? bulkId, string? version, Dictionary<string, string> made)
    {
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length is 0 or > 2 || Array.Find(kinds, k => k.Type.Endpoint.AsSpan(1).SequenceEqual(parts[0])) is not { } kind)
            throw ScimException.Path("path: give /Users, /Groups, or one of these with an id.");
        if (method == "POST" && string.IsNullOrEmpty(bulkId))
            throw ScimException.Syntax("bulkId: an operation that makes something needs one.");
        var id = parts.Length == 2 ? Resolved(parts[1], made) : null;
        if (id is null != (method == "POST"))
            throw ScimException.Syntax("method: POST goes to /Users or /Groups; PUT, PATCH and DELETE to these with an id.");
        var body = ScimPatch.Field(operation, "data") as JsonObject ?? (method == "DELETE" ? [] : throw ScimException.Syntax("data: give an object."));
        var one = request with { Method = method, Id = id, Body = (JsonObject)Resolved(body, made)!, View = ScimView.All, IfMatch = version, IfNoneMatch = null };
        return method switch
        {
            "POST" => await kind.CreateAsync(one),
            "PUT" => await kind.ReplaceAsync(one),
            "PATCH" => await kind.PatchAsync(one),
            "DELETE" => await kind.DeleteAsync(one),
            _ => throw ScimException.Syntax("method: give POST, PUT, PATCH or DELETE."),
        };
    }

    /// <summary>What an operation refers to.</summary>
    private static IEnumerable<string> References(JsonNode? node) => node switch
    {
        JsonObject parts => parts.SelectMany(p => p.Key.Equals("path", StringComparison.OrdinalIgnoreCase) && p.Value is JsonValue path
            ? path.ToString().Split('/').Where(IsReference).Select(Name)
            : References(p.Value)),
        JsonArray many => many.SelectMany(References),
        JsonValue value when IsReference(value.ToString()) => [Name(value.ToString())],
        _ => [],
    };

    private static JsonNode? Resolved(JsonNode? node, Dictionary<string, string> made) => node switch
    {
        JsonObject parts => new JsonObject(parts.Select(p => KeyValuePair.Create(p.Key, Resolved(p.Value, made)))),
        JsonArray many => new JsonArray([.. many.Select(e => Resolved(e, made))]),
        JsonValue value when IsReference(value.ToString()) => JsonValue.Create(Resolved(value.ToString(), made)),
        _ => node?.DeepClone(),
    };

    private static string Resolved(string text, Dictionary<string, string> made) =>
        !IsReference(text) ? text
        : made.TryGetValue(Name(text), out var id) ? id
        : throw new ScimException(409, "invalidValue", $"{Configuration.ConfigText.Printable(text)}: no operation of this request has made it, or they wait for each other.");

    private static bool IsReference(string text) => text.StartsWith(Reference, StringComparison.Ordinal);

    private static string Name(string reference) => reference[Reference.Length..];
}
