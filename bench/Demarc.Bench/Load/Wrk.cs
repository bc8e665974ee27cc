using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Demarc.Bench.Servers;

namespace Demarc.Bench.Load;

/// <summary>What wrk measured.</summary>
/// <param name="P50">Microseconds, the load generator's own queueing included.</param>
/// <param name="SocketErrors">Connects, reads, writes and timeouts that failed.</param>
/// <param name="StatusErrors">Answers that were not 2xx or 3xx.</param>
internal sealed record WrkResult(
    [property: JsonPropertyName("requests")] long Requests,
    [property: JsonPropertyName("micros")] long Micros,
    [property: JsonPropertyName("p50")] long P50,
    [property: JsonPropertyName("p99")] long P99,
    [property: JsonPropertyName("socket_errors")] long SocketErrors,
    [property: JsonPropertyName("status_errors")] long StatusErrors)
{
    [JsonIgnore]
    public double PerSecond => Requests * 1e6 / Micros;
}

/// <summary>Runs wrk with the script beside it.</summary>
internal sealed class Wrk(string folder)
{
    private int _runs;

    public async Task<WrkResult> RunAsync(Target target, RequestText text, int connections, double seconds)
    {
        var run = Interlocked.Increment(ref _runs);
        var threads = connections >= 64 ? 2 : 1;
        var head = Path.Combine(folder, $"head-{run}");
        var body = Path.Combine(folder, $"body-{run}");
        await File.WriteAllTextAsync(head, text.Head(target));
        await File.WriteAllTextAsync(body, text.Body);
        var output = await Commands.RunAsync(
            "wrk", "-t", Text(threads), "-c", Text(connections), "-d", $"{Text((int)Math.Ceiling(seconds))}s", "--timeout", "10s",
            "-s", Path.Combine(AppContext.BaseDirectory, "Load", "wrk.lua"), target.Url.AbsoluteUri,
            head, body, RequestText.Mark, Text(connections / threads), Text(run));
        File.Delete(head);
        File.Delete(body);
        var result = output.Split('\n').FirstOrDefault(line => line.StartsWith("RESULT ", StringComparison.Ordinal))
            ?? throw new BenchException($"wrk gave no result:\n{output}");
        return JsonSerializer.Deserialize<WrkResult>(result["RESULT ".Length..])!;
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
