using System.Diagnostics;
using System.Text.Json;
using Demarc.Simulator;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Deploy;

/// <summary>The published Linux program, as a user without rights on a file system of which its data folder alone can be written.</summary>
[Trait("suite", "faults")]
public sealed class PublishTests : IDisposable
{
    private const string Nobody = "65534";

    // Everything but the data folder becomes read-only, in this namespace alone; then all rights are given up.
    private const string Confine = """
        set -euo pipefail
        data=$1; shift
        mount --make-rprivate /
        mount --bind "$data" "$data"
        while read -r _ point _; do
          point=$(printf %b "$point")
          [[ $point == "$data" ]] || mount -o remount,bind,ro "$point" 2>/dev/null || true
        done </proc/self/mounts
        exec setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all -- "$@"
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-publish-").FullName;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private string Data => Path.Combine(_folder, "data");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task It_serves_without_NET_without_rights_and_without_a_writable_disk_but_its_data_and_its_parts_are_listed()
    {
        var program = await PublishAsync();
        Directory.CreateDirectory(Data);
        await DoneAsync("chown", "-R", $"{Nobody}:{Nobody}", Data);
        await DoneAsync("chmod", "755", _folder);
        await using var simulator = await SimulatorHost.StartAsync();

        // That the confinement is one.
        Assert.Equal("denied", (await ConfinedAsync("sh", "-c", $"(true >{_folder}/x || true >/tmp/x || true >/var/tmp/x || true >/dev/shm/x) 2>/dev/null && echo wrote || echo denied")).Trim());
        Assert.Equal("65534", (await ConfinedAsync("sh", "-c", $"true >{Data}/x && rm {Data}/x && id -u")).Trim());

        using var serving = Process.Start(Confined(program, "serve", "--quickstart", "--data", Data, "--listen", "127.0.0.1:0", "--simulator", simulator.Url.AbsoluteUri))!;
        try
        {
            string? line;
            do
            {
                line = await serving.StandardOutput.ReadLineAsync(Stop).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Stop);
            }
            // The log speaks there too, before or after.
            while (line?.StartsWith("listening ", StringComparison.Ordinal) == false);
            Assert.True(line?.StartsWith("listening ", StringComparison.Ordinal), $"{line}\n{(line is null ? await serving.StandardError.ReadToEndAsync(Stop) : "")}");
            var url = new Uri(line!["listening ".Length..]);
            var keys = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(Data, "quickstart.json"), Stop)).RootElement;
            using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
            using var ask = new HttpRequestMessage(HttpMethod.Post, new Uri(url, "/v1/messages"))
            {
                Content = new StringContent("""{"model":"claude-sonnet-4-6","max_tokens":9,"messages":[{"role":"user","content":"from a small place"}]}""", System.Text.Encoding.UTF8, "application/json"),
                Headers = { { "x-api-key", keys.GetProperty("developer_key").GetString() }, { "anthropic-version", "2023-06-01" } },
            };
            using var answer = await http.SendAsync(ask, Stop);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync(Stop));
            Assert.Contains("Uid:\t65534\t65534\t65534\t65534", await File.ReadAllTextAsync($"/proc/{serving.Id}/status", Stop), StringComparison.Ordinal);
            Assert.Contains("CapEff:\t0000000000000000", await File.ReadAllTextAsync($"/proc/{serving.Id}/status", Stop), StringComparison.Ordinal);

            await DoneAsync("kill", "-TERM", $"{serving.Id}");
            await serving.WaitForExitAsync(Stop).WaitAsync(TimeSpan.FromSeconds(40), Stop);
            Assert.Equal(0, serving.ExitCode);
        }
        finally
        {
            if (!serving.HasExited)
                serving.Kill();
        }
        await PartsAsync(Path.GetDirectoryName(program)!);
    }

    private async Task<string> PublishAsync()
    {
        Component.Require(Environment.UserName == "root" && OperatingSystem.IsLinux(), "a user without rights and a mount namespace need root to be made");
        // As the documents say; what was built before is taken again.
        await DoneAsync(Repository.Path("deploy", "publish"), "--out", Path.Combine(_folder, "out"), "linux-x64");
        var program = Path.Combine(_folder, "out", "linux-x64", "demarc");
        // A program, SQLite's library and data: nothing of .NET that could be missing or be another.
        var files = Directory.GetFiles(Path.GetDirectoryName(program)!, "*", SearchOption.AllDirectories).Select(f => Path.GetRelativePath(Path.GetDirectoryName(program)!, f)).ToArray();
        Assert.DoesNotContain(files, f => f.EndsWith(".dll", StringComparison.Ordinal) || f.EndsWith(".pdb", StringComparison.Ordinal));
        Assert.Contains("libe_sqlite3.so", files);
        Assert.Contains(Path.Combine("catalog", "catalog.json"), files);
        return program;
    }

    // Every package of the lock files is in the list, with the hash that they have.
    private static async Task PartsAsync(string folder)
    {
        var list = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "demarc.cdx.json"), Stop)).RootElement;
        Assert.Equal(("CycloneDX", "1.6"), (list.GetProperty("bomFormat").GetString(), list.GetProperty("specVersion").GetString()));
        var parts = list.GetProperty("components").EnumerateArray().ToDictionary(c => $"{c.GetProperty("name")} {c.GetProperty("version")}", c => c.GetProperty("hashes")[0].GetProperty("content").GetString());
        var locked = JsonDocument.Parse(await File.ReadAllBytesAsync(Repository.Path("src", "Demarc", "packages.lock.json"), Stop)).RootElement.GetProperty("dependencies").GetProperty("net10.0").EnumerateObject()
            .Where(d => d.Value.GetProperty("type").GetString() != "Project" && d.Name != "Microsoft.CodeAnalysis.BannedApiAnalyzers").ToArray();
        Assert.True(locked.Length > 20);
        // The runtime brings some of them itself, newer than the package.
        var left = locked.Where(d => !parts.ContainsKey($"{d.Name} {d.Value.GetProperty("resolved").GetString()}")).Select(d => d.Name).ToArray();
        Assert.All(left, name => Assert.StartsWith("System.", name, StringComparison.Ordinal));
        Assert.True(left.Length < 5, string.Join(", ", left));
        Assert.Contains(parts.Keys, p => p.StartsWith("Microsoft.NETCore.App.Runtime.linux-x64 10.", StringComparison.Ordinal));
        Assert.All(parts.Values, hash => Assert.Equal(128, hash!.Length));
        Assert.Empty((await RunAsync(new ProcessStartInfo("sha256sum", ["--check", "--quiet", "SHA256SUMS"]) { WorkingDirectory = folder })).Trim());
    }

    private ProcessStartInfo Confined(params string[] command) =>
        new("unshare", ["--mount", "bash", "-c", Confine, "confine", Data, .. command]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/", Environment = { ["HOME"] = "/nonexistent", ["DOTNET_EnableDiagnostics"] = "0" } };

    private Task<string> ConfinedAsync(params string[] command) => RunAsync(Confined(command));

    private static Task<string> DoneAsync(string program, params string[] arguments) => RunAsync(new ProcessStartInfo(program, arguments));

    private static async Task<string> RunAsync(ProcessStartInfo start)
    {
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync(Stop);
        var output = await process.StandardOutput.ReadToEndAsync(Stop);
        await process.WaitForExitAsync(Stop);
        Assert.True(process.ExitCode == 0, $"{start.FileName}: {output}{await errors}");
        return output;
    }
}
