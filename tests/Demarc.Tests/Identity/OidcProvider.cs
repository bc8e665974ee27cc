using System.Diagnostics;
using System.Net;
using System.Text.RegularExpressions;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>npm's oidc-provider, a certified implementation, on a free port; and a browser of a person who logs in there.</summary>
internal sealed partial class OidcProvider : IAsyncDisposable
{
    private readonly Process _process;
    private int _ended;

    private OidcProvider(Process process, Uri url) => (_process, Url) = (process, url);

    public Uri Url { get; }

    public static async Task<OidcProvider> StartAsync()
    {
        Component.Npm("oidc-provider/package.json");
        var start = new ProcessStartInfo("node", ["oidc.mjs"])
        {
            WorkingDirectory = Path.Combine(Repository.Root, "tests", "clients"),
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        var port = await process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
        return new OidcProvider(process, new Uri($"http://127.0.0.1:{port}"));
    }

    /// <summary>Makes the gateway its one client.</summary>
    public async Task RegisterAsync(Uri gateway)
    {
        await _process.StandardInput.WriteLineAsync($"{gateway.AbsoluteUri.TrimEnd('/')}/oauth/callback");
        await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        while (await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken) is { } line && line != "ready")
        {
        }
    }

    /// <summary>Takes a person out of its directory.</summary>
    public async Task RemoveAsync(string login)
    {
        await _process.StandardInput.WriteLineAsync(login);
        await _process.StandardInput.FlushAsync(TestContext.Current.CancellationToken);
        await _process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken);
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
