using System.Diagnostics;
using Demarc.Governance.Spend;
using Demarc.Governance.Wire;

namespace Demarc.Proxy.Limits;

/// <summary>What a request may cost at the dearest deployment of its plan, and the dearest model that it names.</summary>
/// <param name="InputNano">The prompt, at a bound from its bytes or the deployment's count.</param>
/// <param name="MillionOutputNano">A million tokens of output.</param>
internal readonly record struct SpendBound(long InputNano, long MillionOutputNano)
{
    private const long Million = 1_000_000;

    /// <summary>The whole answer.</summary>
    public long Most(long asked) => checked(InputNano + OutputNano(asked));

    /// <summary>What a request has to hold to begin.</summary>
    public long First(Exchange x, long asked) => Most(x.Facts.Stream ? Math.Min(asked, RequestSpend.Slice) : asked);

    // Rounded up: what is held is never below the bill.
    public long OutputNano(long tokens) => tokens <= Million && MillionOutputNano < long.MaxValue / (2 * Million)
        ? ((tokens * MillionOutputNano) + Million - 1) / Million
        : checked((long)((((Int128)tokens * MillionOutputNano) + Million - 1) / Million));

    public long OutputTokens(long nano) =>
        MillionOutputNano == 0 ? long.MaxValue : (long)Int128.Min(long.MaxValue, (Int128)nano * Million / MillionOutputNano);
}

/// <summary>
/// What one request has reserved. A whole answer holds all of its output; a stream holds it slice by slice, ahead of what is
/// visible, and its prompt at its price as soon as the provider says how large it was.
/// </summary>
internal sealed class RequestSpend(SpendHold hold, SpendBound bound, long asked, long? cut)
{
    /// <summary>Tokens of output that a stream reserves ahead.</summary>
    public const long Slice = 1024;

    // While nothing is visible (hidden thinking, tools at the provider) output is taken to come as fast as any model writes.
    private const long MostPerSecond = 200;

    // Dense text comes to about three bytes a token; what is denser shows as overrun.
    private const int BytesPerToken = 3;

    private readonly long _tokens = cut ?? asked;
    private long _input = bound.InputNano;
    private bool _isInputKnown;
    private long _visible;
    private long _seen;
    private double _silentSeconds;
    private Shortage? _shortage;

    // Attempts that were given up and may be billed all the same: what they stand at stays reserved.
    private (long Nano, string Resource)[] _lost = [];

    /// <summary>The <c>max_tokens</c> that is sent in place of the client's; null to leave it as it is.</summary>
    public long? MaxTokens => cut;

    public LimitView[] Limits => hold.Limits;

    /// <summary>What is reserved of hard limits for this attempt, nano-dollars; null where none applies.</summary>
    public long? HeldNano => hold.HasHard ? hold.Amount - _lost.Sum(l => l.Nano) : null;

    /// <summary>The meters that a cost at a resource counts towards; null for none.</summary>
    public string[]? Meters(string resource)
    {
        var meters = new string[hold.Limits.Length];
        var count = 0;
        foreach (var view in hold.Limits)
        {
            if (view.Limit.AppliesTo(resource) && Array.IndexOf(meters, view.Budget.Meter.Id, 0, count) < 0)
                meters[count++] = view.Budget.Meter.Id;
        }
        Array.Resize(ref meters, count);
        return count == 0 ? null : meters;
    }

    /// <summary>Whether what is reserved covers a stream so far, with enough ahead.</summary>
    public bool Covers(Exchange x, long visibleBytes)
    {
        if (!hold.HasHard)
            return true;
        if (!_isInputKnown && x.Answer.Usage is { } usage)
            InputIs(x, usage);
        var now = Stopwatch.GetTimestamp();
        if (_seen != 0 && visibleBytes == _visible)
            _silentSeconds += Stopwatch.GetElapsedTime(_seen, now).TotalSeconds;
        (_seen, _visible) = (now, visibleBytes);
        return Needed(x, visibleBytes, Slice / 2) <= hold.Amount;
    }

    /// <summary>Reserves the next slice; what was in the way, or null.</summary>
    public async ValueTask<Shortage?> ExtendAsync(Exchange x, long visibleBytes, CancellationToken stop) =>
        _shortage = await hold.RaiseAsync(Needed(x, visibleBytes, Slice), stop) is not { } shortage ? null
            // What is visible already is paid for: it need not be the whole slice.
            : hold.Amount >= Needed(x, visibleBytes, 0) && shortage.Kind == ShortageKind.Reached ? await RestAsync(x, visibleBytes, shortage, stop)
            : shortage;

    /// <summary>Keeps what an attempt stands at, and reserves as much again as it had for the next one; what was in the way, or null.</summary>
    public async ValueTask<Shortage?> KeepAsync(long lost, string resource, CancellationToken stop)
    {
        if (hold.HasHard && await hold.RaiseAsync(hold.Amount + lost, stop) is { } shortage)
            return shortage;
        _lost = [.. _lost, (lost, resource)];
        return null;
    }

    /// <summary>Ends what is reserved; only the first end counts.</summary>
    /// <param name="cost">Of the last attempt.</param>
    public List<LimitPassed>? Settle(long cost, string? resource) => hold.Settle(cost, resource, _lost);

    /// <summary>What a stream says where a limit ended it.</summary>
    public string EndOfStream(RefusalText text) =>
        text.Append($"The answer ends here: {SpendGate.Message(_shortage!)}.");

    // The end of a limit is spent to the token: as long as what is visible fits, the stream goes on.
    private async ValueTask<Shortage?> RestAsync(Exchange x, long visibleBytes, Shortage shortage, CancellationToken stop)
    {
        var token = Needed(x, visibleBytes, 1);
        return token <= hold.Amount ? null : await hold.RaiseAsync(token, stop) is null ? null : shortage;
    }

    private long Needed(Exchange x, long visibleBytes, long ahead)
    {
        var hidden = (long)(_silentSeconds * MostPerSecond);
        var produced = Math.Max(((visibleBytes + BytesPerToken - 1) / BytesPerToken) + hidden, x.Answer.Usage?.OutputTokens ?? 0);
        return _lost.Sum(l => l.Nano) + _input + bound.OutputNano(Math.Min(_tokens, produced + ahead));
    }

    private void InputIs(Exchange x, AnswerUsage usage)
    {
        _isInputKnown = true;
        var used = new TokenUsage
        {
            InputTokens = usage.InputTokens,
            CacheRead = usage.CacheRead,
            CacheWrite5m = usage.CacheWrite5m,
            CacheWrite1h = usage.CacheWrite1h,
        };
        _input = x.Terms(usage).Cost(x.Deployment.Model, used).Nano;
        hold.LowerTo(Needed(x, 0, Slice));
    }
}
