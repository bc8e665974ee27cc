using System.Text;

namespace Demarc.Control.Costs;

/// <summary>Comma-separated values as RFC 4180 has them: fields in quotes may hold commas, quotes and line ends.</summary>
public static class Csv
{
    /// <summary>The lines, the header first. A field that is quoted to the end of the file ends with it.</summary>
    public static IEnumerable<string[]> Read(TextReader text)
    {
        var fields = new List<string>();
        var field = new StringBuilder();
        var (quoted, isEmpty) = (false, true);
        int c;
        while ((c = text.Read()) >= 0)
        {
            if (quoted)
            {
                if (c == '"' && text.Peek() == '"')
                    field.Append((char)text.Read());
                else if (c == '"')
                    quoted = false;
                else
                    field.Append((char)c);
                continue;
            }
            switch ((char)c)
            {
                case '"' when field.Length == 0:
                    (quoted, isEmpty) = (true, false);
                    break;
                case ',':
                    isEmpty = false;
                    Take();
                    break;
                case '\r' when text.Peek() == '\n':
                    break;
                case '\n':
                    // A line without anything is no line.
                    if (!isEmpty || field.Length > 0)
                        yield return Line();
                    isEmpty = true;
                    break;
                default:
                    field.Append((char)c);
                    break;
            }
        }
        if (!isEmpty || field.Length > 0)
            yield return Line();

        void Take()
        {
            fields.Add(field.ToString());
            field.Clear();
        }

        string[] Line()
        {
            Take();
            string[] line = [.. fields];
            fields.Clear();
            return line;
        }
    }

    /// <summary>A line, without its end.</summary>
    public static string Line(IEnumerable<string?> fields) => string.Join(',', fields.Select(Field));

    // A spreadsheet takes what begins so for a formula: names come from people.
    private static string Field(string? value)
    {
        if (string.IsNullOrEmpty(value))
            return "";
        if (value[0] is '=' or '@' or '\t' or '\r' || (value[0] is '+' or '-' && !decimal.TryParse(value, System.Globalization.CultureInfo.InvariantCulture, out _)))
            value = "'" + value;
        return value.AsSpan().IndexOfAny(",\"\r\n") < 0 ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }
}
