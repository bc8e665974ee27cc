using System.Globalization;
using Parquet;
using Parquet.Schema;

namespace Demarc.Control.Costs;

/// <summary>Writes FOCUS's rows, with all of its columns; each way gives back how many rows there were.</summary>
public static class FocusExport
{
    /// <summary>Of every number; an amount has nine of them, a price for a token more.</summary>
    public const int Decimals = 12;

    // As many digits as a decimal can hold.
    private const int Digits = 28;

    // Readers skip and load whole groups of rows: of tens of thousands, and in memory at a time.
    private const int GroupRows = 50_000;

    public static async Task<long> WriteCsvAsync(TextWriter output, IAsyncEnumerable<Dictionary<string, object?>> rows)
    {
        await output.WriteAsync(Csv.Line(FocusColumn.All.Select(c => c.Name)) + "\r\n");
        var count = 0L;
        await foreach (var row in rows)
        {
            await output.WriteAsync(Csv.Line(FocusColumn.All.Select(c => Text(row.GetValueOrDefault(c.Name)))) + "\r\n");
            count++;
        }
        return count;
    }

    /// <summary>Numbers are decimals of 28 digits, 12 of them behind the point; times are UTC microseconds.</summary>
    public static async Task<long> WriteParquetAsync(Stream output, IAsyncEnumerable<Dictionary<string, object?>> rows)
    {
        DataField[] fields = [.. FocusColumn.All.Select(Field)];
        var writer = await ParquetWriter.CreateAsync(new ParquetSchema(fields), output);
        await using (writer)
        {
            var (count, group) = (0L, new List<Dictionary<string, object?>>());
            await foreach (var row in rows)
            {
                group.Add(row);
                count++;
                if (group.Count < GroupRows)
                    continue;
                await WriteAsync(writer, fields, group);
                group.Clear();
            }
            if (group.Count > 0)
                await WriteAsync(writer, fields, group);
            return count;
        }
    }

    private static async Task WriteAsync(ParquetWriter writer, DataField[] fields, List<Dictionary<string, object?>> rows)
    {
        using var group = writer.CreateRowGroup();
        for (var i = 0; i < fields.Length; i++)
        {
            var (field, column) = (fields[i], FocusColumn.All[i]);
            var values = rows.Select(row => row.GetValueOrDefault(column.Name));
            switch (column)
            {
                case { Type: FocusType.Number, IsRequired: true }:
                    await group.WriteAsync<decimal>(field, values.Select(v => (decimal)v!).ToArray());
                    break;
                case { Type: FocusType.Number }:
                    await group.WriteAsync<decimal>(field, values.Select(v => (decimal?)v).ToArray());
                    break;
                case { Type: FocusType.Time }:
                    await group.WriteAsync<DateTime>(field, values.Select(v => ((DateTimeOffset)v!).UtcDateTime).ToArray());
                    break;
                default:
                    await group.WriteAsync(field, values.Select(v => (string?)v).ToArray()!);
                    break;
            }
        }
        group.CompleteValidate();
    }

    private static DataField Field(FocusColumn column) => column.Type switch
    {
        FocusType.Number => new DecimalDataField(column.Name, Digits, Decimals, isNullable: !column.IsRequired),
        FocusType.Time => new DateTimeDataField(column.Name, DateTimeFormat.Timestamp, isAdjustedToUTC: true, unit: DateTimeTimeUnit.Micros, isNullable: false),
        _ => new DataField<string>(column.Name, nullable: !column.IsRequired),
    };

    private static string? Text(object? value) => value switch
    {
        decimal number => number.ToString("0.############", CultureInfo.InvariantCulture),
        DateTimeOffset time => time.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
        _ => (string?)value,
    };
}
