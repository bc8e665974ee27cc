using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text.Json;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Clients;

/// <summary><c>./run</c>, as somebody who has just cloned the repository uses it.</summary>
[UnsupportedOSPlatform("windows")]
[Trait("suite", "faults")]
public sealed class RunScriptTests : IDisposable
{
    // A first build on a busy machine.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    private readonly string _data = Path.Combine(Directory.CreateTempSubdirectory("demarc-run-").FullName, "data");

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_data)!, recursive: true);

    [Theory]
    [InlineData("TERM")]
    [InlineData("INT")]
    public async Task It_serves_says_how_to_connect_and_leaves_nothing_running(string signal)
    {
        using var patience = new CancellationTokenSource(Patience);
        using var run = Start();
        var keys = JsonDocument.Parse("{}").RootElement;
        try
        {
            var said = "";
            while (!said.Contains("Ctrl-C", StringComparison.Ordinal))
                said += await run.StandardOutput.ReadLineAsync(patience.Token) + "\n";
            keys = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(_data, "quickstart.json"), patience.Token)).RootElement;
            var url = Address(keys, "url");

            Assert.Contains($"ANTHROPIC_BASE_URL={url.AbsoluteUri.TrimEnd('/')} ANTHROPIC_AUTH_TOKEN=", said, StringComparison.Ordinal);
            Assert.DoesNotContain(keys.GetProperty("developer_key").GetString()!, said, StringComparison.Ordinal);
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_data, "quickstart.json")));
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            Assert.True((await http.GetAsync(new Uri(url, "/readyz"), patience.Token)).IsSuccessStatusCode);
        }
        finally
        {
            using var kill = Process.Start("/bin/bash", ["-c", $"kill -{signal} {run.Id.ToString(CultureInfo.InvariantCulture)}"]);
            await run.WaitForExitAsync(patience.Token);
        }

        await AssertGoneAsync(Address(keys, "url"));
        await AssertGoneAsync(Address(keys, "simulator_url"));
    }

    private Process Start()
    {
        var start = new ProcessStartInfo(Repository.Path("run"), ["--listen", "127.0.0.1:0", "--data", _data])
        {
            WorkingDirectory = Path.GetDirectoryName(_data)!,
            RedirectStandardOutput = true,
        };
        return Process.Start(start)!;
    }

    private static async Task AssertGoneAsync(Uri url)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(url.Host, url.Port));
    }

    private static Uri Address(JsonElement keys, string name) => new(keys.GetProperty(name).GetString()!);
}
