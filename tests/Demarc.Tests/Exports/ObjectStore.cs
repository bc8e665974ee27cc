using System.Diagnostics;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>A real object store from npm, azurite or s3rver, on a free port with a folder of its own.</summary>
internal sealed class ObjectStore : IAsyncDisposable
{
    private readonly string _folder;
    private readonly Process _process;

    private ObjectStore(string folder, Process process, int port) => (_folder, _process, Port) = (folder, process, port);

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
        var process = Process.Start(start)!;
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        await Ports.AnswersAsync(port, process);
        return new ObjectStore(folder, process, port);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(TestContext.Current.CancellationToken);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(folder => File.Exists(Path.Combine(folder, program)));
}
