using Demarc.Control.Configuration;
using Demarc.Control.Identity.Tokens;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Proxy.Refusals;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>Tokens of others: Entra ID's as credentials, and workloads' traded for Demarc's, as the configuration has them.</summary>
internal static class TokenServing
{
    public static void AddTokens(this IServiceCollection services, DemarcConfig config, Store store, string organizationId, MasterKey master, ILoggerFactory loggers)
    {
        var http = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) })
        {
            Timeout = TimeSpan.FromSeconds(20),
            MaxResponseContentBufferSize = 1 << 20,
        };
        services.AddSingleton(new EntraTokens(store, organizationId, http, loggers.CreateLogger<EntraTokens>()));
        services.AddSingleton(s => new Federation(store, organizationId, master, http, () => SignInServing.Url(config, s)));
        services.AddSingleton(s => new FederationEndpoints(s.GetRequiredService<Federation>(), store, organizationId, loggers.CreateLogger<FederationEndpoints>()));
    }

    /// <summary>Takes what the configuration says of tenants, issuers and rules, at the start and at a reload.</summary>
    public static Task UseTokensAsync(this WebApplication app, DemarcConfig next)
    {
        app.Services.GetRequiredService<Federation>().Use(next.Federation);
        return app.Services.GetRequiredService<EntraTokens>().UseAsync(next.Entra);
    }

    public static void MapFederation(this WebApplication app)
    {
        var federation = app.Services.GetRequiredService<FederationEndpoints>();
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
