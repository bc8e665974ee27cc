using System.Net;
using Demarc.Control.Configuration;
using Demarc.Proxy.Refusals;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;

namespace Demarc.Serving;

/// <summary>Where the server listens, and which of its surfaces answers there.</summary>
internal static class Listeners
{
    private sealed record Surface(bool Data, bool Control, bool Directory);

    private static readonly Surface Both = new(true, true, true);
    private static readonly Surface DirectoryOnly = new(false, false, true);

    /// <exception cref="ServeException"><c>--listen</c> is no address.</exception>
    public static void Add(KestrelServerOptions kestrel, DemarcConfig config, string? asked, TlsCertificate? tls)
    {
        var apart = config.AdminListen.Length > 0;
        var directory = config.Scim?.Listen ?? [];
        // A directory asks where administration does, unless it has an address of its own.
        var data = new Surface(true, !apart, !apart && directory.Length == 0);
        var control = new Surface(false, true, directory.Length == 0);
        foreach (var endpoint in asked is null ? config.Listen.Select(l => l.ToEndPoint()) : [Parse(asked)])
            Add(kestrel, endpoint, data, tls);
        foreach (var endpoint in config.AdminListen)
            Add(kestrel, endpoint.ToEndPoint(), control, tls);
        foreach (var endpoint in directory)
            Add(kestrel, endpoint.ToEndPoint(), DirectoryOnly, tls);
    }

    /// <summary>Refuses what the listener of the request does not serve. Probes answer on every listener.</summary>
    public static Task HandleAsync(HttpContext http, RequestDelegate next)
    {
        var surface = http.Features.Get<Surface>() ?? Both;
        if (surface == Both)
            return next(http);
        if (Routes.IsOpen(http.Request) || (Routes.IsDirectory(http.Request.Path) ? surface.Directory : Routes.IsControl(http.Request.Path) ? surface.Control : surface.Data))
            return next(http);
        if (Routes.IsDirectory(http.Request.Path) || surface == DirectoryOnly)
            return ErrorEnvelope.WriteAsync(http, StatusCodes.Status404NotFound, "not_found_error", surface == DirectoryOnly
                ? "This address is for a directory's provisioning (/scim/v2) alone."
                : "Provisioning is not served at this address: use the one that scim.listen or admin_listen names.");
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
