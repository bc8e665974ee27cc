using System.Globalization;
using System.Text;
using Demarc.Control.AdminApi;

namespace Demarc.Control.Exports;

/// <summary>
/// RFC 5424 messages over one connection, each with its length before it (RFC 6587, 3.4.1). Syslog has no acknowledgement:
/// what a connection carried in the seconds before it broke goes over the next one again.
/// </summary>
internal sealed class SyslogSender(SyslogDestination destination, ExportWays ways, TimeProvider time) : ExportSender
{
    // Facility 13, log audit.
    private const int Facility = 13 * 8;
    private const int MaxMessageId = 32;

    private static readonly TimeSpan Doubted = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);
    private const int MaxDoubted = 4 << 20;

    private static readonly string Host = Ascii(Environment.MachineName, 255);

    private readonly Queue<(long SentAt, byte[] Bytes)> _doubted = new();
    private int _doubtedBytes;
    private Stream? _connection;
    private Task<int>? _closing;

    public override async Task SendAsync(ExportedActivity[] activities, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        try
        {
            // A server that closes says so by the end of what it sends; it has nothing else to send.
            if (_closing is { IsCompleted: true })
                await CloseAsync();
            if (_connection is null)
            {
                _connection = await ways.ConnectAsync(destination.Host, destination.Port, destination.IsTls, destination.CertificateAuthorities, patience.Token);
                _closing = _connection.ReadAsync(new byte[1], CancellationToken.None).AsTask();
                foreach (var (_, bytes) in _doubted)
                    await _connection.WriteAsync(bytes, patience.Token);
            }
            var text = Frames(activities);
            await _connection.WriteAsync(text, patience.Token);
            await _connection.FlushAsync(patience.Token);
            Remember(text);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            await CloseAsync();
            throw new ExportException(e is OperationCanceledException ? $"not taken within {Patience.TotalSeconds} s" : e.Message, inner: e);
        }
    }

    protected override async ValueTask CloseAsync()
    {
        if (_connection is null)
            return;
        // What went out long before it broke has arrived; the rest may have been in a buffer that died.
        while (_doubted.TryPeek(out var oldest) && time.GetElapsedTime(oldest.SentAt) > Doubted)
            Forget();
        var (connection, closing) = (_connection, _closing!);
        (_connection, _closing) = (null, null);
        await connection.DisposeAsync();
        // It ends with its connection, by an error: nobody asks which.
        await closing.ContinueWith(static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private void Remember(byte[] bytes)
    {
        _doubted.Enqueue((time.GetTimestamp(), bytes));
        _doubtedBytes += bytes.Length;
        while (_doubtedBytes > MaxDoubted || (_doubted.TryPeek(out var oldest) && time.GetElapsedTime(oldest.SentAt) > Doubted))
            Forget();
    }

    private void Forget() => _doubtedBytes -= _doubted.Dequeue().Bytes.Length;

    private byte[] Frames(ExportedActivity[] activities)
    {
        using var output = new MemoryStream();
        foreach (var activity in activities)
        {
            var header = $"<{Facility + Severity(activity.Severity)}>1 {Rfc3339.Text(activity.At)} {Host} demarc - {Ascii(activity.Type, MaxMessageId)} - ";
            byte[] message = [.. Encoding.ASCII.GetBytes(header), .. destination.IsCef ? Encoding.UTF8.GetBytes(Cef.Of(activity)) : activity.Json];
            output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{message.Length} ")));
            output.Write(message);
        }
        return output.ToArray();
    }

    // RFC 5424, table 2: 3 error, 4 warning, 5 notice, 6 informational.
    private static int Severity(EventSeverity severity) => severity switch
    {
        EventSeverity.High => 3,
        EventSeverity.Medium => 4,
        EventSeverity.Low => 5,
        _ => 6,
    };

    private static string Ascii(string text, int most)
    {
        var plain = string.Concat(text.Where(c => c is > ' ' and <= '~'));
        return plain.Length == 0 ? "-" : plain[..Math.Min(most, plain.Length)];
    }
}
