using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Demarc.Tests.Exports;

/// <summary>A collector of events over HTTP, which misbehaves as it is told.</summary>
internal sealed class Collector : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Collector(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.First());

    /// <summary>What is done with the next requests, one each; true where the request is answered by it. Then all are taken.</summary>
    public ConcurrentQueue<Func<HttpContext, Task<bool>>> Moods { get; } = new();

    /// <summary>Requests that were taken: path with query, headers, body.</summary>
    public ConcurrentQueue<(string Path, Dictionary<string, string> Headers, string Body)> Taken { get; } = new();

    /// <summary>How an accepted request is answered; 200 and nothing unless told.</summary>
    public Func<HttpContext, string, Task> Answer { get; set; } = static (_, _) => Task.CompletedTask;

    public static async Task<Collector> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var collector = new Collector(app);
        app.Run(collector.HandleAsync);
        await app.StartAsync();
        return collector;
    }

    /// <summary>Every event of every request that was taken, in order, repeats included.</summary>
    public JsonElement[] Events => [.. Taken.SelectMany(t => t.Body[0] == '['
        ? JsonDocument.Parse(t.Body).RootElement.EnumerateArray()
        : t.Body.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonDocument.Parse(line).RootElement))];

    /// <summary>The positions of the events.</summary>
    public long[] Positions => [.. Events.Select(Position)];

    public static long Position(JsonElement e) => e.GetProperty("metadata").GetProperty("sequence").GetInt64();

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task HandleAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        var body = await reader.ReadToEndAsync();
        if (Moods.TryDequeue(out var mood) && await mood(http))
            return;
        Taken.Enqueue((http.Request.Path + http.Request.QueryString, http.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()), body));
        await Answer(http, body);
    }
}
