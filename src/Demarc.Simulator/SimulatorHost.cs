using System.Net;
using Demarc.Simulator.Logging;
using Demarc.Simulator.Management;
using Demarc.Simulator.Scripts;
using Demarc.Simulator.Tokens;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Options;

namespace Demarc.Simulator;

/// <summary>
/// Foundry, the Anthropic API, Bedrock and Vertex AI as their clients see them, on one loopback port.
/// Foundry answers under <c>/anthropic</c> and <c>/{anything}/anthropic</c>, the Anthropic API under <c>/v1</c>
/// and <c>/{anything}/v1</c>, Bedrock under <c>/model</c> and Vertex AI under <c>/projects</c> and <c>/v1/projects</c>.
/// </summary>
public sealed class SimulatorHost : IAsyncDisposable
{
    private readonly KestrelServer _server;

    private SimulatorHost(KestrelServer server, SimulatorLog log, SimulatorScript script, SimulatorTokens tokens)
    {
        _server = server;
        Log = log;
        Script = script;
        Tokens = tokens;
    }

    /// <summary>Base address, without a path: <c>http://127.0.0.1:PORT</c>.</summary>
    public Uri Url { get; private set; } = null!;

    /// <summary>Every request received, byte for byte.</summary>
    public SimulatorLog Log { get; }

    /// <summary>Rules that change answers and timing, or make them fail.</summary>
    public SimulatorScript Script { get; }

    /// <summary>What the simulated sign-in services gave out, and whether platforms ask for it.</summary>
    public SimulatorTokens Tokens { get; }

    /// <summary>What the simulated management APIs say that there is.</summary>
    public SimulatorManagement Management { get; } = new();

    /// <summary>Starts listening; throws <see cref="FormatException"/> for a listen address that is not <c>IP:PORT</c>.</summary>
    public static async Task<SimulatorHost> StartAsync(SimulatorOptions? options = null)
    {
        options ??= new SimulatorOptions();
        var endpoint = IPEndPoint.Parse(options.Listen);
        var log = new SimulatorLog(options.KeepLog, options.LogRequests, options.LogBytes);
        var script = new SimulatorScript();
        var tokens = new SimulatorTokens(options.Time);

        var kestrel = new KestrelServerOptions
        {
            AddServerHeader = false,
            ApplicationServices = options.Certificate is null ? new ServiceCollection().AddSingleton(options.Logging).BuildServiceProvider() : HttpsServices(),
        };
        kestrel.Limits.MaxRequestBodySize = null;
        // Scripts make answers slow on purpose; the server's own patience must not cut them.
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Listen(endpoint, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (options.Certificate is { } certificate)
                listen.UseHttps(certificate);
            if (options.KeepLog)
                listen.Use(RequestHeadTap.Attach);
        });

        var transport = new SocketTransportFactory(Options.Create(new SocketTransportOptions()), options.Logging);
        var server = new KestrelServer(Options.Create(kestrel), transport, options.Logging);
        var host = new SimulatorHost(server, log, script, tokens);
        await server.StartAsync(new SimulatorApplication(options, log, script, tokens, host.Management), CancellationToken.None);
        host.Url = new Uri(server.Features.Get<IServerAddressesFeature>()!.Addresses.First());
        return host;
    }

    // What Kestrel needs for HTTPS is not public; a web application's services hold it.
    private static IServiceProvider HttpsServices()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        return builder.Build().Services;
    }

    public async ValueTask DisposeAsync()
    {
        // Answers that hang by script never end by themselves: a cancelled stop aborts their connections.
        await _server.StopAsync(new CancellationToken(canceled: true));
        _server.Dispose();
    }
}
