using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Settlement;

/// <summary>Writes a request's records: <c>begun</c> with its reservation, <c>finished</c> with its settlement, or its refusal.</summary>
internal sealed class Settler(IEvidenceSink sink, string replica, TimeProvider time)
{
    /// <summary>Output bound of a request that states none and whose model the catalog does not know.</summary>
    private const long UnknownMaxTokens = 128_000;

    /// <summary>Queues the <c>begun</c> record; the task completes when it is durable.</summary>
    public Task BeginAsync(Exchange x, DeploymentSnapshot[] plan)
    {
        var headers = x.Http.Request.Headers;
        var begun = new BegunRecord
        {
            Id = x.IdText,
            Actor = x.Actor,
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
            Splices = x.AskedName is null ? [] : [Splice.Model],
            Betas = Header(headers, "anthropic-beta"),
            Receipt = new ReceiptRecord(x.Snapshot.PolicyHash, x.Snapshot.Catalog.Hash, x.Snapshot.ConfigurationHash),
            Replica = replica,
        };
        return AppendAsync(new EvidenceRecord
        {
            OrganizationId = x.Principal.OrganizationId,
            Kind = RecordKind.Begun,
            RequestId = x.Id,
            At = x.At,
            SessionId = x.SessionId,
            Body = JsonSerializer.SerializeToUtf8Bytes(begun, RecordJson.Default.BegunRecord),
            Document = begun,
        });
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
    public Task AttemptAsync(Exchange x, string after)
    {
        var attempt = Attempt(x, after);
        return AppendAsync(new EvidenceRecord
        {
            OrganizationId = x.Principal.OrganizationId,
            Kind = RecordKind.Attempt,
            RequestId = x.Id,
            At = time.GetUtcNow().ToUnixTimeMilliseconds(),
            SessionId = x.SessionId,
            Body = JsonSerializer.SerializeToUtf8Bytes(attempt, RecordJson.Default.AttemptRecord),
            Document = attempt,
        });
    }

    private static AttemptRecord Attempt(Exchange x, string? after)
    {
        var deployment = x.Deployment;
        var reserved = x.Operation == Operation.CountTokens
            ? 0
            : Pricing.UpperBound(x.Body.Length, Math.Max(0, x.Facts.MaxTokens ?? UnknownMaxTokens), Quote(x).Price, perMille: ScopePerMille(x));
        return new AttemptRecord(
            x.Attempt, deployment.Resource.Name, deployment.Name, deployment.Model, deployment.Resource.Platform.Wire(),
            deployment.Hosting.Wire(), deployment.Scope, deployment.Resource.Region, reserved, after, deployment.BoundaryId);
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
        var (usage, cost, source, incomplete) = Settle(x, outcome, visibleBytes);
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
            ModelServed = answer.Model,
            StopReason = answer.StopReason,
            Usage = usage,
            CostNanoUsd = cost,
            PriceSource = source,
            Incomplete = incomplete,
            Provider = provider with { MessageId = answer.Id, InferenceGeo = answer.Usage?.InferenceGeo, ServiceTier = answer.Usage?.ServiceTier },
            LatencyUs = x.ElapsedUs,
            FirstByteUs = x.FirstByteUs,
            ResponseBytes = responseBytes,
            ContentSha256 = captured.Length == 0 ? null : Convert.ToHexStringLower(SHA256.HashData(captured)),
        };
        // Queued behind begun without waiting for it: on a fast upstream both become durable in one commit.
        var durable = AppendAsync(new EvidenceRecord
        {
            OrganizationId = x.Principal.OrganizationId,
            Kind = RecordKind.Finished,
            RequestId = x.Id,
            At = time.GetUtcNow().ToUnixTimeMilliseconds(),
            SessionId = x.SessionId,
            Body = JsonSerializer.SerializeToUtf8Bytes(finished, RecordJson.Default.FinishedRecord),
            Document = finished,
            Content = captured,
        });
        await x.Begun;
        await durable;
        x.Captured?.Remember(x.Id);
    }

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
                ["policy"] = x.Snapshot.PolicyHash,
                ["catalog"] = x.Snapshot.Catalog.Hash,
                ["configuration"] = x.Snapshot.ConfigurationHash,
                ["client_session"] = Header(x.Http.Request.Headers, "x-claude-code-session-id"),
            },
        };
        return AppendAsync(new EvidenceRecord
        {
            OrganizationId = x.Principal.OrganizationId,
            Kind = RecordKind.Event,
            RequestId = x.Id,
            At = x.At,
            Body = JsonSerializer.SerializeToUtf8Bytes(refused, RecordJson.Default.EventRecord),
            Document = refused,
        });
    }

    private async Task AppendAsync(EvidenceRecord record)
    {
        try
        {
            await sink.AppendAsync(record);
        }
        catch (Exception e)
        {
            throw new RecordFailedException(e);
        }
    }

    private static (UsageRecord? Usage, long Cost, string? Source, bool Incomplete) Settle(Exchange x, Outcome outcome, long visibleBytes)
    {
        if (x.Operation == Operation.CountTokens)
            return (null, 0, null, false);
        var seen = x.Answer.Usage;
        // A refusal by the provider is not billed; a call whose end nobody saw may have been.
        if (outcome == Outcome.UpstreamError && seen is null)
            return (null, 0, null, false);
        var incomplete = outcome is not Outcome.Answered;
        var usage = seen is null ? new TokenUsage { InputTokens = FloorTokens(x.Body.Length) } : Tokens(seen);
        if (incomplete)
            usage = usage with { OutputTokens = Math.Max(usage.OutputTokens, FloorTokens(visibleBytes)) };
        var (cost, isFallback) = Cost(x, usage, incomplete ? null : seen?.Iterations);
        var record = new UsageRecord
        {
            InputTokens = usage.InputTokens,
            OutputTokens = usage.OutputTokens,
            CacheRead = usage.CacheRead,
            CacheWrite5m = usage.CacheWrite5m,
            CacheWrite1h = usage.CacheWrite1h,
            WebSearchRequests = usage.WebSearchRequests,
        };
        return (record, cost, isFallback ? "fallback" : "catalog", incomplete);
    }

    private static (long Nano, bool IsFallback) Cost(Exchange x, TokenUsage usage, List<(string? Model, AnswerUsage Usage)>? iterations)
    {
        var perMille = ScopePerMille(x);
        if (iterations is null)
        {
            var quote = Quote(x);
            return (Pricing.Cost(usage, quote.Price, perMille), quote.IsFallback);
        }
        // Iterations count tokens only; web searches stand in the sum alone.
        var each = iterations.Select(i => new IterationUsage(i.Model ?? x.Deployment.Model, Tokens(i.Usage) with { WebSearchRequests = 0 }))
            .Append(new IterationUsage(x.Deployment.Model, new TokenUsage { WebSearchRequests = usage.WebSearchRequests }));
        var cost = Pricing.Cost(each.ToArray(), x.Snapshot.Catalog, Day(x), perMille: perMille);
        return (cost.Nano, cost.IsFallback);
    }

    private static PriceQuote Quote(Exchange x) => x.Snapshot.Catalog.PriceOf(x.Deployment.Model, Day(x));

    private static int ScopePerMille(Exchange x) =>
        x.Snapshot.Catalog.ScopePerMille(x.Deployment.Model, x.Deployment.Resource.Platform, x.Deployment.Scope);

    private static DateOnly Day(Exchange x) => DateOnly.FromDateTime(DateTimeOffset.FromUnixTimeMilliseconds(x.At).UtcDateTime);

    private static TokenUsage Tokens(AnswerUsage usage) =>
        new()
        {
            InputTokens = usage.InputTokens,
            OutputTokens = usage.OutputTokens,
            CacheRead = usage.CacheRead,
            CacheWrite5m = usage.CacheWrite5m,
            CacheWrite1h = usage.CacheWrite1h,
            WebSearchRequests = usage.WebSearchRequests,
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
