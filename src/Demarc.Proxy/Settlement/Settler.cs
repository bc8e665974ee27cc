using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Settlement;

/// <summary>Writes a request's records: <c>begun</c> with its reservation, <c>finished</c> with its settlement, or its refusal.</summary>
internal sealed class Settler(IEvidenceSink sink, UpstreamHealth health, string replica, TimeProvider time)
{
    /// <summary>Output bound of a request that states none and whose model the catalog does not know.</summary>
    private const long UnknownMaxTokens = 128_000;

    private static readonly string[] s_model = [Splice.Model];
    private static readonly string[] s_maxTokens = [Splice.MaxTokens];
    private static readonly string[] s_modelAndMaxTokens = [Splice.Model, Splice.MaxTokens];

    /// <summary>Queues the <c>begun</c> record; the task completes when it is durable.</summary>
    public Task BeginAsync(Exchange x, DeploymentSnapshot[] plan)
    {
        var headers = x.Http.Request.Headers;
        var begun = new BegunRecord
        {
            Id = x.IdText,
            Actor = x.Actor,
            WorkspaceId = x.Principal.Workspace?.Id,
            ProjectId = x.Principal.Project?.Id,
            Surface = Surface(headers.UserAgent),
            Dialect = x.Dialect.Wire(),
            Operation = x.Operation.Wire(),
            ClientSession = Header(headers, "x-claude-code-session-id"),
            Agent = Header(headers, "x-claude-code-agent-id"),
            ParentAgent = Header(headers, "x-claude-code-parent-agent-id"),
            PromptId = Header(headers, "x-claude-code-prompt-id"),
            RequestClass = Header(headers, "x-claude-code-request-class"),
            ModelAsked = x.Facts.Model,
            Plan = Array.ConvertAll(plan, d => d.FullName),
            Attempt = Attempt(x, null),
            Capture = Wire(x.Capture),
            Stream = x.Facts.Stream,
            MaxTokens = x.Facts.MaxTokens,
            RequestBytes = x.Body.Length,
            Splices = (x.AskedName is not null, x.Spend?.MaxTokens is not null) switch
            {
                (false, false) => [],
                (true, false) => s_model,
                (false, true) => s_maxTokens,
                _ => s_modelAndMaxTokens,
            },
            Betas = Header(headers, "anthropic-beta"),
            Receipt = new ReceiptRecord(x.Snapshot.PolicyHash, x.Snapshot.Catalog.Hash, x.Snapshot.ConfigurationHash),
            Replica = replica,
        };
        return AppendAsync(x, RecordKind.Begun, x.Id, x.At, begun, RecordJson.Default.BegunRecord);
    }

    /// <summary>Completes when <c>begun</c> is durable, which it then is without waiting for company.</summary>
    public Task BegunAsync(Exchange x)
    {
        if (!x.Begun.IsCompleted)
            sink.Hurry();
        return x.Begun;
    }

    /// <summary>Queues the record of a further attempt; the task completes when it is durable.</summary>
    /// <param name="after">Why the attempt before it was given up.</param>
    /// <param name="lost">What that one stands at, nano-dollars; null where nothing can be owed.</param>
    public Task AttemptAsync(Exchange x, string after, long? lost)
    {
        var attempt = Attempt(x, after) with { AfterNanoUsd = lost };
        return AppendAsync(x, RecordKind.Attempt, x.Id, time.GetUtcNow().ToUnixTimeMilliseconds(), attempt, RecordJson.Default.AttemptRecord);
    }

    /// <summary>
    /// What an attempt stands at, nano-dollars, of which nobody saw what came: its bound, or what a hard limit holds of it, which
    /// is less for a stream.
    /// </summary>
    public static long Lost(Exchange x) => Math.Min(Reserved(x), x.Spend?.HeldNano ?? long.MaxValue);

    private static long Reserved(Exchange x) =>
        x.Operation == Operation.CountTokens
            ? 0
            : x.Terms().UpperBound(x.Body.Length, Math.Max(0, x.Facts.MaxTokens ?? UnknownMaxTokens));

    private static AttemptRecord Attempt(Exchange x, string? after)
    {
        var deployment = x.Deployment;
        var reserved = Reserved(x);
        return new AttemptRecord(
            x.Attempt, deployment.Resource.Name, deployment.Name, deployment.Model, deployment.Resource.Platform.Wire(),
            deployment.Hosting.Wire(), deployment.Scope, deployment.Resource.Region, reserved, after, deployment.BoundaryId)
        {
            Budgets = x.Spend?.Meters(deployment.Resource.Name),
        };
    }

