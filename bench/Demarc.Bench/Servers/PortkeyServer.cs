using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Demarc.Bench.Servers;

/// <summary>Portkey's open gateway (npm's @portkey-ai/gateway): forwards, with no identity, limit or record.</summary>
internal static class PortkeyServer
{
    public static async Task<(ServerProcess Process, Uri Url)> StartAsync(string gateways)
    {
        var port = Commands.FreePort();
        var process = ServerProcess.Start(
            Target.Portkey, "node", [Path.Combine(gateways, "node_modules", "@portkey-ai", "gateway", "build", "start-server.js"), "--port=" + port.ToString(CultureInfo.InvariantCulture), "--headless"],
            environment: new Dictionary<string, string> { ["NODE_ENV"] = "production" });
        await process.ReadyAsync(async () =>
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, port);
        });
        return (process, new Uri($"http://127.0.0.1:{port}"));
    }

    public static string[] Headers(Uri upstream) =>
        [Target.Key("simulator"), "x-portkey-provider: anthropic", $"x-portkey-custom-host: {upstream.AbsoluteUri.TrimEnd('/')}/v1"];
}
