using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Channels;
using Xunit;

namespace Demarc.Tests.Limits;

/// <summary>As much of SMTP as messages take, one after the other.</summary>
internal sealed class MailServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly Channel<string> _messages = Channel.CreateUnbounded<string>();

    public MailServer()
    {
        _listener.Start();
        _ = ServeAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Nothing more has come.</summary>
    public bool IsEmpty => _messages.Reader.Count == 0;

    /// <summary>All that the client sent until the end of the next message.</summary>
    public Task<string> NextAsync() => _messages.Reader.ReadAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(20));

    public void Dispose() => _listener.Dispose();

    private async Task ServeAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await TakeAsync(client.GetStream());
            }
        }
        catch (Exception e)
        {
            // The end of the test, or what the next one who waits for a message is to see.
            _messages.Writer.TryComplete(e);
        }
    }

    private async Task TakeAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream);
        await using var writer = new StreamWriter(stream) { NewLine = "\r\n", AutoFlush = true };
        var all = new StringBuilder();
        await writer.WriteLineAsync("220 here");
        var isData = false;
        while (await reader.ReadLineAsync() is { } line)
        {
            all.AppendLine(line);
            if (isData && line != ".")
                continue;
            if (isData)
            {
                await writer.WriteLineAsync("250 taken");
                await _messages.Writer.WriteAsync(all.ToString());
                return;
            }
            isData = line == "DATA";
            await writer.WriteLineAsync(isData ? "354 go on" : "250 fine");
        }
    }
}
