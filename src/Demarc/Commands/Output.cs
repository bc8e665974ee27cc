using System.Globalization;
using System.Text.Json;
using Demarc.Control.AdminApi;
using Spectre.Console;

namespace Demarc.Commands;

/// <summary>What commands print: results to standard output, as tables or as JSON; remarks to standard error.</summary>
internal sealed class Output(bool json)
{
    // Wide enough that no line of a table is broken where a program reads it.
    private const int RedirectedWidth = 10_000;

    private static readonly JsonSerializerOptions Indented = new(AdminAnswer.Wire) { WriteIndented = true };

    /// <summary>Whether a program reads along.</summary>
    public bool IsJson => json;

    /// <summary>A list: a table, or an array in JSON.</summary>
    /// <param name="shape">An element of the array.</param>
    /// <param name="empty">What to say, and do, when there is nothing.</param>
    /// <param name="cells">A line of the table.</param>
    public void List<T>(IReadOnlyCollection<T> rows, Func<T, object> shape, string empty, string[] columns, Func<T, string?[]> cells)
    {
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(rows.Select(shape), Indented));
        else if (rows.Count == 0)
            Console.Error.WriteLine(empty);
        else
            Table(columns, rows.Select(cells));
    }

    /// <summary>One object: a line for each field, with those that are null left out.</summary>
    public void One<T>(T value, params (string Name, string? Value)[] fields)
    {
        if (json)
            Console.WriteLine(JsonSerializer.Serialize(value, Indented));
        else
            Table(null, fields.Where(f => f.Value is not null).Select(f => new[] { f.Name, f.Value }));
    }

    /// <summary>What was done: the object in JSON, else the sentence.</summary>
    public void Done<T>(T value, string sentence) => Console.WriteLine(json ? JsonSerializer.Serialize(value, Indented) : sentence);

    /// <summary>A key that is shown this once: alone on standard output, so that it can be piped to where it belongs.</summary>
    public void Secret<T>(T value, string key, string remark)
    {
        Console.WriteLine(json ? JsonSerializer.Serialize(value, Indented) : key);
        Console.Error.WriteLine(remark);
    }

    /// <summary>Unix milliseconds, to the minute, in UTC.</summary>
    public static string? Minute(long? milliseconds) => milliseconds is { } value
        ? DateTimeOffset.FromUnixTimeMilliseconds(value).ToString("yyyy-MM-dd HH:mm'Z'", CultureInfo.InvariantCulture)
        : null;

    public static void Table(string[]? columns, IEnumerable<string?[]> rows) => Table(Console.Out, columns, rows);

    /// <param name="output">Standard output or standard error.</param>
    public static void Table(TextWriter output, string[]? columns, IEnumerable<string?[]> rows)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(output) });
        if (output == Console.Out ? Console.IsOutputRedirected : Console.IsErrorRedirected)
            console.Profile.Width = RedirectedWidth;
        var table = new Table { Border = TableBorder.None, ShowHeaders = columns is not null };
        string?[][] lines = [.. rows];
        foreach (var column in columns ?? new string[lines.Max(l => l.Length)])
            table.AddColumn(new TableColumn(new Text((column ?? "").ToUpperInvariant())).PadLeft(0).PadRight(2));
        foreach (var line in lines)
            table.AddRow(line.Select(cell => new Text(cell ?? "-")));
        console.Write(table);
    }
}
