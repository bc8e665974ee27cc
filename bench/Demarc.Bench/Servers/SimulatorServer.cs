using System.Net.Http.Json;

namespace Demarc.Bench.Servers;

/// <summary>The upstream of every target.</summary>
internal sealed class SimulatorServer(ServerProcess process, Uri url) : IAsyncDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });

    public ServerProcess Process => process;

    public Uri Url => url;

    public static async Task<SimulatorServer> StartAsync(string programs)
    {
        var process = ServerProcess.Start("simulator", Path.Combine(programs, "simulator", "demarc-simulator"), ["--no-log"]);
        return new SimulatorServer(process, await process.UrlAsync());
    }

    /// <summary>Replaces its script; no rules is the plain, instant simulator.</summary>
    public async Task ScriptAsync(params object[] rules)
    {
        var address = new Uri(url, "/simulator/script");
        using var answer = rules.Length == 0 ? await _http.DeleteAsync(address) : await _http.PutAsync(address, JsonContent.Create(new { rules }));
        if (!answer.IsSuccessStatusCode)
            throw new BenchException($"The simulator refused the script: {await answer.Content.ReadAsStringAsync()}");
    }

    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return process.DisposeAsync();
    }
}
