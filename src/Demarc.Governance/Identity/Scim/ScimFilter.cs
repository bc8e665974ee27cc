using System.Globalization;
using System.Text.Json;

namespace Demarc.Governance.Identity.Scim;

/// <summary>An attribute as filters and patches name it.</summary>
/// <param name="Schema">The URN of an extension; null for the resource's own schema.</param>
/// <param name="Name">As written; names are compared without regard to case. Empty for an extension as a whole.</param>
/// <param name="Sub">The sub-attribute; null for none.</param>
public sealed record AttributePath(string? Schema, string Name, string? Sub = null)
{
    public override string ToString() => $"{Schema}{(Schema is null || Name.Length == 0 ? "" : ":")}{Name}{(Sub is null ? "" : ".")}{Sub}";
}

public enum FilterOperator
{
    Eq,
    Ne,
    Co,
    Sw,
    Ew,
    Gt,
    Ge,
    Lt,
    Le,
}

/// <summary>A filter (RFC 7644, 3.4.2.2). As text it is a filter that reads the same.</summary>
public abstract record ScimFilter;

public sealed record AndFilter(ScimFilter Left, ScimFilter Right) : ScimFilter
{
    public override string ToString() => $"({Left} and {Right})";
}

public sealed record OrFilter(ScimFilter Left, ScimFilter Right) : ScimFilter
{
    public override string ToString() => $"({Left} or {Right})";
}

public sealed record NotFilter(ScimFilter Inner) : ScimFilter
{
    public override string ToString() => $"not ({Inner})";
}

/// <summary>Whether an attribute has a value.</summary>
public sealed record PresentFilter(AttributePath Path) : ScimFilter
{
    public override string ToString() => $"{Path} pr";
}

/// <param name="Value">A <see cref="string"/>, <see cref="bool"/>, <see cref="decimal"/> or null.</param>
public sealed record CompareFilter(AttributePath Path, FilterOperator Operator, object? Value) : ScimFilter
{
    public override string ToString() => $"{Path} {Operator.ToString().ToLowerInvariant()} {Literal(Value)}";

    private static string Literal(object? value) => value switch
    {
        null => "null",
        bool truth => truth ? "true" : "false",
        decimal number => number.ToString(CultureInfo.InvariantCulture),
        _ => JsonSerializer.Serialize((string)value),
    };
}

/// <summary>Whether one element of an attribute matches a whole filter: <c>emails[type eq "work" and value co "@"]</c>.</summary>
public sealed record ElementFilter(AttributePath Path, ScimFilter Filter) : ScimFilter
{
    public override string ToString() => $"{Path}[{Filter}]";
}

/// <summary>What a patch aims at: an attribute, or the elements of one that a filter picks, or a sub-attribute of these.</summary>
public sealed record PatchPath(AttributePath Attribute, ScimFilter? Where)
{
    public override string ToString() =>
        Where is null ? Attribute.ToString() : $"{Attribute with { Sub = null }}[{Where}]{(Attribute.Sub is null ? "" : ".")}{Attribute.Sub}";
}
