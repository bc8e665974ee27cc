using Demarc.Control.Configuration;
using Demarc.Control.Identity.Tokens;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Proxy.Refusals;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Tokens of others: Entra ID's as credentials, and workloads' traded for Demarc's, where the configuration has them.</summary>
internal static class TokenServing
{
    public static void AddTokens(this IServiceCollection services, DemarcConfig config, Store store, string organizationId, MasterKey master, ILoggerFactory loggers)
    {
        if (config.Entra.Length == 0 && config.Federation.Rules.Length == 0)
            return;
        var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = TimeSpan.FromSeconds(20),
            MaxResponseContentBufferSize = 1 << 20,
        };
        if (config.Entra.Length > 0)
            store.Principals.Foreign = new EntraTokens(config.Entra, store, organizationId, http, loggers.CreateLogger<EntraTokens>()).VerifyAsync;
        if (config.Federation.Rules.Length == 0)
            return;
        services.AddSingleton(s => new FederationEndpoints(
            new Federation(config.Federation, store, organizationId, master, http, () => SignInServing.Url(config, s)), store, organizationId, loggers.CreateLogger<FederationEndpoints>()));
    }

    public static void MapFederation(this WebApplication app)
    {
        if (app.Services.GetService<FederationEndpoints>() is not { } federation)
            return;
        var snapshots = app.Services.GetRequiredService<ISnapshotSource>();
        var time = app.Services.GetRequiredService<TimeProvider>();
        app.MapPost("/v1/oauth/token", async http =>
        {
            var id = Ids.New(Ids.Request, time);
            (http.Response.Headers["request-id"], http.Response.Headers["demarc-request-id"], http.Response.Headers.CacheControl) = (id, id, "no-store");
            if (snapshots.Current.Network.Refuse(http.Connection.RemoteIpAddress, "this gateway") is { } denied)
                await ErrorEnvelope.WriteAsync(http, 403, "permission_error", denied.Message, id);
            else
                await ComplianceGate.WriteAsync(http, id, await federation.TokenAsync(http, id));
        });
    }
}
