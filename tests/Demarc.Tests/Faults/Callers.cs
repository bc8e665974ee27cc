using System.Collections.Concurrent;
using System.Net;
using Demarc.Tests.Proxy;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>Clients that ask without a pause, streams and whole answers in turn, until they are stopped. Each request says something that none else says.</summary>
internal sealed class Callers : IAsyncDisposable
{
    // One that nobody answers: what it asked stands still, or is cut off in silence.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Func<int, Uri> _target;
    private readonly string _key;
    private readonly int _maxTokens;
    private readonly HttpClient _client = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = Timeout.InfiniteTimeSpan };
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentDictionary<string, string> _answered = [];
    private readonly Task[] _callers;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string _refusal = "none";
    private volatile string _broke = "nothing";
    private int _refused;
    private int _broken;

    /// <param name="target">Where the n-th request of a caller goes.</param>
    public Callers(int callers, string key, Func<int, Uri> target, int maxTokens = 64)
    {
        (_target, _key, _maxTokens) = (target, key, maxTokens);
        _callers = [.. Enumerable.Range(0, callers).Select(AskAsync)];
    }

    /// <summary>What was asked and answered whole, with the id that the answer came under.</summary>
    public IReadOnlyDictionary<string, string> Answered => _answered;

    /// <summary>Answers that said that there is none: the store is away, the provider failed.</summary>
    public int Refused => _refused;

    /// <summary>Connections that ended before the answer did, and requests that nobody answered.</summary>
    public int Broken => _broken;

    /// <summary>Waits until so many more were answered.</summary>
    public Task MoreAsync(int count, int within = 60) => UntilAsync(() => Answered.Count, count, within);

    /// <summary>Waits until so many more were refused.</summary>
    public Task RefusedAsync(int count) => UntilAsync(() => Refused, count, 120);

    /// <summary>Waits until so many more were answered, refused or broken off.</summary>
    public Task TurnsAsync(int count) => UntilAsync(() => Answered.Count + Refused + Broken, count, 60);

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_callers);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _client.Dispose();
        _stop.Dispose();
    }

    private async Task UntilAsync(Func<int> reached, int more, int within)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(within));
        for (var until = reached() + more; ;)
        {
            var changed = Volatile.Read(ref _changed).Task;
            if (reached() >= until)
                return;
            try
            {
                await changed.WaitAsync(patience.Token);
            }
            catch (OperationCanceledException) when (!TestContext.Current.CancellationToken.IsCancellationRequested)
            {
                Assert.Fail($"Not {more} more within {within} s: {Answered.Count} answered, {Refused} refused, {Broken} broken; the last refusal: {_refusal}; what broke last: {_broke}");
            }
        }
    }

    private async Task AskAsync(int caller)
    {
        for (var n = 0; !_stop.IsCancellationRequested; n++)
        {
            var said = $"caller {caller} asks {n}";
            var stream = (caller + n) % 2 == 0;
            using var patience = new CancellationTokenSource(Patience);
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_target(caller + n), "/v1/messages"))
                {
                    Content = new StringContent(ProxyPlace.Body("claude-sonnet-4-6", stream, said, _maxTokens), null, "application/json"),
                };
                request.Headers.Add("x-api-key", _key);
                request.Headers.Add("anthropic-version", "2023-06-01");
                using var response = await _client.SendAsync(request, patience.Token);
                var body = await response.Content.ReadAsStringAsync(patience.Token);
                if (response.StatusCode != HttpStatusCode.OK)
                {
                    _refusal = body;
                    Interlocked.Increment(ref _refused);
                }
                else if (!stream || body.Contains("message_stop", StringComparison.Ordinal))
                    _answered[said] = response.RequestId();
                else
                    Interlocked.Increment(ref _broken);
            }
            catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
            {
                _broke = e.Message;
                Interlocked.Increment(ref _broken);
                // One that is gone refuses at once: nothing tells when it listens again.
                await Task.Delay(50);
            }
            // Whoever puts another in its place completes it: none is lost on which somebody waits.
            Interlocked.Exchange(ref _changed, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }
    }
}
