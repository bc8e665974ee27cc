using System.Text.RegularExpressions;
using Demarc.Governance.Policy;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Costs;

/// <summary>
/// What a line is metered by, in both books alike: a model's kind of tokens (<c>sonnet 4.6 output</c>), or Claude Consumption
/// Units. Bills name both in words of their own: <c>USE1-Claude4.6Sonnet-output-tokens</c> or <c>USE1-MP:USE1_OutputTokenCount-Units</c>
/// of "Claude Sonnet 4.6 (Amazon Bedrock Edition)" (source: Amazon Bedrock user guide, "Understanding your Amazon Bedrock Cost and
/// Usage Report data", and AWS's price list), "Claude Sonnet 4.6 Output" of Google Cloud.
/// </summary>
public sealed partial class BillMeters
{
    /// <summary>Lines in Claude Consumption Units.</summary>
    public const string Units = "units";

    private readonly (string Family, Regex Version)[] _families;

    /// <param name="models">Those that the ledger has.</param>
    public BillMeters(IEnumerable<string> models) =>
        _families = [.. models.Select(Family).OfType<string>().Distinct().Select(family => (family, new Regex(
            $@"((?<!\d)(?<before>\d{{1,2}}([.-]\d{{1,2}})?))?[ -]?{family}([ -]?(?<behind>\d{{1,2}}([.-]\d{{1,2}}(?!\d))?)(?!\d))?", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)))];

    /// <summary>Of a bill's line; null where its words do not say.</summary>
    public string? Of(string description)
    {
        var text = description.ToLowerInvariant();
        var plain = string.Concat(text.Where(char.IsAsciiLetterOrDigit));
        if (plain.Contains("consumptionunit", StringComparison.Ordinal) || Abbreviated().IsMatch(text))
            return Units;
        return Kind(plain) is { } kind && Model(text) is { } model ? $"{model} {kind}{(plain.Contains("batch", StringComparison.Ordinal) ? " batch" : "")}" : null;
    }

    /// <summary>What a line of the ledger comes to by meter.</summary>
    public IEnumerable<(string Meter, long Tokens, long Nano)> Of(SpendLine line, GatewaySnapshot snapshot)
    {
        var day = DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(line.At).UtcDateTime);
        foreach (var kind in CostKinds.Of(line, snapshot, day))
        {
            if (kind.TokenType is { } type && Kind(string.Concat(type.Where(char.IsAsciiLetter))) is { } name && Model(line.Model!) is { } model)
                yield return ($"{model} {name}{(line.ServiceTier == "batch" ? " batch" : "")}", kind.Quantity, kind.Nano);
        }
    }

    // Caches first: their words hold "input" too.
    private static string? Kind(string plain) =>
        plain.Contains("cacheread", StringComparison.Ordinal) || plain.Contains("cachehit", StringComparison.Ordinal) ? "cache read"
        : plain.Contains("cachewrite", StringComparison.Ordinal) || plain.Contains("cachecreation", StringComparison.Ordinal) ? "cache write"
        : plain.Contains("output", StringComparison.Ordinal) ? "output"
        : plain.Contains("input", StringComparison.Ordinal) ? "input"
        : null;

    private string? Model(string text)
    {
        foreach (var (family, version) in _families)
        {
            if (version.Match(text) is { Success: true } match && Version(match) is { } number)
                return $"{family} {number.Replace('-', '.')}";
        }
        return null;
    }

    private static string? Version(Match match) =>
        match.Groups["behind"] is { Success: true } behind ? behind.Value : match.Groups["before"] is { Success: true } before ? before.Value : null;

    // "sonnet" of claude-sonnet-4-6 and of claude-3-5-sonnet-20241022.
    private static string? Family(string model) => model.Split('-').FirstOrDefault(part => part != "claude" && part.Length > 2 && part.All(char.IsAsciiLetter));

    [GeneratedRegex("(?<![a-z])ccus?(?![a-z])", RegexOptions.CultureInvariant)]
    private static partial Regex Abbreviated();
}
