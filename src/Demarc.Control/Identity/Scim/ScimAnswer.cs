using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;

namespace Demarc.Control.Identity.Scim;

/// <summary>An answer in SCIM's shape.</summary>
/// <param name="Body">Null for none.</param>
/// <param name="ETag">Of a resource.</param>
/// <param name="Location">Of a resource that was made.</param>
internal sealed record ScimAnswer(int Status, JsonObject? Body, string? ETag = null, string? Location = null)
{
    public const string ErrorSchema = "urn:ietf:params:scim:api:messages:2.0:Error";
    public const string ListSchema = "urn:ietf:params:scim:api:messages:2.0:ListResponse";

    /// <summary>Characters that cannot hurt in JSON stay as they are.</summary>
    public static readonly JsonSerializerOptions Wire = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static ScimAnswer NoContent { get; } = new(204, null);

    /// <summary>RFC 7644, 3.12.</summary>
    public static ScimAnswer Error(int status, string? type, string detail)
    {
        var body = new JsonObject { ["schemas"] = new JsonArray(ErrorSchema), ["status"] = status.ToString(System.Globalization.CultureInfo.InvariantCulture), ["detail"] = detail };
        if (type is not null)
            body["scimType"] = type;
        return new(status, body);
    }

    public static ScimAnswer Error(ScimException e) => Error(e.Status, e.Type, e.Message);

    /// <summary>A page of resources.</summary>
    public static ScimAnswer List(int total, int startIndex, IEnumerable<JsonObject> resources)
    {
        var page = new JsonArray([.. resources]);
        return new(200, new JsonObject
        {
            ["schemas"] = new JsonArray(ListSchema),
            ["totalResults"] = total,
            ["startIndex"] = startIndex,
            ["itemsPerPage"] = page.Count,
            ["Resources"] = page,
        });
    }
}
