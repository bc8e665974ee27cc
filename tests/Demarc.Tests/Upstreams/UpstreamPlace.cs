using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Demarc.Serving;
using Demarc.Simulator;
using Demarc.Storage;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary>Tests that set variables which cloud libraries read run alone.</summary>
[CollectionDefinition("cloud environment", DisableParallelization = true)]
public sealed class CloudEnvironment;

/// <summary>A gateway with resources of a test's own, the simulator as every platform, and what the operator's log says.</summary>
public sealed class UpstreamPlace : IAsyncDisposable, ILoggerProvider
{
    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-upstreams-").FullName;
    private readonly Dictionary<string, string?> _before = [];
    private Gateway? _gateway;
    private string _key = "";

    private UpstreamPlace(SimulatorHost simulator) => Simulator = simulator;

    public SimulatorHost Simulator { get; }

    public HttpClient Client { get; } = new(new SocketsHttpHandler { UseProxy = false });

    internal Store Store => _gateway!.Store;

    /// <summary>Lines of the operator's log.</summary>
    public ConcurrentQueue<(LogLevel Level, string Line)> Journal { get; } = new();

    public string Folder => _folder;

    /// <summary>A simulator alone; <see cref="ServeAsync"/> puts the gateway before it once variables and files are set.</summary>
    public static async Task<UpstreamPlace> StartAsync(SimulatorOptions? options = null) => new(await SimulatorHost.StartAsync(options));

    /// <param name="resources">Items of <c>resources</c>; <c>SIMULATOR</c> stands for its address.</param>
    public async Task ServeAsync(string resources, TimeProvider? time = null)
    {
        var config = Path.Combine(_folder, "demarc.yaml");
        await File.WriteAllTextAsync(config, "resources:\n" + resources.Replace("SIMULATOR", Address, StringComparison.Ordinal));
        _gateway = await Gateway.StartAsync(
            new ServeOptions { ConfigPath = config, DataDirectory = _folder, Listen = "127.0.0.1:0", Quickstart = true },
            time ?? TimeProvider.System,
            logging => logging.ClearProviders().AddProvider(this));
        _key = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_folder, "quickstart.json"))).RootElement.GetProperty("developer_key").GetString()!;
    }

    public string Address => Simulator.Url.AbsoluteUri.TrimEnd('/');

    /// <summary>Sets a variable until the end of the test.</summary>
    public void Set(string name, string? value)
    {
        _before.TryAdd(name, Environment.GetEnvironmentVariable(name));
        Environment.SetEnvironmentVariable(name, value);
    }

    public string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }

    public async Task<(HttpResponseMessage Response, string Body)> AskAsync(string body, string path = "/v1/messages?beta=true", string? betas = null)
    {
        using var request = Request(body, path);
        if (betas is not null)
            request.Headers.Add("anthropic-beta", betas);
        var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return (response, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>A request with the developer's key.</summary>
    public HttpRequestMessage Request(string body, string path = "/v1/messages?beta=true")
    {
        var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_gateway!.Url, path)) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add("x-api-key", _key);
        request.Headers.Add("anthropic-version", "2023-06-01");
        return request;
    }

    public async Task<string> GetAsync(string path) =>
        await (await Client.GetAsync(new Uri(_gateway!.Url, path), TestContext.Current.CancellationToken)).Content.ReadAsStringAsync(TestContext.Current.CancellationToken);

    /// <summary>Runs the built program on this place's configuration, with the variables of this process that clouds' libraries read.</summary>
    public Task<CommandResult> RunAsync(params string[] arguments)
    {
        var environment = new Dictionary<string, string>(DemarcCommand.Environment);
        foreach (var name in _before.Keys)
        {
            if (Environment.GetEnvironmentVariable(name) is { } value)
                environment[name] = value;
        }
        return Command.RunAsync("dotnet", [DemarcCommand.Program, .. arguments], _folder, environment, TestContext.Current.CancellationToken);
    }

    public static string Body(string model, bool stream = false) =>
        $$"""{"max_tokens":64,"messages":[{"role":"user","content":"hello"}],"model":"{{model}}"{{(stream ? ",\"stream\":true" : "")}}}""";

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (_gateway is not null)
            await _gateway.DisposeAsync();
        await Simulator.DisposeAsync();
        foreach (var (name, value) in _before)
            Environment.SetEnvironmentVariable(name, value);
        Directory.Delete(_folder, recursive: true);
    }

    ILogger ILoggerProvider.CreateLogger(string categoryName) => new Lines(Journal);

    void IDisposable.Dispose()
    {
    }

    private sealed class Lines(ConcurrentQueue<(LogLevel, string)> journal) : ILogger
    {
        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            journal.Enqueue((logLevel, $"{formatter(state, exception)} {exception?.Message}"));

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;
    }
}
