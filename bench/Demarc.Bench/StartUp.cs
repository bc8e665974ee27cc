using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Demarc.Bench.Report;
using Demarc.Bench.Servers;

namespace Demarc.Bench;

/// <summary>From the start of the process to the first 200 of <c>/readyz</c>: on an empty folder once, then on what that left.</summary>
internal static class StartUp
{
    private const int Runs = 5;

    public static async Task RunAsync(Workbench bench, BenchResult result)
    {
        var folder = Path.Combine(bench.Folder, "startup");
        for (var run = 0; run <= Runs; run++)
        {
            var port = Commands.FreePort();
            await using var server = DemarcServer.Launch(bench.Programs, "demarc-startup", folder, bench.Simulator.Url, port: port);
            var ms = Ready(server.Process, port);
            if (run == 0)
                result.FirstStartMs = ms;
            else
                result.StartMs.Add(ms);
        }
    }

    private static double Ready(ServerProcess process, int port)
    {
        var buffer = new byte[4096];
        while (Stopwatch.GetElapsedTime(process.Started) < TimeSpan.FromSeconds(30))
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            try
            {
                socket.Connect(new IPEndPoint(IPAddress.Loopback, port));
                socket.Send("GET /readyz HTTP/1.1\r\nhost: localhost\r\n\r\n"u8);
                var read = socket.Receive(buffer);
                if (buffer.AsSpan(0, read).StartsWith("HTTP/1.1 200 "u8))
                    return Stopwatch.GetElapsedTime(process.Started).TotalMilliseconds;
            }
            catch (SocketException)
            {
                // Not listening yet.
            }
            process.MustLive();
            Thread.Sleep(3);
        }
        throw new BenchException("Demarc was not ready within 30 seconds.");
    }
}
