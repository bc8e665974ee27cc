using Demarc.Governance.Evidence;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Spend;

/// <summary>What an answer is billed.</summary>
/// <param name="Usage">The answer's own <c>usage</c>; what of it is not billed is left out.</param>
/// <param name="Parts">What each model did, where that is more than <paramref name="Usage"/> says; else null.</param>
public sealed record Bill(UsageRecord Usage, CallCost Cost, PartRecord[]? Parts)
{
    private const string Refusal = "refusal";

    /// <summary>Of the usage that the provider reported.</summary>
    /// <param name="stopReason">The answer's; a refusal before any output is not billed (source: Refusals and fallback, "How refusals are billed").</param>
    /// <param name="freeCodeExecution">See <see cref="RequestFacts.HasFreeCodeExecution"/>.</param>
    public static Bill Of(in CallTerms terms, AnswerUsage reported, string? stopReason, bool freeCodeExecution)
    {
        var model = terms.Deployment.Model;
        var usage = Tokens(reported);
        var executions = freeCodeExecution ? 0 : reported.CodeExecutionRequests;
        if (reported.Iterations is null)
        {
            if (stopReason == Refusal && usage.OutputTokens == 0)
                usage = new TokenUsage { WebSearchRequests = usage.WebSearchRequests };
            return new Bill(Record(usage, executions), terms.Cost(model, usage), null);
        }

        // Tokens are what the iterations say, each at its own model; web searches stand in the sum alone.
        var byModel = new List<(string Model, TokenUsage Usage)> { (model, new TokenUsage { WebSearchRequests = usage.WebSearchRequests }) };
        var last = reported.Iterations[^1].Usage;
        var isFallback = reported.Iterations.Exists(i => i.Usage.IterationType == "fallback_message");
        foreach (var (name, iteration) in reported.Iterations)
        {
            // An attempt that declined before any output is listed and not billed (source: the same, "How server-side fallback is billed").
            var declined = iteration.OutputTokens == 0 && (iteration == last ? stopReason == Refusal : isFallback && iteration.IterationType is null or "message");
            if (declined)
                continue;
            var at = byModel.FindIndex(m => m.Model == (name ?? model));
            var tokens = Tokens(iteration) with { WebSearchRequests = 0 };
            if (at < 0)
                byModel.Add((name ?? model, tokens));
            else
                byModel[at] = (byModel[at].Model, byModel[at].Usage + tokens);
        }
        if (byModel.Count == 1 && byModel[0].Usage == usage)
            return new Bill(Record(usage, executions), terms.Cost(model, usage), null);

        var total = default(CallCost);
        var parts = new PartRecord[byModel.Count];
        for (var i = 0; i < parts.Length; i++)
        {
            var (name, tokens) = byModel[i];
            var cost = terms.Cost(name, tokens);
            total += cost;
            parts[i] = new PartRecord(name, Record(tokens, i == 0 ? executions : 0), cost.Nano, cost.ListNano == cost.Nano ? null : cost.ListNano);
        }
        return new Bill(Record(usage, executions), total, parts);
    }

    /// <summary>Of a call whose end nobody saw: what was reported until then, and never less than what was visible.</summary>
    /// <param name="reported">The last usage; null when none came, and then the input is taken at <paramref name="floorInput"/> tokens.</param>
    public static Bill Incomplete(in CallTerms terms, AnswerUsage? reported, long floorInput, long floorOutput)
    {
        if (reported?.Iterations is not null)
            return Of(terms, reported, null, freeCodeExecution: false);
        var usage = reported is null ? new TokenUsage { InputTokens = floorInput } : Tokens(reported);
        usage = usage with { OutputTokens = Math.Max(usage.OutputTokens, floorOutput) };
        return new Bill(Record(usage, reported?.CodeExecutionRequests ?? 0), terms.Cost(terms.Deployment.Model, usage), null);
    }

    private static TokenUsage Tokens(AnswerUsage usage) => new()
    {
        InputTokens = usage.InputTokens,
        OutputTokens = usage.OutputTokens,
        CacheRead = usage.CacheRead,
        CacheWrite5m = usage.CacheWrite5m,
        CacheWrite1h = usage.CacheWrite1h,
        WebSearchRequests = usage.WebSearchRequests,
    };

    private static UsageRecord Record(in TokenUsage usage, long executions) => new()
    {
        InputTokens = usage.InputTokens,
        OutputTokens = usage.OutputTokens,
        CacheRead = usage.CacheRead,
        CacheWrite5m = usage.CacheWrite5m,
        CacheWrite1h = usage.CacheWrite1h,
        WebSearchRequests = usage.WebSearchRequests,
        CodeExecutionRequests = executions,
    };
}
