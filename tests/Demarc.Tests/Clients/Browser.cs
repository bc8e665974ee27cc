using System.Diagnostics;
using System.Net.WebSockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary>Debian's Chromium, headless, by the Chrome DevTools Protocol: one page of a fresh profile.</summary>
internal sealed class Browser : IAsyncDisposable
{
    private const string Program = "/usr/bin/chromium";
    private const string Says = "DevTools listening on ";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _profile = Directory.CreateTempSubdirectory("demarc-chromium-").FullName;
    private readonly Process _process;
    private readonly ClientWebSocket _socket = new();
    private readonly TaskCompletionSource<string?> _listens = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly byte[] _buffer = new byte[1 << 20];
    private string? _session;
    private int _id;

    private Browser()
    {
        var start = new ProcessStartInfo(Program,
        [
            // A test may run as root, in a container without the namespaces of its sandbox.
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--no-first-run", "--no-proxy-server",
            $"--user-data-dir={_profile}", "--remote-debugging-port=0", "about:blank",
        ])
        { RedirectStandardError = true, RedirectStandardOutput = true };
        _process = Process.Start(start)!;
        _process.ErrorDataReceived += (_, line) =>
        {
            if (line.Data is null || line.Data.StartsWith(Says, StringComparison.Ordinal))
                _listens.TrySetResult(line.Data?[Says.Length..]);
        };
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public static async Task<Browser> StartAsync()
    {
        Component.Require(File.Exists(Program), "Chromium is not installed (apt-get install chromium)");
        var browser = new Browser();
        var address = await browser._listens.Task.WaitAsync(Patience, TestContext.Current.CancellationToken);
        Assert.True(address is not null, "Chromium ended at its start.");
        await browser._socket.ConnectAsync(new Uri(address), TestContext.Current.CancellationToken);
        var target = (await browser.CallAsync("Target.createTarget", new() { ["url"] = "about:blank" }))["targetId"]!.GetValue<string>();
        browser._session = (await browser.CallAsync("Target.attachToTarget", new() { ["targetId"] = target, ["flatten"] = true }))["sessionId"]!.GetValue<string>();
        await browser.CallAsync("Page.enable", []);
        return browser;
    }

    public Task GoAsync(string url) => CallAsync("Page.navigate", new() { ["url"] = url });

    /// <summary>Waits until the page's text, or its address, holds something; the text.</summary>
    public async Task<string> ShowsAsync(string text)
    {
        var page = "";
        for (var end = Environment.TickCount64 + (long)Patience.TotalMilliseconds; ;)
        {
            page = await EvaluateAsync("document.readyState + ' ' + location.href + '\\n' + (document.body ? document.body.innerText : '')");
            if (page.StartsWith("complete ", StringComparison.Ordinal) && page.Contains(text, StringComparison.Ordinal))
                return page;
            Assert.True(Environment.TickCount64 < end, $"The page did not come to show: {text}\n{page}");
            // A page that forwards itself loads more than once, and no event says which load is the last.
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Fills a field as typing does.</summary>
    public async Task FillAsync(string selector, string value)
    {
        Assert.Equal("true", await EvaluateAsync($"(e => {{ e?.focus(); return String(!!e); }})(document.querySelector({JsonSerializer.Serialize(selector)}))"));
        await CallAsync("Input.insertText", new() { ["text"] = value });
    }

    /// <summary>Clicks where an element stands.</summary>
    public async Task ClickAsync(string selector)
    {
        var at = JsonNode.Parse(await EvaluateAsync(
            $"(e => {{ e.scrollIntoView(); const r = e.getBoundingClientRect(); return JSON.stringify({{ x: r.x + r.width / 2, y: r.y + r.height / 2 }}); }})(document.querySelector({JsonSerializer.Serialize(selector)}))"))!;
        foreach (var type in new[] { "mousePressed", "mouseReleased" })
            await CallAsync("Input.dispatchMouseEvent", new() { ["type"] = type, ["x"] = at["x"]!.GetValue<double>(), ["y"] = at["y"]!.GetValue<double>(), ["button"] = "left", ["clickCount"] = 1 });
    }

    /// <summary>The value of an expression that is text.</summary>
    public async Task<string> EvaluateAsync(string expression)
    {
        var result = await CallAsync("Runtime.evaluate", new() { ["expression"] = expression, ["returnByValue"] = true });
        return result["result"]?["value"]?.ToString() ?? result.ToJsonString();
    }

    /// <summary>All cookies that it has, as JSON.</summary>
    public async Task<string> CookiesAsync() => (await CallAsync("Network.getAllCookies", [])).ToJsonString();

    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        Directory.Delete(_profile, recursive: true);
    }

    private async Task<JsonObject> CallAsync(string method, JsonObject parameters)
    {
        var id = ++_id;
        var call = new JsonObject { ["id"] = id, ["method"] = method, ["params"] = parameters };
        if (_session is not null && !method.StartsWith("Target.", StringComparison.Ordinal))
            call["sessionId"] = _session;
        await _socket.SendAsync(JsonSerializer.SerializeToUtf8Bytes(call), WebSocketMessageType.Text, true, TestContext.Current.CancellationToken);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(Patience);
        while (true)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(_buffer.AsMemory(length), patience.Token);
                length += part.Count;
            }
            while (!part.EndOfMessage);
            var answer = JsonNode.Parse(_buffer.AsSpan(0, length))!.AsObject();
            // Whatever else it tells of, nobody asked for.
            if (answer["id"]?.GetValue<int>() != id)
                continue;
            // The page that was asked went away while it answered: the next one is asked again.
            if (answer["error"] is { } error)
                return new JsonObject { ["error"] = error.DeepClone() };
            return answer["result"]!.DeepClone().AsObject();
        }
    }
}
