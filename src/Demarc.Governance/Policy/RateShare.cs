namespace Demarc.Governance.Policy;

/// <summary>How much of a rate: requests and tokens of the last minute, and requests under way.</summary>
public readonly record struct RateAmounts(long Requests, long Tokens, long Concurrent)
{
    /// <summary>More than any rate has.</summary>
    public static readonly RateAmounts Whole = new(long.MaxValue, long.MaxValue, long.MaxValue);
}

/// <summary>How replicas share a rate: who is short takes a little more than it needs, who does not use its part gives it back.</summary>
public static class RateShare
{
    // A quarter of what is free, and never so much that the others are short of it for long.
    private const int FreeParts = 4;
    private const int LimitParts = 8;

    // Less is not worth a write.
    private const int GrainParts = 16;

    /// <summary>The part of a replica that is short by one request.</summary>
    /// <param name="used">What it uses.</param>
    /// <param name="others">The parts of the others.</param>
    public static RateAmounts Of(in RateLimit limit, in RateAmounts used, in RateAmounts others) => new(
        Of(limit.RequestsPerMinute, used.Requests, others.Requests),
        Of(limit.TokensPerMinute, used.Tokens, others.Tokens),
        Of(limit.Concurrent, used.Concurrent, others.Concurrent));

    /// <summary>What a replica keeps of its part, which is not below what it uses.</summary>
    /// <param name="isIdle">Nothing was asked of it for a while.</param>
    public static RateAmounts Keep(in RateLimit limit, in RateAmounts used, in RateAmounts part, bool isIdle) => new(
        Keep(limit.RequestsPerMinute, used.Requests, part.Requests, isIdle),
        Keep(limit.TokensPerMinute, used.Tokens, part.Tokens, isIdle),
        Keep(limit.Concurrent, used.Concurrent, part.Concurrent, isIdle));

    /// <summary>How much may lie unused with a replica that others are short of.</summary>
    public static long Slack(long limit) => limit / LimitParts;

    private static long Of(long? limit, long used, long others)
    {
        if (limit is not { } all)
            return 0;
        var free = all - others;
        return free <= used ? used : used + 1 + Math.Min((free - used - 1) / FreeParts, Slack(all));
    }

    private static long Keep(long? limit, long used, long part, bool isIdle)
    {
        if (limit is not { } all)
            return 0;
        part = Math.Max(used, Math.Min(part, all));
        var slack = isIdle ? 0 : Slack(all);
        return used > 0 && part - used <= slack + (all / GrainParts) ? part : used + Math.Min(slack, part - used);
    }
}
