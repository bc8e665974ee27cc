using System.IO.Pipelines;
using Demarc.Simulator.Logging;
using Demarc.Simulator.Management;
using Demarc.Simulator.Messages;
using Demarc.Simulator.Scripts;
using Demarc.Simulator.Tokens;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.ObjectPool;

namespace Demarc.Simulator;

/// <summary>
/// Takes requests straight from Kestrel, without the web host's routing and diagnostics: what a benchmark measures
/// against this should be the gateway's time, not ours.
/// </summary>
internal sealed class SimulatorApplication(SimulatorOptions options, SimulatorLog log, SimulatorScript script, SimulatorTokens tokens, SimulatorManagement management) : IHttpApplication<HttpContext>
{
    private readonly Responder _responder = new(options, script, tokens, management);
    private readonly ObjectPool<WireAnswer> _answers = ObjectPool.Create<WireAnswer>();

    public HttpContext CreateContext(IFeatureCollection contextFeatures) => new DefaultHttpContext(contextFeatures);

    public void DisposeContext(HttpContext context, Exception? exception)
    {
    }

    public Task ProcessRequestAsync(HttpContext context) =>
        AdminEndpoints.Owns(context.Request.Path) ? AdminEndpoints.AnswerAsync(context, log, script, management) : AnswerAsync(context);

    private async Task AnswerAsync(HttpContext http)
    {
        using var exchange = new Exchange(http, options.Time, log);
        var wire = _answers.Get();
        try
        {
            wire.Reset();
            await exchange.ReadAsync();
            var rule = _responder.Compose(exchange, wire);
            await Playback.SendAsync(exchange, wire, rule, options.LatencyMs);
        }
        catch (Exception left) when (left is OperationCanceledException or IOException or ConnectionAbortedException)
        {
            // The client went away while its body was read or its answer sent; there is no one left to tell.
            exchange.End(RequestOutcome.ClientGone);
        }
        finally
        {
            _answers.Return(wire);
        }
    }
}
