using System.Buffers.Text;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Demarc.Bench.Load;
using Demarc.Bench.Servers;

namespace Demarc.Bench.Latency;

/// <summary>What one exchange took, in microseconds.</summary>
/// <param name="First">Until the first byte of the answer's body was read.</param>
/// <param name="Last">Until the answer's last byte was.</param>
/// <param name="Service">The upstream's own time until its head was sent.</param>
/// <param name="ServiceLast">The upstream's own time until its last event was sent; <paramref name="Service"/> where it sends all at once.</param>
internal readonly record struct Exchange(double First, double Last, double Service, double ServiceLast);

/// <summary>One kept connection that asks and waits, with nothing between the socket and the clock.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly byte[] s_service = "simulator-service-us: "u8.ToArray();

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 30_000 };
    private readonly byte[] _request;
    private readonly int _unique;
    private readonly string _name;
    private readonly byte[] _answer = new byte[1 << 20];
    private long _count;

    /// <param name="session">The session that its requests belong to; unique in a run.</param>
    public RawClient(Target target, RequestText text, string session)
    {
        _name = $"{target.Name}, {text.Name}";
        _request = Encoding.ASCII.GetBytes(text.Head(target).Replace("@SESSION@", session, StringComparison.Ordinal) + text.Body);
        _unique = _request.AsSpan().IndexOf(Encoding.ASCII.GetBytes(RequestText.Mark));
        var mark = _request.AsSpan(_unique, RequestText.Mark.Length);
        mark.Fill((byte)'=');
        Encoding.ASCII.GetBytes(session.AsSpan(0, Math.Min(session.Length, mark.Length - 12)), mark);
        _unique += mark.Length - 10;
        _socket.Connect(new IPEndPoint(IPAddress.Loopback, target.Url.Port));
    }

    /// <exception cref="BenchException">The answer is not a 200.</exception>
    public Exchange Ask()
    {
        Utf8Formatter.TryFormat(++_count, _request.AsSpan(_unique), out _, new System.Buffers.StandardFormat('D', 10));
        var started = Stopwatch.GetTimestamp();
        _socket.Send(_request);
        var filled = 0;
        var head = -1;
        long first = 0;
        while (true)
        {
            var read = _socket.Receive(_answer, filled, _answer.Length - filled, SocketFlags.None);
            if (read == 0)
                throw new BenchException($"{_name}: the connection ended within an answer:\n{Encoding.ASCII.GetString(_answer, 0, Math.Min(filled, 600))}");
            filled += read;
            if (head < 0)
            {
                var end = _answer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
                if (end < 0)
                    continue;
                head = end + 4;
            }
            if (first == 0 && filled > head)
                first = Stopwatch.GetTimestamp();
            if (IsWhole(_answer.AsSpan(0, filled), head))
                break;
        }
        var last = Stopwatch.GetTimestamp();
        var answer = _answer.AsSpan(0, filled);
        if (!answer.StartsWith("HTTP/1.1 200 "u8))
            throw new BenchException($"{_name}: {Encoding.ASCII.GetString(answer[..Math.Min(filled, 600)])}");
        var service = Number(answer, answer.IndexOf(s_service));
        var again = answer[head..].IndexOf(s_service);
        return new Exchange(Micros(first - started), Micros(last - started), service, again < 0 ? service : Number(answer, head + again));
    }

    public void Dispose() => _socket.Dispose();

    private static double Micros(long ticks) => ticks * 1e6 / Stopwatch.Frequency;

    private static bool IsWhole(ReadOnlySpan<byte> answer, int head)
    {
        var length = answer[..head].IndexOf("ontent-Length: "u8);
        if (length < 0)
            length = answer[..head].IndexOf("ontent-length: "u8);
        if (length < 0)
            return answer.EndsWith("\r\n0\r\n\r\n"u8);
        return Utf8Parser.TryParse(answer[(length + 15)..], out int bytes, out _) && answer.Length >= head + bytes;
    }

    private static double Number(ReadOnlySpan<byte> answer, int at)
    {
        if (at < 0 || !Utf8Parser.TryParse(answer[(at + s_service.Length)..], out long micros, out _))
            throw new BenchException("An answer came without the simulator's own time.");
        return micros;
    }
}
