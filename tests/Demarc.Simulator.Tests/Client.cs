using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Demarc.Simulator.Tests;

/// <summary>A plain HTTP client of one simulator, which it starts and stops.</summary>
internal sealed class Client : IAsyncDisposable
{
    private static readonly JsonSerializerOptions s_plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly HttpClient _http;

    private Client(SimulatorHost host)
    {
        Host = host;
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = host.Url };
    }

    public SimulatorHost Host { get; }

    public static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<Client> StartAsync(SimulatorOptions? options = null) => new(await SimulatorHost.StartAsync(options));

    public static string Ask(string text, bool stream = false, int maxTokens = 1000, string more = "") =>
        $$"""{"model":"claude-sonnet-5","max_tokens":{{maxTokens}},"stream":{{(stream ? "true" : "false")}}{{more}},"messages":[{"role":"user","content":{{JsonSerializer.Serialize(text, s_plain)}}}]}""";

    public Task<HttpResponseMessage> PostAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new StringContent(body, Encoding.UTF8, "application/json"),
            Headers = { { "anthropic-version", "2023-06-01" } },
        };
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        return SendAsync(request);
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) =>
        _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancellation);

    public async Task<JsonElement> PostJsonAsync(string path, string body, params (string Name, string Value)[] headers)
    {
        using var response = await PostAsync(path, body, headers);
        return await JsonAsync(response);
    }

    public Task<HttpResponseMessage> GetAsync(string path) => SendAsync(new HttpRequestMessage(HttpMethod.Get, path));

    public static async Task<JsonElement> JsonAsync(HttpResponseMessage response) =>
        JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsByteArrayAsync(Cancellation));

    public static string TextOf(JsonElement message) =>
        string.Concat(message.GetProperty("content").EnumerateArray()
            .Where(block => block.GetProperty("type").GetString() == "text")
            .Select(block => block.GetProperty("text").GetString()));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Host.DisposeAsync();
    }
}
