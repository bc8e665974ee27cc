using System.Net;
using Demarc.Control.Configuration;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Demarc.Serving;

/// <summary>Where the server listens, and which of its two surfaces answers there.</summary>
internal static class Listeners
{
    private sealed record Surface(bool Data, bool Control);

    private static readonly Surface Both = new(true, true);
    private static readonly Surface DataOnly = new(true, false);
    private static readonly Surface ControlOnly = new(false, true);

    /// <exception cref="ServeException"><c>--listen</c> is no address.</exception>
    public static void Add(KestrelServerOptions kestrel, DemarcConfig config, string? asked, TlsCertificate? tls)
    {
        var apart = config.AdminListen.Length > 0;
        foreach (var endpoint in asked is null ? config.Listen.Select(l => l.ToEndPoint()) : [Parse(asked)])
            Add(kestrel, endpoint, apart ? DataOnly : Both, tls);
        foreach (var endpoint in config.AdminListen)
            Add(kestrel, endpoint.ToEndPoint(), ControlOnly, tls);
    }

    /// <summary>Refuses what the listener of the request does not serve. Probes answer on every listener.</summary>
    public static Task HandleAsync(HttpContext http, RequestDelegate next)
    {
        var surface = http.Features.Get<Surface>() ?? Both;
        if (Routes.IsOpen(http.Request) || (Routes.IsControl(http.Request.Path) ? surface.Control : surface.Data))
            return next(http);
        return ErrorEnvelope.WriteAsync(http, StatusCodes.Status404NotFound, "not_found_error", surface.Control
            ? "This address is for administration and audit. Models are asked at the gateway's own address: check the base URL with your administrator."
            : "Administration and audit are not served at this address: use the one that admin_listen names.");
    }

    private static IPEndPoint Parse(string asked) =>
        IPEndPoint.TryParse(asked, out var parsed) ? parsed
        : throw new ServeException($"--listen {asked}: give an IP address and a port, for example 127.0.0.1:8443.");

    private static void Add(KestrelServerOptions kestrel, IPEndPoint endpoint, Surface surface, TlsCertificate? tls) =>
        kestrel.Listen(endpoint, listen =>
        {
            listen.Protocols = tls is null ? HttpProtocols.Http1 : HttpProtocols.Http1AndHttp2;
            if (tls is not null)
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = _ => ValueTask.FromResult(tls.ServerOptions()) });
            listen.Use(next => connection =>
            {
                connection.Features.Set(surface);
                return next(connection);
            });
        });
}
