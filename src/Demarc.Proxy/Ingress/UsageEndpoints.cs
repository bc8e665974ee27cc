using System.Globalization;
using System.Text.Json;
using Demarc.Governance;
using Demarc.Governance.Spend;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Ingress;

/// <summary><c>GET /api/oauth/usage</c>: what Claude Code's <c>/usage</c> shows of a person's limits. Cents, and whole percents.</summary>
public sealed class UsageEndpoints(ISnapshotSource snapshots, Escrow escrow, TimeProvider time)
{
    private const long NanoPerCent = NanoDollars.PerDollar / 100;

    public async Task GetAsync(HttpContext http)
    {
        if (await KeyCheck.PrincipalAsync(http, snapshots) is not { } principal)
            return;
        LimitView[] views;
        try
        {
            views = await escrow.ViewAsync(snapshots.Current.LimitsOf(principal), time.GetUtcNow());
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            // That the store is away is in the log by whoever follows it.
            await ErrorEnvelope.WriteAsync(http, 503, "api_error", "The usage cannot be read at the moment. Try again shortly.", retry: true);
            return;
        }
        views = Array.FindAll(views, v => v.Limit.Limit.Mode != LimitMode.Audit);
        http.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(http.Response.BodyWriter);
        json.WriteStartObject();
        Extra(json, UsageHeaders.Fullest(Array.FindAll(views, v => v.Limit.Limit.Period == LimitPeriod.Monthly)));
        foreach (var period in (LimitPeriod[])[LimitPeriod.Daily, LimitPeriod.Weekly])
            Window(json, period.Wire(), UsageHeaders.Fullest(Array.FindAll(views, v => v.Limit.Limit.Period == period)));
        json.WriteStartArray("limits");
        foreach (var view in views)
            Limit(json, view);
        json.WriteEndArray();
        json.WriteEndObject();
        await json.FlushAsync(http.RequestAborted);
    }

    private static void Extra(Utf8JsonWriter json, LimitView? monthly)
    {
        json.WriteStartObject("extra_usage");
        json.WriteBoolean("is_enabled", monthly is not null);
        if (monthly is { } view)
        {
            json.WriteNumber("monthly_limit", view.Use.AmountNano / NanoPerCent);
            json.WriteNumber("used_credits", view.Use.SpentNano / NanoPerCent);
            json.WriteNumber("utilization", view.Use.Percent);
            json.WriteString("currency", "USD");
        }
        else
        {
            foreach (var name in (string[])["monthly_limit", "used_credits", "utilization", "currency"])
                json.WriteNull(name);
        }
        json.WriteEndObject();
    }

    private static void Window(Utf8JsonWriter json, string name, LimitView? limit)
    {
        if (limit is not { } view)
        {
            json.WriteNull(name);
            return;
        }
        json.WriteStartObject(name);
        json.WriteNumber("utilization", view.Use.Percent);
        json.WriteString("resets_at", Reset(view));
        json.WriteEndObject();
    }

    private static void Limit(Utf8JsonWriter json, LimitView view)
    {
        json.WriteStartObject();
        json.WriteString("kind", "spend");
        json.WriteString("group", view.Limit.Limit.Period.Wire());
        json.WriteNumber("percent", view.Use.Percent);
        json.WriteString("resets_at", Reset(view));
        json.WriteString("severity", view.Use.Threshold switch { 95 => "critical", 75 => "warning", _ => "normal" });
        json.WriteBoolean("is_active", true);
        json.WriteEndObject();
    }

    private static string Reset(LimitView view) => view.Budget.Meter.Period.Reset.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);
}
