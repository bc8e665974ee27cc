using Dapper;
using Demarc.Governance.Identity.Scim;

namespace Demarc.Storage.Directory;

/// <summary>How a column is compared with what a filter names.</summary>
internal enum ScimColumnKind
{
    /// <summary>As it stands.</summary>
    Exact,

    /// <summary>In lower case already.</summary>
    Lower,

    /// <summary>As written: its lower case is the database's, which knows ASCII alone.</summary>
    Written,

    /// <summary>Unix milliseconds.</summary>
    Time,

    /// <summary>A status; active or not.</summary>
    Active,

    /// <summary>A condition on the text <c>{0}</c>, for equality alone.</summary>
    Condition,
}

/// <param name="Sql">The column, or the expression that an index has.</param>
internal sealed record ScimColumn(string Sql, ScimColumnKind Kind);

/// <summary>What of a filter the database can answer.</summary>
/// <param name="Where">A condition that all that match meet; null for none.</param>
/// <param name="IsExact">Whether all that meet it match.</param>
internal sealed record ScimCondition(string? Where, bool IsExact)
{
    public static readonly ScimCondition All = new(null, true);

    private static readonly ScimCondition Unknown = new(null, false);

    /// <param name="columns">By the attribute's path in lower case.</param>
    /// <param name="values">Where the texts of the filter go: none of them becomes SQL.</param>
    public static ScimCondition Of(ScimFilter filter, IReadOnlyDictionary<string, ScimColumn> columns, DynamicParameters values)
    {
        switch (filter)
        {
            case AndFilter and:
                var (left, right) = (Of(and.Left, columns, values), Of(and.Right, columns, values));
                return new(Join(left.Where, "AND", right.Where) ?? left.Where ?? right.Where, left.IsExact && right.IsExact);
            case OrFilter or:
                var (one, other) = (Of(or.Left, columns, values), Of(or.Right, columns, values));
                return Join(one.Where, "OR", other.Where) is { } either ? new(either, one.IsExact && other.IsExact) : Unknown;
            case NotFilter not:
                // What is not known to match is not known to fail either: NULL counts as false, as it does outside of the database.
                return Of(not.Inner, columns, values) is { IsExact: true, Where: { } inner } ? new($"NOT coalesce(({inner}), false)", true) : Unknown;
            case PresentFilter present:
                return Column(present.Path, columns) is { Kind: not ScimColumnKind.Condition } shown
                    ? new(shown.Kind is ScimColumnKind.Active ? "1 = 1" : $"{shown.Sql} IS NOT NULL", true)
                    : Unknown;
            case CompareFilter compare:
                return Column(compare.Path, columns) is { } column ? Compare(column, compare, values) : Unknown;
            default:
                return Unknown;
        }
    }

    private static ScimCondition Compare(ScimColumn column, CompareFilter compare, DynamicParameters values)
    {
        if (compare.Operator == FilterOperator.Ne)
            return Compare(column, compare with { Operator = FilterOperator.Eq }, values) is { IsExact: true, Where: { } equal } ? new($"NOT coalesce(({equal}), false)", true) : Unknown;
        switch (column.Kind, compare.Value)
        {
            case (ScimColumnKind.Time, string text):
                return Sign(compare.Operator) is { } sign ? With($"{column.Sql} {sign} {{0}}", ScimMatch.Time(text).ToUnixTimeMilliseconds()) : Unknown;
            case (ScimColumnKind.Active, bool active) when compare.Operator == FilterOperator.Eq:
                return With(active ? $"{column.Sql} = {{0}}" : $"{column.Sql} <> {{0}}", "active");
            case (ScimColumnKind.Condition, string value) when compare.Operator == FilterOperator.Eq:
                return With(column.Sql, value);
            case (ScimColumnKind.Exact, string value):
                return Text(column.Sql, value);
            case (ScimColumnKind.Lower, string value):
                return Text(column.Sql, value.ToLowerInvariant());
            case (ScimColumnKind.Written, string value) when value.All(char.IsAscii):
                return Text($"lower({column.Sql})", value.ToLowerInvariant());
            default:
                return Unknown;
        }

        ScimCondition Text(string sql, string value) => compare.Operator switch
        {
            FilterOperator.Eq => With($"{sql} = {{0}}", value),
            // Only where case is settled: LIKE of SQLite does not tell it apart.
            FilterOperator.Sw when column.Kind is not ScimColumnKind.Exact => With($"{sql} LIKE {{0}} ESCAPE '\\'", Pattern(value) + "%"),
            FilterOperator.Co when column.Kind is not ScimColumnKind.Exact => With($"{sql} LIKE {{0}} ESCAPE '\\'", "%" + Pattern(value) + "%"),
            FilterOperator.Ew when column.Kind is not ScimColumnKind.Exact => With($"{sql} LIKE {{0}} ESCAPE '\\'", "%" + Pattern(value)),
            _ => Unknown,
        };

        ScimCondition With(string sql, object value)
        {
            var name = $"filter{values.ParameterNames.Count()}";
            values.Add(name, value);
            return new(string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, "@" + name), true);
        }
    }

    private static string? Sign(FilterOperator by) => by switch
    {
        FilterOperator.Eq => "=",
        FilterOperator.Gt => ">",
        FilterOperator.Ge => ">=",
        FilterOperator.Lt => "<",
        FilterOperator.Le => "<=",
        _ => null,
    };

    private static ScimColumn? Column(AttributePath path, IReadOnlyDictionary<string, ScimColumn> columns) =>
        path.Schema is null ? columns.GetValueOrDefault(path.ToString().ToLowerInvariant()) : null;

    private static string Pattern(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal).Replace("_", "\\_", StringComparison.Ordinal);

    private static string? Join(string? left, string word, string? right) => left is null || right is null ? null : $"({left} {word} {right})";
}
