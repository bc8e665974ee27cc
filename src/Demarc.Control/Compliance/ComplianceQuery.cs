using System.Globalization;
using Demarc.Control.AdminApi;
using Demarc.Governance.Wire;
using Microsoft.AspNetCore.Http;

namespace Demarc.Control.Compliance;

/// <summary>
/// The query of a compliance request, taken parameter by parameter. The first problem stays in <see cref="Problem"/>, with
/// the vendor's words where it documents them ("Handle Compliance API errors").
/// </summary>
public sealed class ComplianceQuery
{
    private const int MaxValueLength = 1024;

    private readonly IQueryCollection _query;

    /// <param name="once">Parameters that may be given once.</param>
    /// <param name="lists">Parameters that may be repeated, as <c>name[]</c> or <c>name</c>.</param>
    public ComplianceQuery(IQueryCollection query, string[] once, params string[] lists)
    {
        _query = query;
        foreach (var (name, values) in query)
        {
            var list = name.EndsWith("[]", StringComparison.Ordinal) ? name[..^2] : name;
            if (Array.IndexOf(lists, list) < 0 && Array.IndexOf(once, name) < 0)
                Wrong($"There is no `{Printable(name)}` parameter here. There are: {string.Join(", ", once.Concat(lists.Select(l => l + "[]")))}.");
            else if (values.Count > 1 && Array.IndexOf(lists, list) < 0)
                Wrong($"The `{name}` parameter is given {values.Count} times. Give it once.");
            else if (values.Any(v => v is { Length: > MaxValueLength }))
                Wrong($"The `{name}` parameter is longer than {MaxValueLength} characters.");
        }
    }

    /// <summary>What is wrong; null while nothing is.</summary>
    public AdminAnswer? Problem { get; private set; }

    /// <summary>Null when it is absent or empty.</summary>
    public string? Text(string name) => Problem is null && _query[name] is [{ Length: > 0 } value] ? value : null;

    public string[] Texts(string name) =>
        Problem is null ? [.. _query[name + "[]"].Concat(_query[name]).OfType<string>().Where(v => v.Length > 0)] : [];

    public int Limit(int otherwise, int max) =>
        Number("limit", otherwise, n => n >= 1 && n <= max, $"must be between 1 and {max}, inclusive.");

    /// <summary>Bytes a tool block may show: 1 and more, clamped to the maximum, or -1 for it.</summary>
    public int MaxBytes(string name, int otherwise, int max)
    {
        var bytes = Number(name, otherwise, n => n is -1 or >= 1, $"must be a positive number of bytes, or -1 for the maximum of {max}.");
        return bytes == -1 ? max : Math.Min(bytes, max);
    }

    /// <summary>One of two words; the first when it is absent.</summary>
    public bool IsSecond(string name, string first, string second)
    {
        var text = Text(name) ?? first;
        if (text != first && text != second)
            Wrong($"The `{name}` parameter must be \"{first}\" or \"{second}\". Got \"{Printable(text)}\".");
        return text == second;
    }

    /// <summary>A time with its offset, rounded up to a whole Unix millisecond or, for <paramref name="past"/>, to the first one after it.</summary>
    public long? Time(string name, bool past = false)
    {
        if (Text(name) is not { } text)
            return null;
        if (!Rfc3339.TryParse(text, out var time))
        {
            Wrong($"The `{name}` parameter contains an invalid timestamp format. Timestamps must be provided in RFC 3339 format e.g., \"2024-03-01T00:00:00Z\". Got \"{Printable(text)}\".");
            return null;
        }
        var floor = time.ToUnixTimeMilliseconds();
        var whole = time.Ticks % TimeSpan.TicksPerMillisecond == 0;
        return past || !whole ? floor + 1 : floor;
    }

    public void Wrong(string message) => Problem ??= AdminAnswer.Invalid(message);

    public static string Printable(string text) => PlainText.Cut(text);

    private int Number(string name, int otherwise, Func<long, bool> holds, string rule)
    {
        if (Text(name) is not { } text)
            return otherwise;
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && holds(number))
            return (int)Math.Min(number, int.MaxValue);
        Wrong($"The {name} parameter {rule} Got {Printable(text)}.");
        return otherwise;
    }
}
