using System.Globalization;
using Demarc.Governance.Spend;

namespace Demarc.Control.Costs;

/// <summary>A line of a provider's bill that is for Claude.</summary>
/// <param name="At">The start of the hour or the day it is for.</param>
/// <param name="NanoUsd">Nano-dollars; credits are negative.</param>
/// <param name="Resource">As the bill names it; empty where it does not.</param>
public sealed record BillLine(DateTimeOffset At, long NanoUsd, string Resource, string Description)
{
    /// <summary>How much of what it is metered by, in the bill's own unit; 0 where it does not say.</summary>
    public decimal Quantity { get; init; }

    /// <summary>See <see cref="BillMeters"/>; null where its words do not say.</summary>
    public string? Meter { get; init; }
}

/// <summary>A bill cannot be read; the message says what to do.</summary>
public sealed class BillException(string message) : Exception(message);

/// <summary>
/// A provider's bill as it exports it: Azure's cost details, AWS's Cost and Usage Report or Data Exports, Google Cloud's BigQuery
/// export saved as CSV, or any of them as FOCUS.
/// </summary>
/// <param name="IsHourly">False where the export has days only, as Azure's do ("daily rated usage": Microsoft, "Ingest cost details data").</param>
/// <param name="Others">Lines that are not for Claude.</param>
public sealed record ProviderBill(BillLine[] Lines, bool IsHourly, int Others)
{
    // Names of columns as the exports have them, each in its newer and its older form; compared without case and punctuation.
    private static readonly Dictionary<string, Form> Forms = new()
    {
        ["azure"] = new(
            ["date", "usagedatetime", "usagedate"], ["costinusd", "paygcostinusd"], ["costinbillingcurrency", "pretaxcost", "cost"],
            ["billingcurrency", "billingcurrencycode", "currency"], ["resourceid", "instanceid", "instancename"], ["quantity", "usagequantity"],
            ["productname", "product", "metercategory", "metersubcategory", "metername", "publishername", "servicename", "consumedservice"]),
        ["aws"] = new(
            ["lineitemusagestartdate"], [], ["lineitemunblendedcost", "lineitemnetunblendedcost"],
            ["lineitemcurrencycode"], ["lineitemresourceid"], ["lineitemusageamount"],
            ["productproductname", "productservicename", "lineitemproductcode", "lineitemusagetype", "lineitemlineitemdescription", "lineitemlegalentity"]),
        ["google"] = new(
            ["usagestarttime"], [], ["cost"],
            ["currency"], ["resourcename", "resourceglobalname"], ["usageamount", "usageamountinpricingunits"],
            ["skudescription", "servicedescription"]),
    };

    // The same of every cloud: the FinOps specification's own names.
    private static readonly Form Focus = new(
        ["chargeperiodstart"], [], ["billedcost"], ["billingcurrency"], ["resourceid"], ["consumedquantity", "pricingquantity"],
        ["servicename", "publishername", "chargedescription", "skuid", "skumeter", "xskudescription", "xskumetername"]);

    /// <summary>The providers whose exports are read.</summary>
    public static IEnumerable<string> Providers => Forms.Keys;

    /// <param name="currency">Of the configuration, with how much of it a dollar is, times 10^9.</param>
    /// <exception cref="BillException">It is no such export, or has a line that cannot be read.</exception>
    public static ProviderBill Read(TextReader text, string provider, string currency, long rateNano)
    {
        using var lines = Csv.Read(text).GetEnumerator();
        if (!lines.MoveNext())
            throw new BillException("The file is empty. Give the provider's export as CSV.");
        var columns = new Columns(lines.Current);
        var form = columns.Has(Focus.At) && columns.Has(Focus.Cost) ? Focus : Forms[provider];
        if (!columns.Has(form.At) || !(columns.Has(form.CostUsd) || columns.Has(form.Cost)))
            throw new BillException(
                $"The header has no column for {(columns.Has(form.At) ? "the cost" : "the time")} (such as {string.Join(", ", (columns.Has(form.At) ? form.Cost : form.At).Take(2))}). Give an export of {provider}'s costs as CSV.");

        var (read, others, number, isHourly) = (new List<BillLine>(), 0, 1, false);
        while (lines.MoveNext())
        {
            number++;
            var what = string.Join(' ', form.What.Select(name => columns.Value(lines.Current, [name])).Where(v => v.Length > 0).Distinct());
            if (!what.Contains("claude", StringComparison.OrdinalIgnoreCase) && !what.Contains("anthropic", StringComparison.OrdinalIgnoreCase))
            {
                others++;
                continue;
            }
            var at = Time(columns.Value(lines.Current, form.At), number);
            isHourly |= at.TimeOfDay != TimeSpan.Zero;
            var usd = columns.Value(lines.Current, form.CostUsd);
            var cost = usd.Length > 0 ? Amount(usd, number) : InDollars(Amount(columns.Value(lines.Current, form.Cost), number), columns.Value(lines.Current, form.Currency), currency, rateNano, number);
            // A bill without quantities is one all the same.
            _ = decimal.TryParse(columns.Value(lines.Current, form.Quantity), NumberStyles.Float, CultureInfo.InvariantCulture, out var quantity);
            read.Add(new BillLine(at, cost, columns.Value(lines.Current, form.Resource), what) { Quantity = Math.Max(0, quantity) });
        }
        return new ProviderBill([.. read], isHourly, others);
    }

    private static long InDollars(long nano, string billed, string currency, long rateNano, int number) =>
        billed is "" or "USD" ? nano
        : billed == currency ? (long)((Int128)nano * NanoDollars.PerDollar / rateNano)
        : throw new BillException($"Line {number} is in {billed}. Set billing.currency to it and billing.usd_rate in the configuration, or export the bill in US dollars.");

    private static long Amount(string text, int number) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var amount) && Math.Abs(amount) < 1_000_000_000
            ? (long)Math.Round(amount * NanoDollars.PerDollar, MidpointRounding.AwayFromZero)
            : throw new BillException($"Line {number}: {Shown(text)} is no amount of money.");

    private static DateTimeOffset Time(string text, int number)
    {
        // Google writes "2026-11-20 13:00:00 UTC", Azure "11/20/2026", the others RFC 3339 or a day.
        var plain = text.EndsWith(" UTC", StringComparison.Ordinal) ? text[..^4] + "Z" : text;
        return DateTimeOffset.TryParseExact(
            plain,
            ["yyyy-MM-dd", "MM/dd/yyyy", "M/d/yyyy", "yyyyMMdd", "yyyy-MM-dd'T'HH:mm:ssK", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ssK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK"],
            CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var time)
            ? time
            : throw new BillException($"Line {number}: {Shown(text)} is no time.");
    }

    private static string Shown(string text) => $"\"{Compliance.ComplianceQuery.Printable(text)}\"";

    private sealed record Form(string[] At, string[] CostUsd, string[] Cost, string[] Currency, string[] Resource, string[] Quantity, string[] What);

    private sealed class Columns
    {
        private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);

        public Columns(string[] header)
        {
            for (var i = 0; i < header.Length; i++)
                _places.TryAdd(string.Concat(header[i].Where(char.IsAsciiLetterOrDigit)).ToLowerInvariant(), i);
        }

        public bool Has(string[] names) => names.Any(_places.ContainsKey);

        /// <summary>The first of the columns that has a value.</summary>
        public string Value(string[] line, string[] names)
        {
            foreach (var name in names)
            {
                if (_places.TryGetValue(name, out var at) && at < line.Length && line[at].Trim() is { Length: > 0 } value)
                    return value;
            }
            return "";
        }
    }
}
