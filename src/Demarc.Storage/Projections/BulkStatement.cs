using System.Data;

namespace Demarc.Storage.Projections;

/// <summary>A statement over many rows: run row by row from one prepared command, or whole over arrays.</summary>
internal sealed class BulkStatement
{
    private BulkStatement(DbType[] types, string each, string whole)
    {
        Types = types;
        Each = each;
        Whole = whole;
    }

    /// <summary>The columns' types: <see cref="DbType.Int64"/>, <see cref="DbType.String"/> or <see cref="DbType.Binary"/>.</summary>
    public DbType[] Types { get; }

    /// <summary>For one row, parameters <c>@p0…</c>.</summary>
    public string Each { get; }

    /// <summary>For all rows, parameters <c>$1…</c>, each an array.</summary>
    public string Whole { get; }

    /// <param name="columns">Names, each followed by <c>:i</c> (integer), <c>:t</c> (text) or <c>:b</c> (bytes), parted by white space.</param>
    /// <param name="tail">What follows the values, for example an <c>ON CONFLICT</c> clause.</param>
    public static BulkStatement Insert(string table, string columns, string tail = "")
    {
        var (names, types) = Parse(columns);
        var head = $"INSERT INTO {table} ({string.Join(", ", names)})";
        return new BulkStatement(
            types,
            $"{head} VALUES ({string.Join(", ", names.Select((_, i) => $"@p{i}"))}) {tail}",
            $"{head} SELECT * FROM unnest({string.Join(", ", types.Select((type, i) => $"${i + 1}::{Array(type)}"))}) {tail}");
    }

    public static BulkStatement Delete(string table, string column)
    {
        var (names, types) = Parse(column);
        return new BulkStatement(
            types,
            $"DELETE FROM {table} WHERE {names[0]} = @p0",
            $"DELETE FROM {table} WHERE {names[0]} = ANY($1::{Array(types[0])})");
    }

    /// <summary>Adds to the last column of the rows that the others name; of rows that are not there nothing becomes.</summary>
    public static BulkStatement Add(string table, string columns)
    {
        // Numbered, because values are bound by place and the last one comes first.
        var (names, types) = Parse(columns);
        var (keys, sum) = (names[..^1], names[^1]);
        return new BulkStatement(
            types,
            $"UPDATE {table} SET {sum} = {sum} + ?{names.Length} WHERE {string.Join(" AND ", keys.Select((key, i) => $"{key} = ?{i + 1}"))}",
            $"""
            UPDATE {table} SET {sum} = {table}.{sum} + v.{sum}
            FROM unnest({string.Join(", ", types.Select((type, i) => $"${i + 1}::{Array(type)}"))}) AS v({string.Join(", ", names)})
            WHERE {string.Join(" AND ", keys.Select(key => $"{table}.{key} = v.{key}"))}
            """);
    }

    private static (string[] Names, DbType[] Types) Parse(string columns)
    {
        var parts = columns.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return ([.. parts.Select(part => part[..^2])], [.. parts.Select(part => part[^1] switch
        {
            'i' => DbType.Int64,
            't' => DbType.String,
            'b' => DbType.Binary,
            _ => throw new ArgumentException($"Column {part} has no type.", nameof(columns)),
        })]);
    }

    private static string Array(DbType type) => type switch
    {
        DbType.Int64 => "bigint[]",
        DbType.String => "text[]",
        _ => "bytea[]",
    };
}
