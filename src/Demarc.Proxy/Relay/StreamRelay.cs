using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Settlement;

namespace Demarc.Proxy.Relay;

/// <summary>
/// Relays a stream event by event, as it arrives and byte for byte but for the model's name (each event's data, where
/// the client speaks Bedrock's binary framing). Taps read usage and
/// content; the durability gate holds the first byte until <c>begun</c> is durable, and the last
/// <c>message_delta</c> until <c>finished</c> is.
/// </summary>
internal sealed class StreamRelay(Settler settler)
{
    /// <summary>A provider pings within seconds; Claude Code itself gives up after 300 s of silence.</summary>
    public static readonly TimeSpan IdleTimeout = TimeSpan.FromMinutes(10);

    // How exactly silence is measured: setting a timer for every read would cost more than it tells.
    private static readonly TimeSpan IdleGrain = TimeSpan.FromSeconds(10);

    // Thousands of streams trickle at a time; one that comes in bursts fills it, and gets the larger one.
    private const int FirstBufferSize = 2 << 10;

    private const int BufferSize = 16 << 10;

    // No event of the contract comes near; without a bound, a broken upstream could fill the memory.
    private const int MaxEventBytes = 32 << 20;

    private const string Lost = "The connection to the provider was lost before the answer was complete. What was received is on record; try again.";
    private const string Revoked = "Your access was revoked while the answer was under way.";

    /// <summary>Relays until the stream ends, one way or another; the request is settled when it returns.</summary>
    /// <param name="stop">Ends the stream; put off as long as bytes come.</param>
    public async Task RunAsync(Exchange x, HttpResponseMessage response, CancellationTokenSource stop)
    {
        using var state = new State(x, Answering.Provider(response), (int)response.StatusCode);
        var outcome = Outcome.UpstreamLost;
        try
        {
            var upstream = await response.Content.ReadAsStreamAsync(stop.Token);
            outcome = await RelayAsync(state, response, upstream, stop);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or HttpRequestException)
        {
            outcome = x.Principal.Revoked.IsCancellationRequested ? Outcome.Revoked
                : x.Http.RequestAborted.IsCancellationRequested ? Outcome.ClientGone
                : Outcome.UpstreamLost;
        }
        if (!x.IsSettled)
            await EndAsync(state, outcome);
    }

    private async Task<Outcome> RelayAsync(State s, HttpResponseMessage response, Stream upstream, CancellationTokenSource stop)
    {
        var client = s.X.Http.Response.BodyWriter;
        var putOff = Stopwatch.GetTimestamp();
        while (true)
        {
            s.EnsureRoom(MaxEventBytes);
            var read = await upstream.ReadAsync(s.Buffer.AsMemory(s.Filled), stop.Token);
            if (read == 0)
                return Outcome.UpstreamLost;
            if (Stopwatch.GetElapsedTime(putOff) > IdleGrain)
            {
                putOff = Stopwatch.GetTimestamp();
                stop.CancelAfter(IdleTimeout);
            }
            if (s.X.FirstByteUs == 0)
            {
                s.X.FirstByteUs = s.X.ElapsedUs;
                await settler.BegunAsync(s.X);
                Answering.Head(s.X, response);
            }
            s.Take(read);
            if (await RelayEventsAsync(s, client, stop.Token) is { } ended)
                return ended;
            var flushed = await client.FlushAsync(stop.Token);
            if (flushed.IsCompleted)
                return Outcome.ClientGone;
        }
    }

    // How the stream ended; null while it goes on.
    private async ValueTask<Outcome?> RelayEventsAsync(State s, PipeWriter client, CancellationToken stop)
    {
        while (s.NextEvent() is { Length: > 0 } at)
        {
            var step = Observe(s, at);
            if (step == Step.Pass && s.X.Spend is { } spend && !spend.Covers(s.X, s.Content.VisibleBytes))
            {
                // What is waited for may take a while: the client has what came before.
                await client.FlushAsync(stop);
                if (await spend.ExtendAsync(s.X, s.Content.VisibleBytes, stop) is not null)
                    return Outcome.LimitReached;
            }
            switch (step)
            {
                case Step.Pass:
                    s.Release(client);
                    s.Pass(client, at);
                    break;
                case Step.Hold:
                    s.Hold(at);
                    break;
                case Step.End:
                    await client.FlushAsync(CancellationToken.None);
                    await FinishAsync(s, s.X.Answer.ErrorType is null ? Outcome.Answered : Outcome.UpstreamError);
                    s.Release(client);
                    s.Pass(client, at);
                    await client.FlushAsync(CancellationToken.None);
                    return Outcome.Answered;
            }
        }
        s.Compact();
        return null;
    }

    private enum Step
    {
        Pass,
        Hold,
        End,
    }

    private static Step Observe(State s, Slice at)
    {
        var sse = at.Of(s.Buffer);
        var kind = SseFraming.Kind(sse);
        var data = SseFraming.Data(sse);
        switch (kind)
        {
            case SseEventKind.MessageStart:
                AnswerReader.ReadMessageStart(data.Of(sse), s.X.Answer, out var model);
                if (s.X.AskedName is { } asked && s.X.Answer.Model == s.X.Deployment.Name && !model.IsEmpty)
                    s.Splice = Splice.Text(Splice.Model, new Slice(data.Start + model.Start, model.Length), asked);
                return Step.Pass;
            case SseEventKind.ContentBlockStart:
                s.Content.Start(data.Of(sse));
                return Step.Pass;
            case SseEventKind.ContentBlockDelta:
                s.Content.Delta(data.Of(sse));
                return Step.Pass;
            case SseEventKind.MessageDelta:
                AnswerReader.ReadMessageDelta(data.Of(sse), s.X.Answer);
                return Step.Hold;
            case SseEventKind.Ping when s.IsHolding:
                return Step.Hold;
            case SseEventKind.MessageStop:
                return Step.End;
            case SseEventKind.Error:
                s.X.Answer.ErrorType = AnswerReader.ErrorType(data.Of(sse)) ?? "api_error";
                return Step.End;
            default:
                return Step.Pass;
        }
    }

