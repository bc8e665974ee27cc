using System.Text;

namespace Demarc.Control.Contracts;

/// <summary>A table for other programs and for documents.</summary>
/// <param name="Columns">Headings.</param>
/// <param name="Rows">Cells in the order of the columns; empty for what is not known.</param>
public sealed record NamedTable(string Name, string[] Columns, string[][] Rows)
{
    /// <summary>RFC 4180, lines ended by CRLF.</summary>
    public string ToCsv()
    {
        var text = new StringBuilder();
        foreach (var row in Rows.Prepend(Columns))
            text.Append(CsvLine(row));
        return text.ToString();
    }

    /// <summary>One line, with its end.</summary>
    public static string CsvLine(IEnumerable<string> cells) => string.Join(',', cells.Select(Quoted)) + "\r\n";

    public string ToMarkdown()
    {
        var text = new StringBuilder();
        Line(Columns);
        text.Append('|').Insert(text.Length, "---|", Columns.Length).Append('\n');
        foreach (var row in Rows)
            Line(row);
        return text.ToString();

        void Line(string[] cells) => text.Append("| ").AppendJoin(" | ", cells.Select(c => c.Replace("|", "\\|", StringComparison.Ordinal))).Append(" |\n");
    }

    // A spreadsheet runs what begins like a formula; an apostrophe makes it text.
    private static string Quoted(string cell)
    {
        if (cell.Length > 0 && cell[0] is '=' or '+' or '-' or '@')
            cell = $"'{cell}";
        return cell.AsSpan().ContainsAny(",\"\r\n") ? $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"" : cell;
    }
}