    /// <summary>
    /// Writes the <c>finished</c> record; the task completes when it and <c>begun</c> are durable, and only then may the
    /// end of the answer leave.
    /// </summary>
    /// <param name="content">The answer's content, a JSON array; empty when there is none.</param>
    /// <param name="visibleBytes">Bytes of output seen, the floor of a settlement without a final usage.</param>
    public async Task FinishAsync(
        Exchange x, Outcome outcome, int status, ProviderRecord provider, byte[] content, bool truncated, long visibleBytes, long responseBytes)
    {
        x.IsSettled = true;
        RateGate.Leave(x, time.GetUtcNow());
        RateGate.LeaveDeployment(x, health);
        var (bill, incomplete) = Settle(x, outcome, visibleBytes);
        var cost = bill?.Cost.Nano ?? 0;
        // Nobody saw what came of it: nothing, where the provider never had all of it; else it stands at its bound.
        if (x.Answer.Usage is null && outcome != Outcome.UpstreamError && !x.MayBeBilled)
            (bill, cost, incomplete) = (null, 0, false);
        else if (x.Answer.Usage is null && outcome == Outcome.UpstreamLost)
            (bill, cost) = (null, Lost(x));
        var passed = x.Spend?.Settle(cost, x.Deployment.Resource.Name);
        var answer = x.Answer;
        var captured = x.Captured?.Seal(x.Principal.OrganizationId, x.Id, answer, content, truncated) ?? [];
        var finished = new FinishedRecord
        {
            Id = x.IdText,
            Result = outcome.Wire(),
            Status = status,
            ErrorType = answer.ErrorType,
            Attempt = x.Attempt,
            Boundary = x.Attempt > 1 ? x.Deployment.BoundaryId : null,
            AnsweredBy = x.Attempt > 1 ? Attempt(x, null) : null,
            ModelServed = answer.Model,
            StopReason = answer.StopReason,
            Usage = bill?.Usage,
            CostNanoUsd = cost,
            ListNanoUsd = bill is null || bill.Cost.ListNano == cost ? null : bill.Cost.ListNano,
            PriceSource = bill is null ? null : Wire(bill.Cost.Source),
            Parts = bill?.Parts,
            Incomplete = incomplete,
            Provider = provider with { MessageId = answer.Id, InferenceGeo = answer.Usage?.InferenceGeo, ServiceTier = answer.Usage?.ServiceTier, Speed = answer.Usage?.Speed },
            Uncaptured = x.IsUncaptured ? true : null,
            LatencyUs = x.ElapsedUs,
            FirstByteUs = x.FirstByteUs,
            ResponseBytes = responseBytes,
            ContentSha256 = captured.Length == 0 ? null : Convert.ToHexStringLower(SHA256.HashData(captured)),
        };
        // Queued behind begun without waiting for it: on a fast upstream both become durable in one commit.
        var durable = AppendAsync(x, RecordKind.Finished, x.Id, time.GetUtcNow().ToUnixTimeMilliseconds(), finished, RecordJson.Default.FinishedRecord, captured);
        await x.Begun;
        await durable;
        x.Captured?.Remember(x.Id);
        foreach (var limit in passed ?? [])
            await PassedAsync(x, limit);
    }

    private Task PassedAsync(Exchange x, LimitPassed passed)
    {
        var limit = passed.View.Limit.Limit;
        var type = passed.ForeseenNano is not null ? SpendEvents.Foreseen
            : passed.OverNano > 0 && limit.Mode == LimitMode.Hard ? SpendEvents.Overrun
            : SpendEvents.Threshold;
        return EventAsync(x, type, new()
        {
            ["request_id"] = x.IdText,
            ["limit"] = limit.Place,
            ["meter"] = passed.View.Budget.Meter.Id,
            ["mode"] = limit.Mode.Wire(),
            ["period"] = limit.Period.Wire(),
            ["percent"] = Number(passed.Percent),
            ["amount_nano_usd"] = Number(passed.View.AmountNano),
            ["settled_nano_usd"] = Number(passed.SettledNano),
            ["over_nano_usd"] = passed.OverNano > 0 ? Number(passed.OverNano) : null,
            ["foreseen_nano_usd"] = passed.ForeseenNano is { } foreseen ? Number(foreseen) : null,
        });
    }

    /// <summary>Writes that the client's probe for its limits was answered here; the task completes when it is durable.</summary>
    public Task ProbedAsync(Exchange x) => EventAsync(x, "demarc_quota_probe_answered", new() { ["request_id"] = x.IdText, ["model"] = x.Facts.Model });

