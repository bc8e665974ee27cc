using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Demarc.Bench.Servers;

/// <summary>Runs programs to their end, and finds free ports for those that cannot say which one they took.</summary>
internal static class Commands
{
    /// <summary>What it wrote to its output.</summary>
    /// <exception cref="BenchException">It ended with a code other than 0.</exception>
    public static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = "/" };
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new BenchException($"{program} failed: {error}{await output}");
    }

    public static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }
}
