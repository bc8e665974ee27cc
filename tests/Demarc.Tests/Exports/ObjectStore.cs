using System.Diagnostics;
using Demarc.Control.Exports;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>A real object store from npm, azurite or s3rver, on a free port with a folder of its own.</summary>
internal sealed class ObjectStore : IAsyncDisposable
{
    private const string Suffix = "._S3rver_object";

    private readonly string _folder;
    private readonly ProcessStartInfo _start;
    private Process _process;

    private ObjectStore(string folder, ProcessStartInfo start, int port) => (_folder, _start, _process, Port) = (folder, start, Run(start), port);

    public int Port { get; }

    /// <summary>Where it keeps what it was given.</summary>
    public string Folder => _folder;

    /// <param name="file">The program, under <c>node_modules</c>.</param>
    /// <param name="arguments">Of a folder and a port.</param>
    public static async Task<ObjectStore> StartAsync(string file, Func<string, int, string[]> arguments, params (string Name, string Value)[] environment)
    {
        var program = Component.Npm(file);
        Component.Require(OnPath("node"), "Node.js is not installed");
        var folder = Directory.CreateTempSubdirectory("demarc-objects-").FullName;
        var port = Ports.Free();
        var start = new ProcessStartInfo("node", [program, .. arguments(folder, port)]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = folder };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var store = new ObjectStore(folder, start, port);
        await Ports.AnswersAsync(port, store._process);
        return store;
    }

    /// <summary>s3rver with the bucket <c>audit</c>.</summary>
    public static Task<ObjectStore> S3Async() => StartAsync(
        "s3rver/bin/s3rver.js", (folder, port) => ["-d", folder, "-a", "127.0.0.1", "-p", $"{port}", "-s", "--no-vhost-buckets", "--configure-bucket", "audit"]);

    /// <summary>azurite with an account of that key.</summary>
    public static Task<ObjectStore> AzuriteAsync(string account, byte[] key) => StartAsync(
        "azurite/dist/src/blob/main.js",
        (folder, port) => ["--silent", "--disableTelemetry", "--blobHost", "127.0.0.1", "--blobPort", $"{port}", "--location", folder, "--skipApiVersionCheck"],
        ("AZURITE_ACCOUNTS", $"{account}:{Convert.ToBase64String(key)}"));

    /// <summary>Events of a test, archived in the bucket.</summary>
    public S3Destination Bucket(string prefix, string secret = "S3RVER") => new(prefix)
    {
        Name = "siem",
        Url = new Uri($"http://127.0.0.1:{Port}/audit"),
        Place = ExportPlace.Out() with { Credential = new AwsKeyCredential("S3RVER", new Secret(secret)), Service = S3Archive.Service, Region = "us-east-1" },
        Types = ["test_event"],
    };

    /// <summary>What is in the bucket.</summary>
    public async Task<Dictionary<string, byte[]>> ObjectsAsync()
    {
        var (bucket, objects) = (Path.Combine(_folder, "audit"), new Dictionary<string, byte[]>());
        foreach (var file in Directory.GetFiles(bucket, "*" + Suffix, SearchOption.AllDirectories))
            objects[Path.GetRelativePath(bucket, file)[..^Suffix.Length]] = await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken);
        return objects;
    }

    /// <summary>As <c>kill -9</c>.</summary>
    public async Task KillAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        _process.Dispose();
    }

    /// <summary>Starts it anew, where it was and with what it had.</summary>
    public Task RestartAsync() => Ports.AnswersAsync(Port, _process = Run(_start));

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static Process Run(ProcessStartInfo start)
    {
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        return process;
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
