using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Operate;

/// <summary>
/// What a request takes of memory for objects, in a gateway with records, capture and all that is derived of them: each has a budget, for
/// what is allocated is collected while others wait. Built for tests it takes some more than published.
/// </summary>
public sealed class AllocationTests(ITestOutputHelper output)
{
    private const int Warm = 300;
    private const int Asked = 1000;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_request_keeps_within_its_budget()
    {
        await using var simulator = await SimulatorHost.StartAsync();
        simulator.Script.Set(new ScriptRule { Stream = true, Text = string.Concat(Enumerable.Repeat("Twice is enough. ", 60)), Deltas = 44 });
        var folder = Directory.CreateTempSubdirectory("demarc-allocation-").FullName;
        try
        {
            using var serving = await ServingProcess.StartAsync(await ServingConfig.WriteAsync(folder, simulator, "metrics: { public: true }"), folder, ("DOTNET_TieredPGO", "0"));
            using var client = new HttpClient(new SocketsHttpHandler()) { BaseAddress = serving.Url };
            var quickstart = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "quickstart.json"), Stop));
            client.DefaultRequestHeaders.Add("x-api-key", quickstart.RootElement.GetProperty("developer_key").GetString());
            client.DefaultRequestHeaders.Add("x-claude-code-session-id", "allocation");
            client.DefaultRequestHeaders.Add("anthropic-version", "2023-06-01");

            foreach (var (name, past, stream, budget) in new[] { ("1 KB", 900, false, 34_000), ("85 KB", 85_000, false, 34_000), ("a stream of 50 events", 900, true, 60_000) })
            {
                for (var i = 0; i < Warm; i++)
                    await AskAsync(client, past, stream);
                var before = await AllocatedAsync(client);
                for (var i = 0; i < Asked; i++)
                    await AskAsync(client, past, stream);
                var each = (await AllocatedAsync(client) - before) / Asked;
                output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {each:0} bytes a request, of {budget}"));
                Assert.InRange(each, 1000, budget);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private int _asked;

    // A history that stays, and a message that is new.
    private async Task AskAsync(HttpClient client, int past, bool stream)
    {
        var body = $$"""
            {"model":"claude-sonnet-4-6","max_tokens":512,"stream":{{(stream ? "true" : "false")}},"messages":[
            {"role":"user","content":"{{new string('x', past)}}"},{"role":"assistant","content":"Yes."},{"role":"user","content":"{{++_asked:00000000}}"}]}
            """;
        using var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
        using var answer = await client.PostAsync("/v1/messages", content, Stop);
        await answer.Content.CopyToAsync(Stream.Null, Stop);
        Assert.True(answer.IsSuccessStatusCode, answer.IsSuccessStatusCode ? "" : await answer.Content.ReadAsStringAsync(Stop));
    }

    private static async Task<double> AllocatedAsync(HttpClient client)
    {
        const string name = "dotnet_gc_allocated_bytes_total ";
        var text = await client.GetStringAsync("/metrics", Stop);
        return double.Parse(text.Split('\n').Single(line => line.StartsWith(name, StringComparison.Ordinal))[name.Length..], CultureInfo.InvariantCulture);
    }
}
