using System.Globalization;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Refusals;
using Demarc.Proxy.Relay;
using Demarc.Proxy.Settlement;
using Microsoft.Extensions.Logging;

namespace Demarc.Proxy;

/// <summary>The steps that rates and limits are: counting a request, reserving what it may cost, and refusing what does not fit.</summary>
public sealed partial class MessagesPipeline
{
    private ValueTask<bool> CountAsync(Exchange x)
    {
        var rates = x.Operation == Operation.CountTokens ? [] : x.Snapshot.RatesOf(x.Principal);
        return rates.Length == 0 ? ValueTask.FromResult(true) : CountAsync(x, rates);
    }

    private async ValueTask<bool> CountAsync(Exchange x, AppliedRate[] rates)
    {
        if (await _rates.EnterAsync(x, rates, x.Http.RequestAborted) is not var (rate, shortage))
            return true;
        x.Http.Response.Headers.RetryAfter = RateGate.Seconds(shortage).ToString(CultureInfo.InvariantCulture);
        await RefuseAsync(x, Refused.RateLimited, x.Snapshot.RefusalText.Append(RateGate.Message(rate, shortage)), "rate_limited", rate.Rate.Place);
        return false;
    }

    private async ValueTask<bool> ReserveAsync(Exchange x, DeploymentSnapshot[] plan)
    {
        var limits = x.Operation == Operation.CountTokens ? AppliedLimits.None : x.Snapshot.LimitsOf(x.Principal);
        if (limits.IsEmpty)
            return true;
        if (limits.HasHard && SpendGate.Unpriceable(x, plan) is { } model)
        {
            await RefuseAsync(x, Refused.Policy, $"\"{model}\" has no price in the catalog, so it cannot be paid from a hard limit. Ask for another model, or tell your administrator ({x.IdText}).", "unpriceable_model");
            return false;
        }
        if (await _spend.ReserveAsync(x, plan, limits, _settler, x.Http.RequestAborted) is { } shortage)
        {
            if (shortage.Reason is { } reason)
                LogEscrowFailed(reason, x.IdText);
            UsageHeaders.WriteRefusal(x.Http.Response.Headers, shortage, time.GetUtcNow());
            await RefuseAsync(
                x, shortage.Kind == ShortageKind.Held ? Refused.SpendHeld : Refused.SpendLimit, x.Snapshot.RefusalText.Append(SpendGate.Message(shortage), AskLink(x, shortage)),
                SpendGate.Code(shortage), shortage.Limit.Limit.Place);
            return false;
        }
        if (!QuotaProbe.Is(x))
            return true;
        await _settler.ProbedAsync(x);
        await QuotaProbe.AnswerAsync(x);
        return false;
    }

    // An attempt that was given up may be billed: the next one is reserved beside it, or not made.
    private async ValueTask<bool> KeepAsync(Exchange x, long lost)
    {
        try
        {
            if (await x.Spend!.KeepAsync(lost, x.Deployment.Resource.Name, x.Http.RequestAborted) is not { } shortage)
                return true;
            x.Answer.ErrorType = Refused.SpendLimit.Type;
            await _settler.FinishAsync(x, Outcome.UpstreamLost, Refused.SpendLimit.Status, new ProviderRecord(), [], truncated: false, 0, 0);
            UsageHeaders.WriteRefusal(x.Http.Response.Headers, shortage, time.GetUtcNow());
            Answering.Receipt(x);
            await ErrorEnvelope.WriteAsync(
                x.Http, Refused.SpendLimit.Status, Refused.SpendLimit.Type, x.Snapshot.RefusalText.Append(SpendGate.Message(shortage)), x.IdText, Refused.SpendLimit.Retry, x.Dialect);
        }
        catch (OperationCanceledException e) when (!x.IsSettled)
        {
            await UpstreamFailedAsync(x, e);
        }
        return false;
    }

    // More helps only where the limit is the person's own.
    private Uri? AskLink(Exchange x, Shortage shortage) =>
        shortage is { Kind: ShortageKind.Reached, Meter.Scope: LimitScope.Person }
            ? links.For(new IncreaseAsk(x.Principal.OrganizationId, x.Principal.Id, shortage.Meter.Period.Kind), time.GetUtcNow())
            : null;

    [LoggerMessage(1006, LogLevel.Error, "{Request}: the store could not be asked for what is left of a limit")]
    private partial void LogEscrowFailed(Exception e, string request);
}
