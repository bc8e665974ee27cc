namespace Demarc.Governance.Identity.Scim;

/// <summary>The schemas of RFC 7643 that are served: people with the enterprise extension, and groups.</summary>
public static class ScimSchemas
{
    public const string UserId = "urn:ietf:params:scim:schemas:core:2.0:User";
    public const string GroupId = "urn:ietf:params:scim:schemas:core:2.0:Group";
    public const string EnterpriseId = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    private static readonly ScimAttribute[] CommonAttributes =
    [
        Text("id", "Demarc's own name of the resource.") with { CaseExact = true, Mutability = "readOnly", Returned = "always", Uniqueness = "server" },
        Text("externalId", "The directory's own name of the resource.") with { CaseExact = true },
        new("meta", "complex", "When the resource was made and changed.")
        {
            Mutability = "readOnly",
            Parts =
            [
                Text("resourceType", "User or Group.") with { CaseExact = true, Mutability = "readOnly" },
                new("created", "dateTime", "When it was made.") { Mutability = "readOnly" },
                new("lastModified", "dateTime", "When it was changed last.") { Mutability = "readOnly" },
                new("location", "reference", "Its address.") { Mutability = "readOnly", CaseExact = true, References = ["uri"] },
                Text("version", "Its ETag.") with { CaseExact = true, Mutability = "readOnly" },
            ],
        },
    ];

    private static readonly ScimSchema UserSchema = new(UserId, "User", "A person.",
    [
        Text("userName", "Under which the directory knows the person; unique, whatever the case.") with { Required = true, Uniqueness = "server" },
        Complex("name", "The parts of the name.",
            Text("formatted", "The whole."), Text("familyName", "The family's."), Text("givenName", "The person's own."),
            Text("middleName", "Further ones."), Text("honorificPrefix", "Before it."), Text("honorificSuffix", "After it.")),
        Text("displayName", "The name that reports show."),
        Text("nickName", "What others call the person."),
        new("profileUrl", "reference", "A page about the person.") { References = ["external"] },
        Text("title", "The position."),
        Text("userType", "For example Employee or Contractor."),
        Text("preferredLanguage", "For example en-US."),
        Text("locale", "For example en-US."),
        Text("timezone", "For example Europe/Berlin."),
        new("active", "boolean", "Whether the person may do anything; false ends sessions, keys and what runs under them."),
        Text("password", "Taken and forgotten: people sign in with their identity provider.") with { Mutability = "writeOnly", Returned = "never" },
        Many("emails", "Addresses; the primary one is the person's.", "string"),
        Many("phoneNumbers", "Telephones.", "string"),
        Many("ims", "Instant messengers.", "string"),
        Many("photos", "Addresses of pictures.", "reference"),
        new("addresses", "complex", "Places.")
        {
            Multi = true,
            Parts =
            [
                Text("formatted", "The whole."), Text("streetAddress", "Street and number."), Text("locality", "Town."), Text("region", "State."),
                Text("postalCode", "Code."), Text("country", "ISO 3166-1."), Text("type", "For example work."), new("primary", "boolean", "The one to use."),
            ],
        },
        new("groups", "complex", "The groups that the person belongs to.")
        {
            Multi = true,
            Mutability = "readOnly",
            Parts = [Id("value", "The group's id."), Reference("Group"), Text("display", "Its name.") with { Mutability = "readOnly" }],
        },
        Many("entitlements", "What the directory says the person may use.", "string"),
        Many("roles", "What the directory says the person is.", "string"),
        Many("x509Certificates", "Certificates.", "binary"),
    ]);

    private static readonly ScimSchema EnterpriseSchema = new(EnterpriseId, "EnterpriseUser", "Where a person stands in the organization.",
    [
        Text("employeeNumber", "The number."),
        Text("costCenter", "Who pays for what the person spends; reports by cost center show it."),
        Text("organization", "The organization."),
        Text("division", "The division."),
        Text("department", "The department."),
        Complex("manager", "Whom the person reports to.",
            Text("value", "The manager's id.") with { CaseExact = true }, Reference("User"), Text("displayName", "The manager's name.")),
    ]);

    private static readonly ScimSchema GroupSchema = new(GroupId, "Group", "A group of people, which policies match by name.",
    [
        Text("displayName", "The name; unique.") with { Required = true, Uniqueness = "server" },
        new("members", "complex", "The people in it; groups in groups are not taken.")
        {
            Multi = true,
            Parts = [Id("value", "The person's id."), Reference("User"), Text("display", "The person's name.") with { Mutability = "readOnly" }, Text("type", "User.")],
        },
    ]);

    /// <summary>People.</summary>
    public static readonly ScimType User = new("User", "/Users", UserSchema.Description, UserSchema, [EnterpriseSchema]);

    /// <summary>Groups.</summary>
    public static readonly ScimType Group = new("Group", "/Groups", GroupSchema.Description, GroupSchema, []);

    /// <summary>Every schema, in the order of <c>/Schemas</c>.</summary>
    public static IReadOnlyList<ScimSchema> All { get; } = [UserSchema, GroupSchema, EnterpriseSchema];

    /// <summary>The extension of that name; null for none.</summary>
    internal static ScimSchema? Find(string urn) => EnterpriseId.Equals(urn, StringComparison.OrdinalIgnoreCase) ? EnterpriseSchema : null;

    internal static bool IsCore(string? urn) =>
        UserId.Equals(urn, StringComparison.OrdinalIgnoreCase) || GroupId.Equals(urn, StringComparison.OrdinalIgnoreCase);

    /// <summary>An attribute that every resource has.</summary>
    internal static ScimAttribute? Common(string name) => Array.Find(CommonAttributes, a => a.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    private static ScimAttribute Text(string name, string description) => new(name, "string", description);

    private static ScimAttribute Id(string name, string description) => Text(name, description) with { CaseExact = true };

    private static ScimAttribute Reference(string to) => new("$ref", "reference", "The address.") { CaseExact = true, References = [to] };

    private static ScimAttribute Complex(string name, string description, params ScimAttribute[] parts) => new(name, "complex", description) { Parts = parts };

    private static ScimAttribute Many(string name, string description, string type) => new(name, "complex", description)
    {
        Multi = true,
        Parts = [new("value", type, "The value."), Text("display", "For people to read."), Text("type", "For example work."), new("primary", "boolean", "The one to use.")],
    };
}
