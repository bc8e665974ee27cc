using Demarc.Governance.Boundaries;
using Demarc.Governance.Spend;

namespace Demarc.Control.Configuration;

/// <summary>The keys <c>billing</c>, <c>reports</c> and <c>commitments</c>: how finance reads what was spent.</summary>
internal static class BillingSection
{
    private const string RateAccepted = "how much of the currency a US dollar is, in quotes, for example \"0.92\"";
    private const string AmountAccepted = "US dollars in quotes, for example \"250000.00\"";

    private static readonly string[] CommitmentKeys = ["name", "amount_usd", "from", "until", "platforms", "resources", "drawn_elsewhere_usd"];

    public static BillingConfig Read(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["currency", "usd_rate", "fiscal_month_start"]) is not { } map)
            return BillingConfig.Dollars;
        var currency = map.Text("currency");
        if (currency is not null && !(currency.Value.Length == 3 && currency.Value.All(char.IsAsciiLetterUpper)))
        {
            reading.Error(currency, $"{ConfigText.Quote(currency.Value)} is no currency; accepted: a code of ISO 4217, for example EUR");
            return BillingConfig.Dollars;
        }
        var isDollars = currency is null or { Value: "USD" };
        // Spend is in dollars: what they are worth is the operator's to say, and never asked of anyone.
        var written = isDollars ? map.Text("usd_rate") : reading.Text(map.Required("usd_rate", RateAccepted));
        var rate = NanoDollars.PerDollar;
        if (isDollars && written is not null)
            reading.Error(written, "a dollar is a dollar; leave it out, or name the currency");
        else if (written is not null && (!NanoDollars.TryParse(written.Value, out rate) || rate == 0 || rate > 1_000_000 * NanoDollars.PerDollar))
            reading.Error(written, $"{ConfigText.Quote(written.Value)} is no rate; accepted: {RateAccepted}");
        var start = 1;
        if (map.Text("fiscal_month_start") is { } day && !(int.TryParse(day.Value, System.Globalization.NumberStyles.None, null, out start) && start is >= 1 and <= 28))
            reading.Error(day, $"{ConfigText.Quote(day.Value)} is no day that every month has; accepted: 1 to 28");
        return new BillingConfig(currency?.Value ?? "USD", rate, start);
    }

    /// <summary>Whether reports for each person name people, and how many have to be in a row together.</summary>
    public static (bool NamesPeople, int SmallestGroup) Reports(ConfigNode? node, ConfigReading reading)
    {
        var smallest = Governance.Policy.GatewaySnapshot.DefaultSmallestGroup;
        if (MapReader.Open(node, reading, ["people", "smallest_group"]) is not { } map)
            return (false, smallest);
        if (map.Text("smallest_group") is { } text && !(int.TryParse(text.Value, System.Globalization.NumberStyles.None, null, out smallest) && smallest is >= 1 and <= 1000))
            reading.Error(text, $"{ConfigText.Quote(text.Value)} is no number of people; accepted: 1 (everybody stands alone) to 1000");
        return (Vocabulary.One(map.Get("people"), "way to show people", ["pseudonymous", "named"], reading) == "named", smallest);
    }

    /// <param name="resources">Names of the resources.</param>
    public static CommitmentConfig[] Commitments(ConfigNode? node, string[] resources, ConfigReading reading)
    {
        var commitments = new List<CommitmentConfig>();
        foreach (var item in reading.Items(node))
        {
            if (MapReader.Open(item, reading, CommitmentKeys) is not { } map)
                continue;
            var name = reading.Text(map.Required("name", "what the commitment is called, for example macc-2026"));
            if (name is not null && !NameRules.IsWord(name.Value))
                reading.Error(name, $"{ConfigText.Quote(name.Value)} is no name; accepted: a-z, 0-9 and '._-'");
            else if (name is not null && commitments.Exists(c => c.Name == name.Value))
                reading.Error(name, $"{ConfigText.Quote(name.Value)} is described already; each commitment is accepted once");
            var amount = Amount(reading.Text(map.Required("amount_usd", AmountAccepted)), reading);
            var from = AgreementSection.Day(reading.Text(map.Required("from", "a day like 2026-08-31")), reading);
            var until = AgreementSection.Day(reading.Text(map.Required("until", "the first day on which it no longer holds")), reading);
            if (until <= from)
                reading.Error(map.Get("until")!, "it ends before it begins; accepted: the first day on which it no longer holds");
            var platforms = Vocabulary.List(map.Get("platforms"), "platform", [.. Enum.GetValues<Platform>().Select(p => p.Wire())], reading) ?? [];
            var named = Vocabulary.List(map.Get("resources"), "resource", resources, reading) ?? [];
            if (map.Mentions("platforms") == map.Mentions("resources"))
                reading.Error(item, "a commitment is drawn down by platforms or by resources; accepted: one of them");
            var elsewhere = Amount(map.Text("drawn_elsewhere_usd"), reading);
            if (name is not null && amount is not null && from is not null && until is not null)
                commitments.Add(new CommitmentConfig(name.Value, amount.Value, from.Value, until.Value, platforms, named, elsewhere ?? 0));
        }
        return [.. commitments];
    }

    private static long? Amount(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (NanoDollars.TryParse(node.Value, out var nano))
            return nano;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no amount; accepted: {AmountAccepted}");
        return null;
    }
}
