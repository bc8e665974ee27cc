using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using Demarc.Simulator.Logging;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace Demarc.Simulator;

/// <summary>One request being answered: its body, its stamps and its place in the log.</summary>
internal sealed class Exchange(HttpContext http, TimeProvider time, SimulatorLog log) : IDisposable
{
    private const string ServiceTime = "simulator-service-us";
    private const int FirstRead = 4096;

    private readonly long _arrived = time.GetTimestamp();
    private readonly Moment _arrivedAt = log.Enabled ? Moment.Now(time) : default;
    private byte[] _buffer = [];
    private int _length;
    private LoggedRequest? _logged;
    private CancellationTokenRegistration _gone;

    public HttpContext Http { get; } = http;

    public TimeProvider Time { get; } = time;

    /// <summary>Path and query as received, still encoded.</summary>
    public string Target { get; } = http.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;

    public string Path
    {
        get
        {
            var query = Target.IndexOf('?', StringComparison.Ordinal);
            return query < 0 ? Target : Target[..query];
        }
    }

    public ReadOnlyMemory<byte> Body => _buffer.AsMemory(0, _length);

    public CancellationToken ClientGone => Http.RequestAborted;

    /// <summary>Reads the body and puts the request on the log; throws <see cref="IOException"/> when the client leaves meanwhile.</summary>
    public async ValueTask ReadAsync()
    {
        var tap = log.Enabled ? Http.Features.GetRequiredFeature<RequestHeadTap>() : null;
        var head = tap?.TakeHead();
        try
        {
            await ReadBodyAsync(Http.Request.BodyReader);
        }
        finally
        {
            tap?.Resume();
            if (head is not null)
                Keep(head);
        }
    }

    /// <summary>Sets the status and headers that all answers carry; the next write sends them.</summary>
    public void Start(int status, string contentType, long? length)
    {
        var response = Http.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = length;
        response.Headers[ServiceTime] = Micros();
        if (_logged is not null)
        {
            _logged.FirstByte = Moment.Now(Time);
            _logged.Status = status;
        }
    }

    /// <summary>The server-sent event, opened by a comment with the service time so far.</summary>
    public byte[] Stamped(ReadOnlySpan<byte> sse) => [.. Encoding.ASCII.GetBytes($": {ServiceTime}: {Micros()}\n"), .. sse];

    /// <summary>Resets the connection.</summary>
    public void Cut()
    {
        _logged?.End(RequestOutcome.Cut, Moment.Now(Time));
        Http.Abort();
    }

    public void End(RequestOutcome outcome) => _logged?.End(outcome, Moment.Now(Time));

    public void Dispose()
    {
        _gone.Dispose();
        if (!log.Enabled && _buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
    }

    private string Micros() => ((long)Time.GetElapsedTime(_arrived).TotalMicroseconds).ToString(CultureInfo.InvariantCulture);

    private async ValueTask ReadBodyAsync(PipeReader reader)
    {
        if (Http.Request.ContentLength is > 0 and <= int.MaxValue and var length)
            Grow((int)length);
        while (true)
        {
            var result = await reader.ReadAsync();
            foreach (var segment in result.Buffer)
            {
                if (_buffer.Length - _length < segment.Length)
                    Grow(Math.Max(FirstRead, Math.Max(_buffer.Length * 2, _length + segment.Length)));
                segment.Span.CopyTo(_buffer.AsSpan(_length));
                _length += segment.Length;
            }

            reader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted)
                return;
        }
    }

    private void Grow(int size)
    {
        var larger = ArrayPool<byte>.Shared.Rent(size);
        _buffer.AsSpan(0, _length).CopyTo(larger);
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }

    private void Keep(KeyValuePair<string, string>[] head)
    {
        // The log keeps an array of its own; the pooled one would come back with other bytes.
        var body = _buffer.AsSpan(0, _length).ToArray();
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = body;
        _logged = new LoggedRequest(Http.Request.Method, Target, head, body, _arrivedAt);
        log.Add(_logged);
        _gone = ClientGone.UnsafeRegister(static state => ((Exchange)state!).End(RequestOutcome.ClientGone), this);
    }
}
