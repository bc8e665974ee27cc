using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>How a provider serves the gateway.</summary>
/// <param name="Client">JSON, more of its registration (OpenID Connect Registration, 2).</param>
/// <param name="UserInfo">Whether its id_tokens say no more than who it is.</param>
internal sealed record OidcSetup(string? Client = null, bool UserInfo = false);

/// <summary>npm's oidc-provider, a certified implementation, on a free port; and a browser of a person who logs in there.</summary>
internal sealed partial class OidcProvider : IAsyncDisposable
{
    private readonly Process _process;
    private readonly ConcurrentQueue<string> _errors = new();
    private int _ended;

    private OidcProvider(Process process) => _process = process;

    public Uri Url { get; private set; } = null!;

    /// <param name="host">A name of loopback.</param>
    public static async Task<OidcProvider> StartAsync(string host = "127.0.0.1")
    {
        Component.Npm("oidc-provider/package.json");
        var start = new ProcessStartInfo("node", ["oidc.mjs", host])
        {
            WorkingDirectory = Path.Combine(Repository.Root, "tests", "clients"),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        var provider = new OidcProvider(process);
        process.ErrorDataReceived += (_, line) => provider._errors.Enqueue(line.Data ?? "");
        process.BeginErrorReadLine();
        var port = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        provider.Url = new Uri($"http://{host}:{port}");
        return provider;
    }

    /// <summary>Makes the gateway its one client.</summary>
    /// <param name="setup">More of the client, and whether claims come from userinfo alone.</param>
    public Task RegisterAsync(Uri gateway, OidcSetup? setup = null)
    {
        var client = setup?.Client is { } more ? JsonNode.Parse(more)!.AsObject() : [];
        client["redirect_uris"] = new JsonArray($"{gateway.AbsoluteUri.TrimEnd('/')}/oauth/callback");
        return TellAsync("serve", new JsonObject { ["client"] = client, ["userinfo"] = setup?.UserInfo ?? false });
    }

    /// <summary>Takes a person out of its directory.</summary>
    public Task RemoveAsync(string login) => TellAsync("gone", login);

    /// <summary>Has it sign with another key from now on, and publish no other.</summary>
    public Task RotateAsync() => TellAsync("rotate", true);

    /// <summary>How often its keys were asked for.</summary>
    public async Task<int> AskedAsync() => int.Parse(await TellAsync("asked", true), CultureInfo.InvariantCulture);

    private async Task<string> TellAsync(string command, JsonNode value)
    {
        await _process.StandardInput.WriteLineAsync(new JsonObject { [command] = value }.ToJsonString());
        await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        while (await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line)
            if (line.StartsWith("> ", StringComparison.Ordinal))
                return line[2..];
        throw new InvalidOperationException($"The provider ended at {command}: {string.Join('\n', _errors)}");
    }

    /// <summary>Goes where the gateway sent the browser, logs in and consents; the address that the provider sends it back to.</summary>
    public static async Task<Uri> LogInAsync(HttpClient browser, Uri at, Uri gateway, string login)
    {
        for (var step = 0; step < 12; step++)
        {
            using var page = await browser.GetAsync(at, TestContext.Current.CancellationToken);
            if (page.Headers.Location is { } next)
            {
                at = new Uri(at, next);
                if (at.Authority == gateway.Authority)
                    return at;
                continue;
            }
            var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            var action = FormAction().Match(html);
            Assert.True(action.Success, html);
            at = new Uri(at, WebUtility.HtmlDecode(action.Groups[1].Value));
            using var sent = await browser.PostAsync(at, new FormUrlEncodedContent(new Dictionary<string, string>
            {
                ["prompt"] = html.Contains("name=\"login\"", StringComparison.Ordinal) ? "login" : "consent",
                ["login"] = login,
                ["password"] = "any",
            }), TestContext.Current.CancellationToken);
            at = new Uri(at, sent.Headers.Location!);
        }
        throw new InvalidOperationException($"The provider did not come to an end; it is at {at}.");
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _ended, 1) != 0)
            return;
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    [GeneratedRegex("<form[^>]*action=\"([^\"]+)\"")]
    private static partial Regex FormAction();
}
