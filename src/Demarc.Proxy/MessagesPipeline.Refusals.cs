using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Proxy.Refusals;
using Demarc.Proxy.Relay;
using Demarc.Proxy.Settlement;
using Demarc.Proxy.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy;

/// <summary>How a request ends that gets no answer: refused, failed upstream, or not recorded. Each is on record, and says what to do.</summary>
public sealed partial class MessagesPipeline
{
    private async Task UpstreamFailedAsync(Exchange x, Exception e)
    {
        var (outcome, refused, message) =
            x.Principal.Revoked.IsCancellationRequested ? (Outcome.Revoked, Refused.RevokedKey, "Your access was revoked while the request was under way.")
            : x.Http.RequestAborted.IsCancellationRequested ? (Outcome.ClientGone, Refused.UpstreamTimeout, "")
            : e.InnerException is PublicAddressException ? (Outcome.UpstreamLost, Refused.Policy, Explanation.OfPublicAddress(x.Deployment))
            : e is CredentialException ? (Outcome.UpstreamLost, Refused.UpstreamToken, $"The gateway cannot get its own credential for \"{x.Deployment.Resource.Name}\" at the moment. Nothing is wrong with yours: tell your administrator ({x.IdText}).")
            : e is OperationCanceledException ? (Outcome.UpstreamLost, Refused.UpstreamTimeout, $"\"{x.Deployment.FullName}\" did not answer in time. Try again.")
            : e is HttpRequestException { HttpRequestError: HttpRequestError.Unknown or HttpRequestError.InvalidResponse } ? (Outcome.UpstreamLost, Refused.UpstreamAnswer, $"The answer of \"{x.Deployment.FullName}\" could not be read. Try again.")
            : (Outcome.UpstreamLost, Refused.UpstreamUnreachable, $"\"{x.Deployment.FullName}\" could not be reached. Try again; your administrator finds the reason under {x.IdText}.");
        LogUpstreamFailed(e, x.IdText, x.Deployment.FullName, refused.Id);
        x.Answer.ErrorType = refused.Type;
        await _settler.FinishAsync(x, outcome, refused.Status, new ProviderRecord(), [], truncated: false, 0, 0);
        if (outcome == Outcome.ClientGone)
            return;
        Answering.Receipt(x);
        await ErrorEnvelope.WriteAsync(x.Http, refused.Status, refused.Type, message, x.IdText, refused.Retry, x.Dialect);
    }

    // No answer without a record: what was not sent stays unsent, and a stream that had begun ends in its own terms.
    private static Task RecordFailedAsync(Exchange x)
    {
        const string message = "The gateway could not record this request, so its answer was not released. Try again shortly.";
        if (x.Http.Response.HasStarted)
            return Answering.ErrorEventAsync(x, Refused.RecordFailed.Type, message);
        x.Http.Response.Clear();
        Answering.Receipt(x);
        return ErrorEnvelope.WriteAsync(x.Http, Refused.RecordFailed.Status, Refused.RecordFailed.Type, message, x.IdText, Refused.RecordFailed.Retry, x.Dialect);
    }

    // Whatever broke, the provider may have been asked: what it bills is settled, once the store takes records again.
    private async Task GiveUpAsync(Exchange x)
    {
        try
        {
            await _settler.FinishAsync(x, Outcome.UpstreamLost, Refused.RecordFailed.Status, new ProviderRecord(), [], truncated: false, 0, 0);
        }
        catch (RecordFailedException e)
        {
            LogRecordFailed(e, x.IdText);
        }
    }

    private async ValueTask<bool> RefusedAsync(Exchange x, Refused refused, string message)
    {
        await RefuseAsync(x, refused, message);
        return false;
    }

    private async Task RefuseAsync(Exchange x, Refused refused, string message, string? reason = null, string? rule = null)
    {
        LogRefused(refused.Level, x.IdText, reason ?? refused.Id);
        // Who is unknown leaves no record and costs no write: the store cannot be filled from outside.
        if (x.Principal is not null)
            await _settler.RefuseAsync(x, refused.Status, reason ?? refused.Id, message, rule);
        Answering.Receipt(x);
        await ErrorEnvelope.WriteAsync(x.Http, refused.Status, refused.Type, message, x.IdText, refused.Retry, x.Dialect);
    }
}
