using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Control.AdminApi;
using Demarc.Governance.Identity.Scim;
using Demarc.Storage.Directory;

namespace Demarc.Control.Identity.Scim;

/// <summary>A person as SCIM shows them, and the person that a document says.</summary>
internal static class ScimPeople
{
    private static readonly string[] InColumns = ["userName", "externalId", "active"];

    /// <summary>What is shown, all of it.</summary>
    public static JsonObject Show(ScimUser user, IEnumerable<UserGroup> groups, string address)
    {
        var shown = new JsonObject { ["schemas"] = new JsonArray(ScimSchemas.UserId), ["id"] = user.Id };
        foreach (var (name, value) in Document(user))
            shown[name] = value?.DeepClone();
        shown["displayName"] = user.Name;
        var members = new JsonArray([.. groups.Select(g => new JsonObject { ["value"] = g.Id, ["$ref"] = $"{address}/Groups/{g.Id}", ["display"] = g.Name })]);
        if (members.Count > 0)
            shown["groups"] = members;
        if (shown.ContainsKey(ScimSchemas.EnterpriseId))
            shown["schemas"]!.AsArray().Add(ScimSchemas.EnterpriseId);
        shown["meta"] = Meta("User", user.CreatedAt, user.ModifiedAt, user.Version, $"{address}/Users/{user.Id}");
        return shown;
    }

    /// <summary>The directory's half of a person: what a patch changes.</summary>
    public static JsonObject Document(ScimUser user)
    {
        var document = user.Document is null
            ? new JsonObject { ["displayName"] = user.Name, ["emails"] = new JsonArray(new JsonObject { ["value"] = user.Email, ["type"] = "work", ["primary"] = true }) }
            : (JsonObject)JsonNode.Parse(user.Document)!;
        document["userName"] = user.UserName ?? user.Email;
        document["active"] = user.Status == "active";
        if (user.ExternalId is not null)
            document["externalId"] = user.ExternalId;
        // What an administrator set since has the last word until the directory speaks again.
        var enterprise = document[ScimSchemas.EnterpriseId] as JsonObject ?? [];
        Put(enterprise, "costCenter", user.CostCenter);
        Put(enterprise, "department", user.Department);
        document.Remove(ScimSchemas.EnterpriseId);
        if (enterprise.Count > 0)
            document[ScimSchemas.EnterpriseId] = enterprise;
        return document;
    }

    /// <summary>The person of a document.</summary>
    /// <param name="before">As they were; for one who is new, whose organization alone counts.</param>
    /// <exception cref="ScimException">An attribute is missing, or cannot be.</exception>
    public static ScimUser Read(JsonObject document, ScimUser before)
    {
        var userName = Text(document, "userName") ?? throw ScimException.Value("userName: this attribute is required.");
        if (PrincipalRules.NameProblem(userName) is { } wrongName)
            throw ScimException.Value($"userName: {wrongName}");
        var email = Email(document, userName);
        var name = Text(document, "displayName") ?? Text(document["name"], "formatted") ?? Whole(document["name"]) ?? userName;
        var enterprise = document[ScimSchemas.EnterpriseId];
        var rest = (JsonObject)document.DeepClone();
        foreach (var column in InColumns)
            rest.Remove(column);
        return before with
        {
            UserName = userName,
            Email = email,
            Name = PrincipalRules.NameProblem(name) is { } wrong ? throw ScimException.Value($"displayName: {wrong}") : name,
            Status = document["active"]?.GetValueKind() is JsonValueKind.False ? "inactive" : "active",
            ExternalId = Text(document, "externalId"),
            CostCenter = Named(enterprise, "costCenter"),
            Department = Named(enterprise, "department"),
            Manager = Text(enterprise?["manager"], "value") ?? Text(enterprise?["manager"], "displayName"),
            Document = rest.ToJsonString(ScimAnswer.Wire),
        };
    }

    public static JsonObject Meta(string kind, long created, long? modified, long version, string location) => new()
    {
        ["resourceType"] = kind,
        ["created"] = Rfc3339.Text(created),
        ["lastModified"] = Rfc3339.Text(modified ?? created),
        ["location"] = location,
        ["version"] = ScimRequest.ETag(version),
    };

    public static string? Text(JsonNode? container, string name) => (container as JsonObject)?[name] is JsonValue value ? value.ToString() : null;

    // The primary one; else the one of work; else the first; else the name, where it is an address.
    private static string Email(JsonObject document, string userName)
    {
        var all = document["emails"] as JsonArray ?? [];
        var chosen = all.FirstOrDefault(e => e?["primary"]?.GetValueKind() == JsonValueKind.True)
            ?? all.FirstOrDefault(e => "work".Equals(Text(e, "type"), StringComparison.OrdinalIgnoreCase)) ?? all.FirstOrDefault();
        var email = Text(chosen, "value") ?? userName;
        return PrincipalRules.EmailProblem(email) is { } wrong
            ? throw ScimException.Value(chosen is null ? "emails: an address is required, here or as userName. Map the attribute that has it." : $"emails: {wrong}")
            : email.ToLowerInvariant();
    }

    private static string? Whole(JsonNode? name) =>
        string.Join(' ', new[] { Text(name, "givenName"), Text(name, "familyName") }.OfType<string>()) is { Length: > 0 } whole ? whole : null;

    private static string? Named(JsonNode? container, string name) =>
        Text(container, name) is not { } text ? null
        : PrincipalRules.NameProblem(text) is { } wrong ? throw ScimException.Value($"{name}: {wrong}")
        : text;

    private static void Put(JsonObject container, string name, string? value)
    {
        if (value is null)
            container.Remove(name);
        else
            container[name] = value;
    }
}
