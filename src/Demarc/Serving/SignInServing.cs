using Demarc.Control.Configuration;
using Demarc.Control.Identity.Saml;
using Demarc.Control.Identity.Scim;
using Demarc.Control.Identity.SignIn;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Refusals;
using Demarc.Storage;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;

namespace Demarc.Serving;

/// <summary>People's sign-in, where the configuration has <c>identity</c>.</summary>
internal static class SignInServing
{
    /// <summary>Adds it, and what clients ask for with a key too: their managed settings.</summary>
    public static void AddSignIn(this IServiceCollection services, DemarcConfig config, Store store, string organizationId, MasterKey master, TimeProvider time)
    {
        services.AddSingleton(s => new ManagedSettingsEndpoints(s.GetRequiredService<ISnapshotSource>(), () => Url(config, s)));
        if (config.Identity is not { } identity)
            return;
        services.AddSingleton(s => new SignInService(
            identity, store, organizationId, master, new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) },
            () => Url(config, s), time, s.GetRequiredService<ISnapshotSource>(), config.Seats));
        services.AddSingleton<SignInCompletion>();
        services.AddSingleton<DeviceEndpoints>();
        services.AddSingleton<SamlEndpoints>();
        services.AddSingleton<TokenEndpoints>();
        services.AddSingleton<SignInRecheck>();
        services.AddHostedService<RecheckSchedule>();
    }

    /// <summary>Where clients find the gateway; to be asked when it listens.</summary>
    public static Uri Url(DemarcConfig config, IServiceProvider services) =>
        config.PublicUrl ?? new Uri(services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>Takes what a reload says of sign-in, seats, directories and the tokens of others.</summary>
    public static Task UseIdentityAsync(this WebApplication app, DemarcConfig next)
    {
        app.Services.GetService<SignInService>()?.Use(next.Identity, next.Seats);
        app.Services.GetService<ScimEndpoints>()?.Use(next.Scim);
        return app.UseTokensAsync(next);
    }

    public static void MapSignIn(this WebApplication app)
    {
        if (app.Services.GetService<SignInService>() is not { } signIn)
            return;
        var devices = app.Services.GetRequiredService<DeviceEndpoints>();
        var tokens = app.Services.GetRequiredService<TokenEndpoints>();
        var snapshots = app.Services.GetRequiredService<ISnapshotSource>();
        app.MapGet("/.well-known/oauth-authorization-server", Guarded(tokens.DiscoverAsync));
        app.MapGet("/.well-known/jwks.json", Guarded(tokens.KeysAsync));
        app.MapPost("/oauth/device_authorization", Guarded(devices.AuthorizeAsync));
        app.MapPost("/oauth/token", Guarded(tokens.TokenAsync));
        app.MapPost("/oauth/revoke", Guarded(tokens.RevokeAsync));
        app.MapGet("/device", Guarded(devices.PageAsync));
        app.MapPost("/device", Guarded(devices.SubmitAsync));
        app.MapGet("/oauth/callback", Guarded(devices.CallbackAsync));
        var saml = app.Services.GetRequiredService<SamlEndpoints>();
        app.MapGet("/saml/metadata", Guarded(WithSaml(saml.MetadataAsync)));
        app.MapPost("/saml/acs", Guarded(WithSaml(saml.AnswerAsync)));
        app.MapGet("/saml/finish", Guarded(WithSaml(saml.FinishAsync)));
        app.MapGet("/protocol", Guarded(ClientEndpoints.ProtocolAsync));

        // A provider can come and go while the process runs.
        RequestDelegate WithSaml(RequestDelegate endpoint) => http => signIn.HasSaml ? endpoint(http)
            : ErrorEnvelope.WriteAsync(http, 404, "not_found_error", "No identity provider of SAML is configured here (identity.saml).");

        RequestDelegate Guarded(RequestDelegate endpoint) => http =>
        {
            http.Response.Headers.CacheControl = "no-store";
            return snapshots.Current.Network.Refuse(http.Connection.RemoteIpAddress, "this gateway") is { } denied
                ? ErrorEnvelope.WriteAsync(http, 403, "permission_error", denied.Message)
                : endpoint(http);
        };
    }
}
