namespace Demarc.Governance.Identity.Scim;

/// <summary>What SCIM says of an attribute (RFC 7643, 2 and 7).</summary>
/// <param name="Type"><c>string</c>, <c>boolean</c>, <c>dateTime</c>, <c>reference</c>, <c>binary</c> or <c>complex</c>.</param>
public sealed record ScimAttribute(string Name, string Type, string Description)
{
    public bool Multi { get; init; }

    public bool Required { get; init; }

    public bool CaseExact { get; init; }

    /// <summary><c>readWrite</c>, <c>readOnly</c> or <c>writeOnly</c>.</summary>
    public string Mutability { get; init; } = "readWrite";

    /// <summary><c>default</c>, <c>always</c> or <c>never</c>.</summary>
    public string Returned { get; init; } = "default";

    public string Uniqueness { get; init; } = "none";

    /// <summary>Of a complex attribute.</summary>
    public ScimAttribute[] Parts { get; init; } = [];

    /// <summary>What a reference points to.</summary>
    public string[] References { get; init; } = [];

    public bool IsComplex => Type == "complex";

    public bool IsWritable => Mutability == "readWrite";

    public ScimAttribute? Part(string name) => Array.Find(Parts, p => p.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}

public sealed record ScimSchema(string Id, string Name, string Description, ScimAttribute[] Attributes)
{
    public ScimAttribute? Find(string name) => Array.Find(Attributes, a => a.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
}

/// <summary>A kind of resource: its own schema, and those that extend it.</summary>
public sealed record ScimType(string Name, string Endpoint, string Description, ScimSchema Schema, ScimSchema[] Extensions)
{
    /// <summary>The extension of a path that names one; null for the schema of the resource itself.</summary>
    /// <exception cref="ScimException">No such schema belongs to this kind of resource.</exception>
    public ScimSchema? Extension(AttributePath path) =>
        path.Schema is null ? null
        : Array.Find(Extensions, e => e.Id.Equals(path.Schema, StringComparison.OrdinalIgnoreCase))
            ?? throw ScimException.Path($"{path.Schema}: no {Name} has this schema. There are {string.Join(", ", Extensions.Select(e => e.Id).Prepend(Schema.Id))}.");

    /// <summary>What a path names, with its sub-attribute where it names one; null where there is no such attribute.</summary>
    /// <exception cref="ScimException">No such schema belongs to this kind of resource.</exception>
    public (ScimAttribute Attribute, ScimAttribute? Part)? Find(AttributePath path)
    {
        var attribute = Extension(path) is { } extension ? extension.Find(path.Name) : Schema.Find(path.Name) ?? ScimSchemas.Common(path.Name);
        if (attribute is null)
            return null;
        if (path.Sub is null)
            return (attribute, null);
        return attribute.Part(path.Sub) is { } part ? (attribute, part) : null;
    }
}
