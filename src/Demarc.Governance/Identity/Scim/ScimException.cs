namespace Demarc.Governance.Identity.Scim;

/// <summary>A SCIM request that cannot be done (RFC 7644, 3.12).</summary>
/// <param name="type">The <c>scimType</c>, for example <c>invalidFilter</c>; null where the RFC has none.</param>
/// <param name="message">Names the attribute and the fix.</param>
public sealed class ScimException(int status, string? type, string message) : Exception(message)
{
    public int Status { get; } = status;

    public string? Type { get; } = type;

    public static ScimException Filter(string message) => new(400, "invalidFilter", message);

    public static ScimException Path(string message) => new(400, "invalidPath", message);

    public static ScimException Value(string message) => new(400, "invalidValue", message);

    public static ScimException Syntax(string message) => new(400, "invalidSyntax", message);
}
