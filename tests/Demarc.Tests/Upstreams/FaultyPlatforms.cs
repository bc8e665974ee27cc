using System.Text;
using Demarc.Governance.Identity;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Storage.Evidence;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Xunit;

namespace Demarc.Tests.Upstreams;

/// <summary>
/// Every platform with two resources, of which the second takes over from the first: <c>NAME-1</c> and <c>NAME-2</c>, with one
/// deployment each that is named likewise, and the alias <c>NAME</c>.
/// </summary>
public sealed class FaultyPlatforms : IAsyncLifetime
{
    // Longer than the gateway waits for a stream to go on, so that one patience is not taken for the other.
    private const int AnnouncedSeconds = 900;
    private static readonly TimeSpan s_headers = TimeSpan.FromSeconds(AnnouncedSeconds + 5);
    private static readonly TimeSpan s_idle = TimeSpan.FromMinutes(10);

    // Breakers close and sessions return within it.
    private static readonly TimeSpan s_recovery = TimeSpan.FromMinutes(6);

    private static readonly Dictionary<string, string> s_resources = new()
    {
        ["foundry-azure"] = "platform: foundry, endpoint: SIMULATOR/$NAME/anthropic, credential: { azure: default }, deployments: [{ $NAMED, hosting: azure }]",
        ["foundry-anthropic"] = "platform: foundry, endpoint: SIMULATOR/$NAME/anthropic, credential: { api_key: sk-known }, deployments: [{ $NAMED, hosting: anthropic }]",
        ["anthropic"] = "platform: anthropic, endpoint: SIMULATOR/$NAME, credential: { api_key: sk-known }, deployments: [{ $NAMED }]",
        ["anthropic-aws"] = "platform: anthropic-aws, endpoint: SIMULATOR/$NAME, region: $REGION, workspace: wrkspc_01A, credential: { aws: { role_arn: 'arn:aws:iam::123456789012:role/claude' } }, deployments: [{ $NAMED }]",
        ["bedrock"] = "platform: bedrock, endpoint: SIMULATOR, region: $REGION, credential: { aws: { role_arn: 'arn:aws:iam::123456789012:role/claude' } }, deployments: [{ $NAMED }]",
        ["mantle"] = "platform: bedrock, api: messages, endpoint: SIMULATOR/$NAME/anthropic, region: $REGION, credential: { aws: default }, deployments: [{ $NAMED }]",
        ["vertex"] = "platform: vertex, endpoint: SIMULATOR, region: europe-west1, project: p, credential: { google: { file: google.json } }, deployments: [{ $NAMED }]",
    };

    private readonly SteppedTimers _time = new();

    public static IEnumerable<string> Names => s_resources.Keys;

    public UpstreamPlace Place { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        Place = await PlatformTests.StartAsync(new SimulatorOptions { Time = _time });
        // Longer than all the steps of all the tests together.
        Place.Simulator.Tokens.Lifetime = TimeSpan.FromDays(30);
        var yaml = new StringBuilder();
        foreach (var (name, resource) in s_resources)
        {
            yaml.Append(Resource($"{name}-1", "us-east-1", resource));
            yaml.Append(Resource($"{name}-2", "eu-west-1", resource));
        }
        yaml.Append("aliases:\n");
        foreach (var name in Names)
            yaml.Append($"  {name}: [{name}-1/{name}-1, {name}-2/{name}-2]\n");
        yaml.Append("verify: { every: never }\n");
        await Place.ServeAsync(yaml.ToString(), _time);
    }

    public ValueTask DisposeAsync() => Place.DisposeAsync();

    /// <summary>Forgets what failed before, and has the first deployment of a platform answer by a rule.</summary>
    internal async Task BeginAsync(string platform, ScriptRule rule)
    {
        // What the last answer left behind has to be gone, or it would go off in this one's place.
        await _time.UntilAsync(s_headers, pending: false, TestContext.Current.CancellationToken);
        await _time.UntilAsync(s_idle, pending: false, TestContext.Current.CancellationToken);
        _time.Step(s_recovery);
        Place.Journal.Clear();
        Place.Simulator.Log.Clear();
        Place.Simulator.Script.Set(rule with { Model = First(platform) });
    }

    public static string First(string platform) => $"{platform}-1";

    public static string Second(string platform) => $"{platform}-2";

    /// <summary>How often a deployment was asked since the fault was set.</summary>
    public int Asked(string deployment) =>
        Place.Simulator.Log.Read().Count(r => r.Target.Contains(deployment, StringComparison.Ordinal) || Encoding.UTF8.GetString(r.Body).Contains($"\"{deployment}\"", StringComparison.Ordinal));

    /// <summary>Asks who never answers, a second short of the patience that was announced and then past it: still waiting, and the answer.</summary>
    /// <param name="announced">Null for a client that announces none.</param>
    internal async Task<(bool IsWaiting, HttpResponseMessage Response)> WaitOutAsync(string platform, TimeSpan? announced, TimeSpan patience)
    {
        var stop = TestContext.Current.CancellationToken;
        using var request = Place.Request(UpstreamPlace.Body(First(platform)));
        if (announced is { } seconds)
            request.Headers.Add("x-stainless-timeout", $"{(int)seconds.TotalSeconds}");
        var answering = Place.Client.SendAsync(request, stop);
        await ArrivedAsync(First(platform), stop);
        _time.Step(patience - TimeSpan.FromSeconds(1));
        var isWaiting = _time.IsPending(patience) && !answering.IsCompleted;
        _time.Step(TimeSpan.FromSeconds(1));
        return (isWaiting, await answering);
    }

    /// <summary>Asks, and lets the patience with a silent platform pass.</summary>
    internal async Task<(HttpResponseMessage Response, string Body, RequestOnRecord Record)> AskAsync(string platform, string model, bool stream, FaultKind? fault)
    {
        var stop = TestContext.Current.CancellationToken;
        using var request = Place.Request(UpstreamPlace.Body(model, stream));
        request.Headers.Add("x-stainless-timeout", $"{AnnouncedSeconds}");
        var answering = Place.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        if (fault == FaultKind.SilenceBeforeHeaders)
        {
            await ArrivedAsync(First(platform), stop);
            _time.Step(s_headers);
        }
        else if (fault == FaultKind.Silence && !stream)
        {
            await _time.UntilAsync(s_idle, pending: true, stop);
            _time.Step(s_idle);
        }
        var response = await answering;
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
        var body = "";
        if (fault == FaultKind.Silence && stream)
        {
            body = await reader.ReadLineAsync(stop) + "\n";
            await _time.UntilAsync(s_idle, pending: true, stop);
            _time.Step(s_idle);
        }
        body += await reader.ReadToEndAsync(stop);
        Assert.True(Ids.TryParse(Ids.Request, response.RequestId(), out var id));
        var organization = (await Place.Store.Organizations.ListAsync()).Single();
        return (response, body, (await Place.Store.Requests.FindAsync(organization.Id, id))!);
    }

    private async Task ArrivedAsync(string deployment, CancellationToken stop)
    {
        for (var count = 1; Asked(deployment) == 0; count++)
            await Place.Simulator.Log.WaitAsync(count, cancellation: stop);
    }

    private static string Resource(string name, string region, string resource) =>
        $"  - {{ name: {name}, {resource.Replace("$NAMED", "name: $NAME, model: claude-sonnet-4-6", StringComparison.Ordinal).Replace("$NAME", name, StringComparison.Ordinal).Replace("$REGION", region, StringComparison.Ordinal)} }}\n";
}
