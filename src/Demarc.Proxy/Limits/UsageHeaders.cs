using System.Globalization;
using Demarc.Governance.Spend;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Limits;

/// <summary>
/// How Claude Code learns where a person stands (Claude apps gateway protocol, "usage-limit response headers"): it shows a
/// warning past 75 and 95 %, and the message of a refusal as it is.
/// </summary>
internal static class UsageHeaders
{
    private const string Prefix = "anthropic-ratelimit-unified-";

    /// <summary>The fullest of the limits that people are told of.</summary>
    public static void Write(IHeaderDictionary headers, LimitView[] limits)
    {
        if (Fullest(limits) is not { } view)
            return;
        var use = view.Use;
        var status = use.Threshold > 0 ? "allowed_warning" : "allowed";
        // At 1 the client would show a block that there is none of.
        var utilization = Math.Min(99, use.Percent) / 100m;
        var reset = Unix(view.Budget.Meter.Period.Reset);
        headers[Prefix + "status"] = status;
        headers[Prefix + "representative-claim"] = "overage";
        headers[Prefix + "overage-status"] = status;
        headers[Prefix + "overage-utilization"] = utilization.ToString("0.00", CultureInfo.InvariantCulture);
        if (use.Threshold > 0)
            headers[Prefix + "overage-surpassed-threshold"] = use.Threshold == 95 ? "0.95" : "0.75";
        headers[Prefix + "reset"] = reset;
        headers[Prefix + "overage-reset"] = reset;
    }

    /// <summary>Without representative-claim and overage-status: with them the client drops the message.</summary>
    public static void WriteRefusal(IHeaderDictionary headers, Shortage shortage, DateTimeOffset now)
    {
        if (shortage.Kind == ShortageKind.Held)
        {
            headers.RetryAfter = "2";
            return;
        }
        headers[Prefix + "status"] = "rejected";
        headers[Prefix + "overage-disabled-reason"] = shortage.Kind == ShortageKind.Unavailable ? "fetch_error" : "org_spend_cap_reached";
        if (shortage.Kind == ShortageKind.Unavailable)
            return;
        var period = shortage.Meter.Period;
        headers.RetryAfter = Math.Max(1, (long)Math.Ceiling((period.Reset - now).TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        headers[Prefix + "reset"] = Unix(period.Reset);
        headers[Prefix + "overage-reset"] = Unix(period.Reset);
        headers[Prefix + "overage-period"] = period.Kind.Wire();
        if (shortage.Meter.Scope is LimitScope.Pool or LimitScope.Organization)
            headers[Prefix + "overage-scope"] = "group_pool";
    }

    /// <summary>The limit nearest to its end; null when there is none that people are told of.</summary>
    public static LimitView? Fullest(LimitView[] limits)
    {
        LimitView? fullest = null;
        foreach (var view in limits)
        {
            if (view.Limit.Limit.Mode != LimitMode.Audit && (fullest is not { } known || view.Use.PerMyriad > known.Use.PerMyriad))
                fullest = view;
        }
        return fullest;
    }

    private static string Unix(DateTimeOffset at) => at.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
}
