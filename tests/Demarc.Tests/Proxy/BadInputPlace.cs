using System.Collections.Concurrent;
using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Proxy;

/// <summary>A gateway whose every word is kept, at the finest level, with keys that no longer hold.</summary>
public sealed class BadInputPlace : IAsyncLifetime, ILoggerProvider
{
    /// <summary>Stands in the content of every bad request: it is to be found nowhere.</summary>
    public const string Canary = "canary-4c1d-of-a-prompt";

    private readonly ConcurrentQueue<string> _journal = new();

    internal ProxyPlace Place { get; private set; } = null!;

    /// <summary>Secrets by name: <c>developer</c>, <c>expired</c>, <c>revoked</c>, <c>admin</c>, <c>compliance</c>.</summary>
    public Dictionary<string, string> Keys { get; } = [];

    public async ValueTask InitializeAsync()
    {
        Place = await ProxyPlace.StartAsync(StoreKind.Sqlite, null, logging => logging.SetMinimumLevel(LogLevel.Trace).ClearProviders().AddProvider(this));
        foreach (var kind in new[] { "developer", "admin", "compliance" })
            Keys[kind] = Place.Keys[kind + "_key"];
        var store = Place.Gateway.Store;
        var organization = (await store.Organizations.ListAsync()).Single().Id;
        var developer = (await Place.Store.SqlAsync<string>("SELECT id FROM users WHERE role = 'developer'"))!;
        var actor = new ActorRecord("cli", "test");
        var expired = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization, ApiKeyKind.Inference, "old", "user", developer, ExpiresAt: TimeProvider.System.GetUtcNow().AddMinutes(-1)), actor);
        var (revoked, secret) = await store.ApiKeys.CreateAsync(new NewApiKey(organization, ApiKeyKind.Inference, "lost", "user", developer), actor);
        await Place.AdminAsync(HttpMethod.Post, $"/v1/organizations/api_keys/{revoked.Id}", """{"status":"inactive"}""");
        (Keys["expired"], Keys["revoked"]) = (expired.Secret.Reveal(), secret.Reveal());
    }

    /// <summary>What the gateway's log, its store and the provider have of a bad request, which is nothing; the log is begun anew.</summary>
    public void IsKeptFromAll()
    {
        var sent = Place.Simulator.Log.Read();
        var journal = string.Join('\n', _journal);
        // So that one failure is one test's.
        Place.Simulator.Log.Clear();
        _journal.Clear();
        Assert.Empty(sent);
        foreach (var secret in Keys.Values.Append(Canary))
            Assert.DoesNotContain(secret, journal, StringComparison.Ordinal);
        foreach (var path in Directory.GetFiles(Place.Folder, "*", SearchOption.AllDirectories).Concat(Directory.GetFiles(Path.GetDirectoryName(Place.Store.Url["sqlite:".Length..])!, "*", SearchOption.AllDirectories)))
        {
            // Locks, which only their holder may open, are empty.
            if (new FileInfo(path).Length == 0)
                continue;
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(Canary)) < 0, $"{path} has what the request said.");
        }
    }

    public async ValueTask DisposeAsync() => await Place.DisposeAsync();

    ILogger ILoggerProvider.CreateLogger(string categoryName) => new Lines(_journal);

    void IDisposable.Dispose()
    {
    }

    private sealed class Lines(ConcurrentQueue<string> journal) : ILogger
    {
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            journal.Enqueue($"{formatter(state, exception)} {state} {exception}");

        public bool IsEnabled(LogLevel logLevel) => true;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;
    }
}
