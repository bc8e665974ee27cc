using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;

namespace Demarc.Control.Identity.Scim;

/// <summary>What the service says of itself (RFC 7643, 5 to 7).</summary>
internal static class ScimDiscovery
{
    private static readonly ScimType[] Types = [ScimSchemas.User, ScimSchemas.Group];

    public static ScimAnswer Config(string address) => new(200, new JsonObject
    {
        ["schemas"] = new JsonArray("urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"),
        ["patch"] = Supported(),
        ["bulk"] = new JsonObject { ["supported"] = true, ["maxOperations"] = ScimBulk.MostOperations, ["maxPayloadSize"] = ScimRequest.MostBytes },
        ["filter"] = new JsonObject { ["supported"] = true, ["maxResults"] = ScimRequest.MostCount },
        ["changePassword"] = new JsonObject { ["supported"] = false },
        ["sort"] = Supported(),
        ["etag"] = Supported(),
        ["authenticationSchemes"] = new JsonArray(new JsonObject
        {
            ["type"] = "oauthbearertoken",
            ["name"] = "Bearer token",
            ["description"] = "One of scim.tokens of the configuration, in the header Authorization.",
            ["primary"] = true,
        }),
        ["meta"] = Meta("ServiceProviderConfig", $"{address}/ServiceProviderConfig"),
    });

    /// <param name="id">Null for all of them.</param>
    public static ScimAnswer Schemas(string? id, string address) => Found(ScimSchemas.All.Select(s => (s.Id, Schema(s, address))), id, "schema");

    /// <param name="name">Null for all of them.</param>
    public static ScimAnswer ResourceTypes(string? name, string address) => Found(Types.Select(t => (t.Name, Type(t, address))), name, "resource type");

    private static ScimAnswer Found(IEnumerable<(string Id, JsonObject Json)> all, string? id, string kind)
    {
        var found = all.Where(a => id is null || a.Id == id).Select(a => a.Json).ToArray();
        return id is null ? ScimAnswer.List(found.Length, 1, found)
            : found.Length == 1 ? new(200, found[0])
            : ScimAnswer.Error(404, null, $"There is no {kind} of this name.");
    }

    private static JsonObject Type(ScimType type, string address) => new()
    {
        ["schemas"] = new JsonArray("urn:ietf:params:scim:schemas:core:2.0:ResourceType"),
        ["id"] = type.Name,
        ["name"] = type.Name,
        ["endpoint"] = type.Endpoint,
        ["description"] = type.Description,
        ["schema"] = type.Schema.Id,
        ["schemaExtensions"] = new JsonArray([.. type.Extensions.Select(e => new JsonObject { ["schema"] = e.Id, ["required"] = false })]),
        ["meta"] = Meta("ResourceType", $"{address}/ResourceTypes/{type.Name}"),
    };

    private static JsonObject Schema(ScimSchema schema, string address) => new()
    {
        ["schemas"] = new JsonArray("urn:ietf:params:scim:schemas:core:2.0:Schema"),
        ["id"] = schema.Id,
        ["name"] = schema.Name,
        ["description"] = schema.Description,
        ["attributes"] = new JsonArray([.. schema.Attributes.Select(Attribute)]),
        ["meta"] = Meta("Schema", $"{address}/Schemas/{schema.Id}"),
    };

    private static JsonObject Attribute(ScimAttribute attribute)
    {
        var json = new JsonObject
        {
            ["name"] = attribute.Name,
            ["type"] = attribute.Type,
            ["multiValued"] = attribute.Multi,
            ["description"] = attribute.Description,
            ["required"] = attribute.Required,
            ["caseExact"] = attribute.CaseExact,
            ["mutability"] = attribute.Mutability,
            ["returned"] = attribute.Returned,
            ["uniqueness"] = attribute.Uniqueness,
        };
        if (attribute.References.Length > 0)
            json["referenceTypes"] = new JsonArray([.. attribute.References.Select(r => JsonValue.Create(r))]);
        if (attribute.Parts.Length > 0)
            json["subAttributes"] = new JsonArray([.. attribute.Parts.Select(Attribute)]);
        return json;
    }

    private static JsonObject Supported() => new() { ["supported"] = true };

    private static JsonObject Meta(string kind, string location) => new() { ["resourceType"] = kind, ["location"] = location };
}