    // The stream broke: the client learns it in the stream's own terms, once what there is has been settled.
    private async Task EndAsync(State s, Outcome outcome)
    {
        s.X.Answer.ErrorType ??= outcome switch
        {
            Outcome.Revoked or Outcome.LimitReached => "permission_error",
            Outcome.ClientGone => null,
            _ => "api_error",
        };
        await FinishAsync(s, outcome);
        if (outcome == Outcome.ClientGone)
            return;
        s.Release(s.X.Http.Response.BodyWriter);
        await Answering.ErrorEventAsync(s.X, s.X.Answer.ErrorType!, outcome switch
        {
            Outcome.Revoked => Revoked,
            Outcome.LimitReached => s.X.Spend!.EndOfStream(s.X.Snapshot.RefusalText),
            _ => Lost,
        });
    }

    private async Task FinishAsync(State s, Outcome outcome)
    {
        var content = s.X.Captured is not null && s.X.Answer.Id is not null ? s.Content.ToJson() : [];
        await settler.FinishAsync(s.X, outcome, s.Status, s.Provider, content, s.Content.Truncated, s.Content.VisibleBytes, s.Relayed);
    }

    /// <summary>The bytes in hand and what was seen of the stream.</summary>
    private sealed class State(Exchange x, ProviderRecord provider, int status) : IDisposable
    {
        private int _consumed;
        private int _scanned;
        private byte[] _held = [];
        private int _heldLength;
        private int _wanted;

        public Exchange X => x;

        public ProviderRecord Provider => provider;

        public int Status => status;

        public byte[] Buffer { get; private set; } = ArrayPool<byte>.Shared.Rent(FirstBufferSize);

        public int Filled { get; private set; }

        public long Relayed { get; private set; }

        public Splice? Splice { get; set; }

        public AnswerContent Content { get; } = new(x.Capture == CaptureMode.Full ? AnswerContent.DefaultMaxBytes : 0, x.CaptureAlso.HasFlag(CaptureParts.Thinking));

        /// <summary>The next whole event in the buffer; empty when there is none.</summary>
        public Slice NextEvent()
        {
            var length = SseFraming.EventLength(Buffer.AsSpan(_consumed, Filled - _consumed), ref _scanned);
            if (length < 0)
                return default;
            var at = new Slice(_consumed, length);
            _consumed += length;
            return at;
        }

        public void Pass(PipeWriter client, Slice at)
        {
            var sse = at.Of(Buffer);
            if (x.Dialect == Dialect.Bedrock)
            {
                AwsEventStream.Write(client, Splice is { } renamed ? Governance.Wire.Splice.Apply(sse, [renamed]) : sse);
                Splice = null;
            }
            else if (Splice is { } splice)
            {
                client.Write(sse[..splice.At.Start]);
                client.Write(splice.Replacement);
                client.Write(sse[splice.At.End..]);
                Splice = null;
            }
            else
            {
                client.Write(sse);
            }
            Relayed += at.Length;
        }

        public bool IsHolding => _heldLength > 0;

        /// <summary>Keeps an event back, behind those already held.</summary>
        public void Hold(Slice at)
        {
            var held = ArrayPool<byte>.Shared.Rent(_heldLength + at.Length);
            _held.AsSpan(0, _heldLength).CopyTo(held);
            at.Of(Buffer).CopyTo(held.AsSpan(_heldLength));
            var length = _heldLength + at.Length;
            Drop();
            (_held, _heldLength) = (held, length);
        }

        public void Release(PipeWriter client)
        {
            if (_heldLength == 0)
                return;
            if (x.Dialect == Dialect.Bedrock)
                WriteFramed(client, _held.AsSpan(0, _heldLength));
            else
                client.Write(_held.AsSpan(0, _heldLength));
            Relayed += _heldLength;
            Drop();
        }

        // What is held are whole events.
        private static void WriteFramed(PipeWriter client, ReadOnlySpan<byte> events)
        {
            var scanned = 0;
            while (SseFraming.EventLength(events, ref scanned) is > 0 and var length)
            {
                AwsEventStream.Write(client, events[..length]);
                events = events[length..];
            }
        }

        public void Compact()
        {
            Buffer.AsSpan(_consumed, Filled - _consumed).CopyTo(Buffer);
            Filled -= _consumed;
            _consumed = 0;
        }

        /// <summary>So much more has been read into the buffer.</summary>
        public void Take(int read)
        {
            Filled += read;
            if (Filled == Buffer.Length)
                _wanted = BufferSize;
        }

        public void EnsureRoom(int max)
        {
            if (Filled == Buffer.Length)
            {
                if (Buffer.Length >= max)
                    throw new IOException($"The provider sent an event larger than {max} bytes.");
                _wanted = Math.Max(BufferSize, Buffer.Length * 2);
            }
            if (_wanted <= Buffer.Length)
                return;
            var larger = ArrayPool<byte>.Shared.Rent(_wanted);
            Buffer.AsSpan(0, Filled).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(Buffer);
            Buffer = larger;
        }

        public void Dispose()
        {
            ArrayPool<byte>.Shared.Return(Buffer);
            Buffer = [];
            Drop();
        }

        private void Drop()
        {
            if (_held.Length > 0)
                ArrayPool<byte>.Shared.Return(_held);
            (_held, _heldLength) = ([], 0);
        }
    }
}
