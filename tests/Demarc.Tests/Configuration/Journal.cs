using System.Threading.Channels;
using Microsoft.Extensions.Logging;

namespace Demarc.Tests.Configuration;

/// <summary>A logger whose lines a test can wait for.</summary>
public sealed class Journal<T> : ILogger<T>
{
    private readonly Channel<(int Event, LogLevel Level, string Line)> _lines = Channel.CreateUnbounded<(int, LogLevel, string)>();

    /// <summary>The next line with that event id; those before it are passed over. Fails after half a minute.</summary>
    public async Task<(LogLevel Level, string Line)> NextAsync(int eventId)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await foreach (var (id, level, line) in _lines.Reader.ReadAllAsync(limit.Token))
        {
            if (id == eventId)
                return (level, line);
        }
        throw new InvalidOperationException("The journal has ended.");
    }

    /// <summary>The lines that no one has read.</summary>
    public List<int> Rest()
    {
        var rest = new List<int>();
        while (_lines.Reader.TryRead(out var line))
            rest.Add(line.Event);
        return rest;
    }

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Writer.TryWrite((eventId.Id, logLevel, formatter(state, exception)));

    public bool IsEnabled(LogLevel logLevel) => true;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;
}
