using System.Diagnostics;
using Demarc.Governance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Governance.Wire;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Refusals;
using Demarc.Proxy.Relay;
using Demarc.Proxy.Settlement;
using Demarc.Proxy.Upstreams;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Demarc.Proxy;

/// <summary>
/// The request path, a straight line: 1 authenticate, 2 admit (network, project, body and its form), 3 decide, count (rates) and
/// reserve, 4 begin (record), 5 dispatch, 6 relay and settle, 7 hold what the answer says against the boundary.
/// </summary>
public sealed partial class MessagesPipeline(
    ISnapshotSource snapshots, IEvidenceSink sink, UpstreamClient upstream, UpstreamHealth health, SessionNames sessions, Escrow escrow, RateSharing sharing, IncreaseLinks links, string replica, TimeProvider time,
    ILogger<MessagesPipeline> log)
{
    // Claude Code announces its own patience in x-stainless-timeout; below that, no header timeout may cut it short.
    private static readonly TimeSpan MinHeaderTimeout = TimeSpan.FromMinutes(10);

    private static readonly Action<object?> s_cancel = static source => ((CancellationTokenSource)source!).Cancel();

    private readonly Settler _settler = new(sink, health, replica, time);
    private readonly SpendGate _spend = new(escrow, new InputCount(upstream, health, time));
    private readonly RateGate _rates = new(sharing, time);
    private readonly Captures _captures = new(sink);
    private readonly SessionMoves _moves = new(time);
    private long _recordFailedAt;

    /// <summary>How long ago a request was last not answered, as it could not be put on record; null for never.</summary>
    public TimeSpan? SinceRecordFailed => Volatile.Read(ref _recordFailedAt) is not 0 and var at ? time.GetElapsedTime(at) : null;

    /// <summary>Answers one inference request.</summary>
    /// <param name="model">The model that the path names; null where the body has to.</param>
    /// <param name="stream">Whether the path asks for a stream; null where the body says.</param>
    public async Task HandleAsync(HttpContext http, Dialect dialect, Operation operation, string? resource, string? model = null, bool? stream = null)
    {
        var now = time.GetUtcNow();
        var id = Ids.NewGuid(now);
        var x = new Exchange
        {
            Http = http,
            Dialect = dialect,
            Operation = operation,
            Resource = resource,
            Path = new ScanOptions(dialect.Form(), model, stream),
            Snapshot = snapshots.Current,
            Id = id,
            IdText = Ids.From(Ids.Request, id),
            Arrived = Stopwatch.GetTimestamp(),
            At = now.ToUnixTimeMilliseconds(),
        };
        try
        {
            if (await AuthenticateAsync(x) && await AdmitAsync(x))
                await AnswerAsync(x);
        }
        catch (BadHttpRequestException) when (x.Principal is not null && !http.RequestAborted.IsCancellationRequested && !http.Response.HasStarted)
        {
            await RefuseAsync(x, Refused.Malformed, "The request body could not be read: its chunks are malformed, or it broke off or came too slowly. Send it whole.");
        }
        catch (Exception e) when (e is BadHttpRequestException || (http.RequestAborted.IsCancellationRequested && e is OperationCanceledException or IOException))
        {
            // A body that ends too early has nobody left to read an answer.
            LogClientGone(x.IdText);
        }
        catch (RecordFailedException e)
        {
            Volatile.Write(ref _recordFailedAt, time.GetTimestamp());
            LogRecordFailed(e, x.IdText);
            await RecordFailedAsync(x);
        }
        finally
        {
            if (x.HasBegun && !x.IsSettled)
                await GiveUpAsync(x);
            x.Spend?.Settle(0, null);
            RateGate.Leave(x, time.GetUtcNow());
            // Still null where the request was refused before its body was read, or handed on to an upload under way.
            x.Body?.Return();
        }
    }

    private async ValueTask<bool> AuthenticateAsync(Exchange x)
    {
        var key = Credential.Of(x.Http.Request);
        if (key is null)
        {
            await RefuseAsync(x, Refused.MissingKey, Credential.ExplainMissing(x.Http.Request));
            return false;
        }
        var (status, principal) = await snapshots.AuthenticateAsync(key, x.Http.Connection.RemoteIpAddress);
        if (status != KeyStatus.Active || principal is null)
        {
            await RefuseAsync(x, status switch
            {
                KeyStatus.Expired => Refused.ExpiredKey,
                KeyStatus.Revoked => Refused.RevokedKey,
                KeyStatus.Unavailable => Refused.DirectoryAway,
                KeyStatus.Guessing => Refused.Guessing,
                _ => Refused.UnknownKey,
            }, Credential.Explain(status, key));
            return false;
        }
        x.Principal = principal;
        x.Actor = ActorRecord.Of(principal, x.Http.Connection.RemoteIpAddress?.ToString(), x.Http.Request.Headers.UserAgent);
        if (principal.KeyKind != ApiKeyKind.Inference)
            return await RefusedAsync(x, Refused.WrongKeyKind, "This key administers or reads records; models are asked with an inference key (demarc_key_…).");
        if (RoleRefusal.Of(principal) is not { } none)
            return true;
        await RefuseAsync(x, Refused.Policy, none.Message, none.Code);
        return false;
    }

    private async ValueTask<bool> AdmitAsync(Exchange x)
    {
        var request = x.Http.Request;
        if ((x.Snapshot.Network.Refuse(x.Http.Connection.RemoteIpAddress, "this gateway") ?? ProjectAdmission.Enter(x)) is { } denied)
        {
            await RefuseAsync(x, Refused.Policy, denied.Message, denied.Code, denied.Rule);
            return false;
        }
        if (RequestForm.Problem(request, x.Dialect) is { } form)
            return await RefusedAsync(x, form.Refused, form.Message);

        var limit = x.Snapshot.MaxBodyBytes;
        if (await RequestBody.ReadAsync(request, limit, x.Http.RequestAborted) is not { } body)
            return await RefusedAsync(x, Refused.BodyTooLarge, $"The request body is larger than {limit} bytes ({limit >> 20} MiB).");
        x.Body = body;
        if (x is { Dialect: Dialect.Bedrock, Operation: Operation.CountTokens })
        {
            if (BedrockCount.Unwrap(body.Memory, out var wrong) is not { } counted)
                return await RefusedAsync(x, Refused.Malformed, wrong);
            x.Body = RequestBody.Of(counted);
            body.Return();
            body = x.Body;
        }
        if (!RequestScanner.TryScan(body.Span, x.Path, out var facts, out var problem))
            return await RefusedAsync(x, Refused.Malformed, problem);
        x.Facts = facts;
        return true;
    }

    private async Task AnswerAsync(Exchange x)
    {
        // 3 decide
        var own = SessionNames.ClientSession(x.Http.Request.Headers, x.Facts) ?? "";
        var view = health.View;
        var decision = Decision.Decide(x.Snapshot, x.Principal, x.Resource, x.Facts.Model, DateTimeOffset.FromUnixTimeMilliseconds(x.At), own, x.Facts, view);
        if (decision.Refusal is { } refusal)
        {
            await RefuseAsync(x, refusal.Code == "feature_unavailable" ? Refused.Capability : Refused.Policy, refusal.Message, refusal.Code, refusal.Rule);
            return;
        }
        if (NetworkAdmission.Permitted(decision.Plan, x.Http.Connection.RemoteIpAddress, out var permitted) is { } denied)
        {
            await RefuseAsync(x, Refused.Policy, denied.Message, denied.Code, denied.Rule);
            return;
        }
        var plan = _moves.Order(permitted, x.Principal.Id, own, x.Facts.Model, view);
        x.PrivateNetwork = decision.PrivateNetwork;
        if (!await CountAsync(x) || !await ReserveAsync(x, plan))
            return;
        var at = await NextAsync(x, plan, -1);
        if (at < 0)
        {
            x.Http.Response.Headers.RetryAfter = "5";
            await RefuseAsync(x, Refused.DeploymentsFull, $"Every deployment of this model has taken what it takes at a time or in a minute. Try again in a few seconds ({x.IdText}).");
            return;
        }
        x.Deployment = plan[at];
        x.Capture = x.Operation == Operation.CountTokens && decision.Capture == CaptureMode.Full ? CaptureMode.Metadata : decision.Capture;
        x.CaptureAlso = decision.CaptureAlso;
        x.SessionId = sessions.For(x.Principal, x.Http.Request.Headers, x.Facts, x.Body.Span, x.Capture, x.At);

        // 4 begin
        x.HasBegun = true;
        x.Begun = _settler.BeginAsync(x, plan);
        if (x.Snapshot.IsStrict)
            await _settler.BegunAsync(x);

        // 5 dispatch, to the next deployment of the plan as long as nothing was answered
        while (await AttemptAsync(x, plan, at) is var (next, reason) && next >= 0)
        {
            at = next;
            var lost = x.MayBeBilled ? Settler.Lost(x) : (long?)null;
            if (lost is > 0 && x.Spend is not null && !await KeepAsync(x, lost.Value))
                return;
            (x.Deployment, x.MayBeBilled) = (plan[at], false);
            x.Attempt++;
            x.Begun = Task.WhenAll(x.Begun, _settler.AttemptAsync(x, reason, lost));
            if (x.Snapshot.IsStrict)
                await _settler.BegunAsync(x);
        }

        // 6 relay and settle has happened within the attempt that was answered
        if (x.Deployment != decision.Home && x.Answer.ErrorType is null && (x.Attempt > 1 || view.IsFailing(decision.Home, time.GetUtcNow())))
            _moves.Moved(x.Deployment, x.Principal.Id, own, x.Facts.Model);

        // 7 what the answer says of where it ran
        if (x.Answer.Usage?.InferenceGeo is { } geography && x.Deployment.IsContradicted(geography))
            snapshots.Contradicted(x.Deployment, geography);
    }

    // The next deployment of the plan that takes a call now; when none does, the first that is only failing: it may have recovered.
    private async ValueTask<int> NextAsync(Exchange x, DeploymentSnapshot[] plan, int after)
    {
        var failing = -1;
        long? tokens = x.Operation == Operation.CountTokens ? null : RateGate.Estimate(x);
        for (var i = after + 1; i < plan.Length; i++)
        {
            var entry = health.Enter(plan[i], tokens);
            if (entry == Entry.Full && await health.MakeRoomAsync(plan[i], x.Principal.OrganizationId))
                entry = health.Enter(plan[i], tokens);
            switch (entry)
            {
                case Entry.Open:
                    return i;
                case Entry.Failing when failing < 0:
                    failing = i;
                    break;
            }
        }
        if (failing >= 0)
            health.EnterAnyway(plan[failing], tokens);
        return failing;
    }

    /// <summary>One call to one deployment: the next one to ask and why, or -1 once the request is answered.</summary>
    private async Task<(int Next, string Reason)> AttemptAsync(Exchange x, DeploymentSnapshot[] plan, int at)
    {
        x.HasPlace = true;
        // A linked source would count by the system's clock.
        using var stop = new CancellationTokenSource(HeaderTimeout(x.Http.Request), time);
        using var aborted = x.Http.RequestAborted.UnsafeRegister(s_cancel, stop);
        using var revoked = x.Principal.Revoked.UnsafeRegister(s_cancel, stop);
        var content = UpstreamBody.For(x.Http.Request.Headers, x.Operation, x.Deployment, x.Facts, x.Body.Memory, x.Spend?.MaxTokens);
        HttpResponseMessage? response = null;
        var next = -1;
        try
        {
            var sent = upstream.SendAsync(x.Http.Request, x.Operation, x.Deployment, x.Facts, content, x.IdText, x.PrivateNetwork is not null, stop.Token);
            try
            {
                if (x.Capture == CaptureMode.Full && x.Captured is null && !x.IsUncaptured)
                    x.Captured = await _captures.BeginAsync(x);
            }
            finally
            {
                // Also when capture failed: nobody may be left reading the body.
                response = await sent;
            }
            var now = time.GetUtcNow();
            health.Clock.Observe(response, now);
            Failover.Note(health, x.Deployment, response, now);
            if (Failover.Reason(response) is { } reason && (next = await NextAsync(x, plan, at)) >= 0)
                return GoOn(x, next, reason);
            LetGo(x, content);
            x.MayBeBilled = response.IsSuccessStatusCode;
            if (!response.IsSuccessStatusCode)
                await upstream.EnvelopeAsync(response, x.Deployment, x.IdText, stop.Token);
            stop.CancelAfter(StreamRelay.IdleTimeout);
            await RelayAsync(x, response, stop);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException && !x.IsSettled)
        {
            var ours = x.Http.RequestAborted.IsCancellationRequested || x.Principal.Revoked.IsCancellationRequested;
            // Without a credential nothing was sent, or only what was refused for the one before.
            x.MayBeBilled |= response is null && content.IsSent && e is not CredentialException;
            if (e.InnerException is PublicAddressException)
                health.FoundPublic(x.Deployment.Resource.Host);
            else if (!ours)
                health.Failed(x.Deployment, lasting: false);
            if (!ours && response is null && (next = await NextAsync(x, plan, at)) >= 0)
                return GoOn(x, next, Failover.Reason(e));
            await UpstreamFailedAsync(x, e);
        }
        finally
        {
            x.MayBeBilled |= response is { IsSuccessStatusCode: true };
            response?.Dispose();
            RateGate.LeaveDeployment(x, health);
            if (next < 0)
                LetGo(x, content);
            else
                x.IsBodyRead |= !content.IsSent;
        }
        return (-1, "");
    }

    private (int Next, string Reason) GoOn(Exchange x, int next, string reason)
    {
        LogFailedOver(x.IdText, x.Deployment.FullName, reason);
        return (next, reason);
    }

    private Task RelayAsync(Exchange x, HttpResponseMessage response, CancellationTokenSource stop)
    {
        var encoding = response.Content.Headers.ContentEncoding;
        if (encoding.Count > 0 && !encoding.Contains("identity"))
            throw new HttpRequestException("The provider compressed its answer although identity was asked for.");
        return response.IsSuccessStatusCode && response.Content.Headers.ContentType?.MediaType == "text/event-stream"
            ? new StreamRelay(_settler).RunAsync(x, response, stop)
            : new WholeRelay(_settler).RunAsync(x, response, stop.Token);
    }

    // The pooled body goes back as soon as it has been sent; one that an early answer left half sent is the collector's.
    private static void LetGo(Exchange x, SplicedContent content)
    {
        if (content.IsSent && !x.IsBodyRead)
            x.Body.Return();
        else
            x.Body.Abandon();
    }

    private static TimeSpan HeaderTimeout(HttpRequest request)
    {
        var announced = request.Headers["x-stainless-timeout"] is [{ } text, ..] && int.TryParse(text, out var seconds) && seconds is > 0 and <= 86_400
            ? TimeSpan.FromSeconds(seconds + 5)
            : TimeSpan.Zero;
        return announced > MinHeaderTimeout ? announced : MinHeaderTimeout;
    }

    [LoggerMessage(1001, LogLevel.Debug, "{Request}: the client went away")]
    private partial void LogClientGone(string request);

    [LoggerMessage(1002, LogLevel.Warning, "{Request}: {Deployment} failed ({Reason})")]
    private partial void LogUpstreamFailed(Exception e, string request, string deployment, string reason);

    [LoggerMessage(1004, LogLevel.Critical, "{Request}: not recorded, and so not answered")]
    private partial void LogRecordFailed(Exception e, string request);

    [LoggerMessage(1005, LogLevel.Warning, "{Request}: {Deployment} did not serve it ({Reason}); the next of the plan is asked")]
    private partial void LogFailedOver(string request, string deployment, string reason);

    [LoggerMessage(EventId = 1003, Message = "{Request}: refused ({Reason})")]
    private partial void LogRefused(LogLevel level, string request, string reason);
}
