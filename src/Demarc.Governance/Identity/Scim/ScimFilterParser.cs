using System.Globalization;
using System.Text.Json;

namespace Demarc.Governance.Identity.Scim;

/// <summary>Reads filters and patch paths (RFC 7644, 3.4.2.2 and 3.5.2). Operators and names come in any case.</summary>
public ref struct ScimFilterParser
{
    /// <summary>Characters.</summary>
    public const int MostLength = 8 << 10;

    private const int MostDepth = 40;
    private const string Urn = "urn:";

    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private int _depth;

    private ScimFilterParser(string text) => _text = text;

    /// <exception cref="ScimException">It is no filter.</exception>
    public static ScimFilter Parse(string text)
    {
        if (text.Length > MostLength)
            throw ScimException.Filter($"filter: it has {text.Length} characters. Give at most {MostLength}.");
        var parser = new ScimFilterParser(text);
        var filter = parser.Or(inElement: false);
        return parser.IsAtEnd ? filter : throw parser.Wrong("the end");
    }

    /// <exception cref="ScimException">It is no path.</exception>
    public static PatchPath ParsePath(string text)
    {
        if (text.Length > MostLength)
            throw ScimException.Path($"path: it has {text.Length} characters. Give at most {MostLength}.");
        try
        {
            var parser = new ScimFilterParser(text);
            var attribute = parser.Path();
            var where = parser.Takes('[') ? parser.Or(inElement: true) : null;
            if (where is not null)
            {
                parser.Needs(']');
                if (parser.Takes('.'))
                    attribute = attribute with { Sub = new string(parser.Word()) };
            }
            return parser.IsAtEnd ? new PatchPath(attribute, where) : throw parser.Wrong("the end");
        }
        catch (ScimException e)
        {
            throw ScimException.Path($"path: {e.Message}");
        }
    }

    /// <summary>An attribute's name as a query parameter has it.</summary>
    /// <exception cref="ScimException">It is no name.</exception>
    public static AttributePath ParseAttribute(string text) =>
        ParsePath(text) is { Where: null } path ? path.Attribute : throw ScimException.Path($"path: {text} has a filter. Give the name of an attribute.");

    private bool IsAtEnd
    {
        get
        {
            Skip();
            return _at == _text.Length;
        }
    }

    private ScimFilter Or(bool inElement)
    {
        if (++_depth > MostDepth)
            throw ScimException.Filter($"filter: it is nested more than {MostDepth} deep.");
        var filter = And(inElement);
        while (TakesWord("or"))
            filter = new OrFilter(filter, And(inElement));
        _depth--;
        return filter;
    }

    private ScimFilter And(bool inElement)
    {
        var filter = Term(inElement);
        while (TakesWord("and"))
            filter = new AndFilter(filter, Term(inElement));
        return filter;
    }

    private ScimFilter Term(bool inElement)
    {
        if (Takes('('))
            return Grouped(inElement);
        var start = _at;
        if (TakesWord("not"))
        {
            if (Takes('('))
                return new NotFilter(Grouped(inElement));
            _at = start;
        }
        var path = Path();
        if (!inElement && Takes('['))
        {
            var filter = Or(inElement: true);
            Needs(']');
            return new ElementFilter(path, filter);
        }
        if (TakesWord("pr"))
            return new PresentFilter(path);
        foreach (var known in Enum.GetValues<FilterOperator>())
            if (TakesWord(known.ToString()))
                return new CompareFilter(path, known, Value());
        throw Wrong("an operator (eq, ne, co, sw, ew, pr, gt, ge, lt, le)");
    }

    private ScimFilter Grouped(bool inElement)
    {
        var filter = Or(inElement);
        Needs(')');
        return filter;
    }

    private AttributePath Path()
    {
        var word = Word();
        string? schema = null;
        if (word.StartsWith(Urn, StringComparison.OrdinalIgnoreCase))
        {
            if (ScimSchemas.Find(new string(word)) is { } whole)
                return new AttributePath(whole.Id, "");
            var colon = word.LastIndexOf(':');
            schema = new string(word[..colon]);
            word = word[(colon + 1)..];
        }
        var dot = word.IndexOf('.');
        var name = dot < 0 ? word : word[..dot];
        var sub = dot < 0 ? default : word[(dot + 1)..];
        if (name.IsEmpty || (dot >= 0 && sub.IsEmpty) || name.Contains(':') || sub.ContainsAny(".:"))
            throw Wrong("the name of an attribute, such as userName or name.givenName");
        return new AttributePath(ScimSchemas.IsCore(schema) ? null : schema, new string(name), dot < 0 ? null : new string(sub));
    }

    private object? Value()
    {
        Skip();
        if (_at < _text.Length && _text[_at] == '"')
            return Text();
        var word = Word();
        return word switch
        {
            _ when word.Equals("true", StringComparison.OrdinalIgnoreCase) => true,
            _ when word.Equals("false", StringComparison.OrdinalIgnoreCase) => false,
            _ when word.Equals("null", StringComparison.OrdinalIgnoreCase) => null,
            _ => decimal.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) ? number : throw Wrong("a value: a text in double quotes, a number, true, false or null"),
        };
    }

    private string Text()
    {
        var start = _at++;
        while (_at < _text.Length && _text[_at] != '"')
            _at += _text[_at] == '\\' ? 2 : 1;
        if (_at++ >= _text.Length)
            throw ScimException.Filter($"the text that begins at character {start + 1} does not end. Close it with \".");
        try
        {
            return JsonSerializer.Deserialize<string>(_text[start.._at])!;
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            // Half of a surrogate pair is an argument that is wrong, to the serializer.
            throw ScimException.Filter($"the text at character {start + 1} is no JSON string. Escape quotes and backslashes with a backslash.");
        }
    }

    private ReadOnlySpan<char> Word()
    {
        Skip();
        var start = _at;
        while (_at < _text.Length && (char.IsAsciiLetterOrDigit(_text[_at]) || _text[_at] is '-' or '_' or ':' or '.' or '$' or '+'))
            _at++;
        return _at > start ? _text[start.._at] : throw Wrong("a name");
    }

    private bool TakesWord(string word)
    {
        var start = _at;
        Skip();
        var end = _at + word.Length;
        if (end <= _text.Length && _text[_at..end].Equals(word, StringComparison.OrdinalIgnoreCase)
            && (end == _text.Length || _text[end] is ' ' or '(' or ')' or ']' or '"'))
        {
            _at = end;
            return true;
        }
        _at = start;
        return false;
    }

    private bool Takes(char sign)
    {
        Skip();
        if (_at >= _text.Length || _text[_at] != sign)
            return false;
        _at++;
        return true;
    }

    private void Needs(char sign)
    {
        if (!Takes(sign))
            throw Wrong($"{sign}");
    }

    private void Skip()
    {
        while (_at < _text.Length && _text[_at] == ' ')
            _at++;
    }

    private readonly ScimException Wrong(string expected) => ScimException.Filter($"at character {_at + 1} there should be {expected}.");
}
