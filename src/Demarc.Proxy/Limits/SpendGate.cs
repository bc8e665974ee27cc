using System.Globalization;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Proxy.Settlement;

namespace Demarc.Proxy.Limits;

/// <summary>The step between decision and dispatch that reserves what a request may cost.</summary>
internal sealed class SpendGate(Escrow escrow, InputCount count)
{
    // Output bound of a request that states none and whose model the catalog does not know.
    private const long UnknownMaxTokens = 128_000;

    // A fallback that the provider chooses among its own models.
    private const string ProvidersChoice = "default";

    // An answer of a few words helps nobody: below this, what does not fit is refused rather than cut.
    private const long FewestTokens = 1024;

    /// <summary>Reserves; what was in the way, or null, and then <see cref="Exchange.Spend"/> is set.</summary>
    /// <param name="settler">Writes that the input is counted.</param>
    public async ValueTask<Shortage?> ReserveAsync(Exchange x, DeploymentSnapshot[] plan, AppliedLimits limits, Settler settler, CancellationToken stop)
    {
        SpendHold hold;
        try
        {
            hold = await escrow.OpenAsync(limits, DateTimeOffset.FromUnixTimeMilliseconds(x.At), l => Counts(l, plan));
        }
        catch (Exception e) when (limits.HasHard && !stop.IsCancellationRequested)
        {
            var limit = limits.All.First(l => l.IsHard);
            return new Shortage(ShortageKind.Unavailable, limit, limit.MeterAt(DateTimeOffset.FromUnixTimeMilliseconds(x.At)), 0, e);
        }
        if (hold.Limits.Length == 0)
            return null;
        var asked = Math.Max(0, x.Facts.MaxTokens ?? UnknownMaxTokens);
        var bound = Bound(x, plan, x.Body.Length);
        var least = bound.OutputNano(Math.Min(asked, FewestTokens));
        var isLong = x.Body.Length >= InputCount.FewestBytes && bound.InputNano > least;
        var shortage = await hold.BeginAsync(bound.First(x, asked), bound.Most(asked), stop, waits: !isLong);
        // Of a long prompt the bytes say little: before it waits, is cut or refused, the deployment says what it really comes to.
        if (isLong && shortage is { Kind: ShortageKind.Reached or ShortageKind.Held })
        {
            var mayFit = shortage.Kind == ShortageKind.Held || shortage.LeftNano >= least;
            var tokens = mayFit ? await count.AskAsync(x, plan, settler, stop) : null;
            if (tokens < x.Body.Length)
                bound = Bound(x, plan, tokens.Value);
            if (mayFit)
                shortage = await hold.BeginAsync(bound.First(x, asked), bound.Most(asked), stop);
        }
        long? cut = null;
        // Each of several limits may leave less than the one before.
        while (shortage is { Kind: ShortageKind.Reached } && !x.Facts.MaxTokensToken.IsEmpty)
        {
            var fits = bound.OutputTokens(Math.Max(0, shortage.LeftNano - bound.InputNano));
            if (fits < Math.Min(asked, FewestTokens) || fits >= (cut ?? asked))
                break;
            cut = fits;
            shortage = await hold.BeginAsync(bound.Most(fits), bound.Most(fits), stop);
        }
        if (shortage is null)
            x.Spend = new RequestSpend(hold, bound, asked, cut);
        return shortage;
    }

    /// <summary>A model that the request may run on and that has no price; null when each has one.</summary>
    public static string? Unpriceable(Exchange x, DeploymentSnapshot[] plan)
    {
        foreach (var deployment in plan)
        {
            var terms = x.Terms(deployment);
            if (!terms.Prices(deployment.Model))
                return deployment.Model;
            foreach (var other in x.Facts.OtherModels)
            {
                if (other != ProvidersChoice && !terms.Prices(other))
                    return other;
            }
        }
        return null;
    }

    /// <summary>The reason code of a refusal.</summary>
    public static string Code(Shortage shortage) => shortage.Kind switch
    {
        ShortageKind.Reached => "spend_limit_reached",
        ShortageKind.Held => "spend_limit_held",
        _ => "spend_limit_unavailable",
    };

    /// <summary>What a person reads, in the words of the vendor's own gateway (Claude apps gateway spend limits).</summary>
    public static string Message(Shortage shortage)
    {
        var period = shortage.Meter.Period;
        return shortage.Kind switch
        {
            ShortageKind.Reached => string.Create(
                CultureInfo.InvariantCulture, $"spend limit reached ({period.Kind.Wire()}; resets {period.Reset:yyyy-MM-dd HH:mm} UTC)"),
            ShortageKind.Held => $"what is left of the {period.Kind.Wire()} spend limit is held by requests under way; try again in a few seconds",
            _ => "spend limit unavailable",
        };
    }

    private static bool Counts(AppliedLimit limit, DeploymentSnapshot[] plan)
    {
        foreach (var deployment in plan)
        {
            if (limit.AppliesTo(deployment.Resource.Name))
                return true;
        }
        return false;
    }

    /// <param name="tokens">What the prompt comes to at most: its bytes, unless more is known.</param>
    private static SpendBound Bound(Exchange x, DeploymentSnapshot[] plan, long tokens)
    {
        var bound = default(SpendBound);
        var input = new TokenUsage();
        var body = x.Body.Span;
        // The dearest that a token of the prompt can be: cached for an hour, for five minutes, or not at all.
        if (body.IndexOf("cache_control"u8) < 0)
            input = input with { InputTokens = tokens };
        else if (body.IndexOf("\"1h\""u8) < 0)
            input = input with { CacheWrite5m = tokens };
        else
            input = input with { CacheWrite1h = tokens };
        foreach (var deployment in plan)
        {
            var terms = x.Terms(deployment);
            bound = Dearest(bound, terms, deployment.Model, input);
            foreach (var other in x.Facts.OtherModels)
                bound = Dearest(bound, terms, other, input);
        }
        return bound;
    }

    private static SpendBound Dearest(SpendBound bound, in CallTerms terms, string model, in TokenUsage input) => new(
        Math.Max(bound.InputNano, terms.Cost(model, input).Nano),
        Math.Max(bound.MillionOutputNano, terms.Cost(model, new TokenUsage { OutputTokens = 1_000_000 }).Nano));
}
