using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Spend;

namespace Demarc.Control.Alerts;

/// <summary>What an e-mail says.</summary>
internal static class AlertWords
{
    /// <param name="alert">The alert's body: <c>{type, timestamp, data}</c>.</param>
    public static (string Subject, string Text) Of(string id, JsonElement alert)
    {
        var (type, data) = (alert.GetProperty("type").GetString(), alert.GetProperty("data"));
        return type switch
        {
            "spend.limit_increase_approved" => Approved(data),
            "spend.limit_increase_denied" => (
                $"Your request for a higher {Text(data, "period")} Claude spend limit was not approved",
                $"Your limit stays as it is. You can ask again in 30 days; your administrator can say more.\n\nRequest: {Text(data, "increase_request_id")}\n"),
            "boundary.mismatch" => (
                $"{Text(data, "deployment")} is out of service: its data path is not as declared",
                $"{Text(data, "mismatch")}.\n\nIt returns when it is verified again, when its declaration changes, or by: demarc resource verify {Text(data, "deployment")} --accept REASON\n\nAt: {alert.GetProperty("timestamp").GetString()}\nAlert: {id}\n"),
            _ => Limit(id, alert, type, data),
        };
    }

    private static (string Subject, string Text) Approved(JsonElement data)
    {
        var until = DateTimeOffset.TryParse(Text(data, "until"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var end)
            ? string.Create(CultureInfo.InvariantCulture, $" until {end.UtcDateTime:yyyy-MM-dd HH:mm} UTC") : "";
        return (
            $"Your {Text(data, "period")} Claude spend limit is {Dollars(data, "amount_nano_usd")} now{until}",
            $"Your request for more was approved: {Dollars(data, "amount_nano_usd")} {Text(data, "period")}{until}. It holds from now on.\n\nRequest: {Text(data, "increase_request_id")}\n");
    }

    private static (string Subject, string Text) Limit(string id, JsonElement alert, string? type, JsonElement data)
    {
        var amount = Dollars(data, "amount_nano_usd");
        var what = type switch
        {
            "spend.forecast_exceeded" => $"is going to come to {Dollars(data, "foreseen_nano_usd")} of {amount}",
            "spend.overrun" => $"was passed by {Dollars(data, "over_nano_usd")}: {Dollars(data, "settled_nano_usd")} of {amount}",
            _ => $"is at {Text(data, "percent")} %: {Dollars(data, "settled_nano_usd")} of {amount}",
        };
        var subject = $"Spend limit {Text(data, "limit")} ({Text(data, "period")}) {what}";
        return (subject, $"{subject}.\n\nWhat counts: {Text(data, "meter")}\nMode: {Text(data, "mode")}\nAt: {alert.GetProperty("timestamp").GetString()}\nAlert: {id}\n");
    }

    private static string Text(JsonElement data, string name) => data.TryGetProperty(name, out var value) ? value.GetString() ?? "" : "";

    private static string Dollars(JsonElement data, string name) =>
        long.TryParse(Text(data, name), NumberStyles.Integer, CultureInfo.InvariantCulture, out var nano) ? NanoDollars.Format(nano) : "?";
}