    /// <summary>Writes that a deployment is about to be sent the prompt to count it; the task completes when it is durable.</summary>
    public Task CountedAsync(Exchange x, DeploymentSnapshot deployment) =>
        EventAsync(x, "demarc_spend_input_counted", new() { ["request_id"] = x.IdText, ["model"] = deployment.Model, ["resource"] = deployment.Resource.Name, ["deployment"] = deployment.Name });

    // Under an id of its own: the request's is its records'.
    private Task EventAsync(Exchange x, string type, Dictionary<string, string?> fields)
    {
        var now = time.GetUtcNow();
        var document = new EventRecord { Type = type, Actor = x.Actor, Fields = fields };
        return AppendAsync(x, RecordKind.Event, Ids.NewGuid(now), now.ToUnixTimeMilliseconds(), document, RecordJson.Default.EventRecord);
    }

    private static string Number(long value) => value.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Writes a refusal; the task completes when it is durable.</summary>
    public Task RefuseAsync(Exchange x, int status, string code, string message, string? rule)
    {
        var refused = new EventRecord
        {
            Type = "demarc_inference_refused",
            Actor = x.Actor,
            Fields = new Dictionary<string, string?>
            {
                ["request_id"] = x.IdText,
                ["reason"] = code,
                ["rule"] = rule,
                ["message"] = message,
                ["status"] = status.ToString(System.Globalization.CultureInfo.InvariantCulture),
                ["model"] = x.Facts?.Model,
                ["workspace_id"] = x.Principal.Workspace?.Id,
                ["claude_project_id"] = x.Principal.Project?.Id,
                ["policy"] = x.Snapshot.PolicyHash,
                ["catalog"] = x.Snapshot.Catalog.Hash,
                ["configuration"] = x.Snapshot.ConfigurationHash,
                ["client_session"] = Header(x.Http.Request.Headers, "x-claude-code-session-id"),
            },
        };
        return AppendAsync(x, RecordKind.Event, x.Id, x.At, refused, RecordJson.Default.EventRecord);
    }

    // Events are of no session.
    private async Task AppendAsync<T>(Exchange x, RecordKind kind, Guid id, long at, T document, JsonTypeInfo<T> type, byte[]? content = null)
        where T : class
    {
        var record = new EvidenceRecord
        {
            OrganizationId = x.Principal.OrganizationId,
            Kind = kind,
            RequestId = id,
            At = at,
            SessionId = kind == RecordKind.Event ? null : x.SessionId,
            Body = JsonSerializer.SerializeToUtf8Bytes(document, type),
            Document = document,
            Content = content ?? [],
            After = kind == RecordKind.Event ? null : x.Last,
        };
        if (kind != RecordKind.Event)
            x.Last = record;
        try
        {
            await sink.AppendAsync(record);
            // Others may have been queued behind it.
            if (x.Last == record)
                x.Last = null;
        }
        catch (Exception e)
        {
            if (kind != RecordKind.Event)
                sink.Later(record);
            throw new RecordFailedException(e);
        }
    }

    private static (Bill? Bill, bool Incomplete) Settle(Exchange x, Outcome outcome, long visibleBytes)
    {
        var seen = x.Answer.Usage;
        // A refusal by the provider is not billed; a call whose end nobody saw may have been.
        if (x.Operation == Operation.CountTokens || (outcome == Outcome.UpstreamError && seen is null))
            return (null, false);
        var terms = x.Terms(seen);
        return outcome == Outcome.Answered && seen is not null
            ? (Bill.Of(terms, seen, x.Answer.StopReason, x.Facts.HasFreeCodeExecution), false)
            : (Bill.Incomplete(terms, seen, FloorTokens(x.Body.Length), outcome == Outcome.Answered ? 0 : FloorTokens(visibleBytes)), outcome != Outcome.Answered);
    }

    private static string Wire(PriceSource source) => source switch
    {
        PriceSource.Negotiated => "negotiated",
        PriceSource.Fallback => "fallback",
        _ => "catalog",
    };

    // Four bytes a token is what English prose comes to; a floor, replaced by the provider's count wherever there is one.
    private static long FloorTokens(long bytes) => (bytes + 3) / 4;

    private static string Wire(CaptureMode capture) => capture switch
    {
        CaptureMode.Full => "full",
        CaptureMode.Metadata => "metadata",
        _ => "none",
    };

    private static string Surface(string? userAgent) =>
        userAgent is null ? "api"
        : userAgent.StartsWith("claude-cli/", StringComparison.Ordinal) || userAgent.StartsWith("claude-code/", StringComparison.Ordinal) ? "claude_code"
        : "api";

    private static string? Header(IHeaderDictionary headers, string name) =>
        headers[name] is [{ Length: > 0 } value, ..] ? value.Length <= MaxHeader ? value : value[..MaxHeader] : null;

    private const int MaxHeader = 1024;
}
