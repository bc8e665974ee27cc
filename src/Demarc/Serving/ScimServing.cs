using Demarc.Control.Configuration;
using Demarc.Control.Identity.Scim;
using Demarc.Governance;
using Demarc.Storage;

namespace Demarc.Serving;

/// <summary>A directory's provisioning, where the configuration has <c>scim</c>.</summary>
internal static class ScimServing
{
    private const string Scim = ScimEndpoints.Prefix;

    public static void AddScim(this IServiceCollection services, ScimConfig? config, string organizationId)
    {
        if (config is not null)
            services.AddSingleton(s => new ScimEndpoints(
                config, s.GetRequiredService<Store>(), organizationId, s.GetRequiredService<ISnapshotSource>(),
                s.GetRequiredService<ILogger<ScimEndpoints>>()));
    }

    public static void MapScim(this WebApplication app)
    {
        if (app.Services.GetService<ScimEndpoints>() is not { } scim)
            return;
        foreach (var (kind, groups) in new[] { ("/Users", false), ("/Groups", true) })
        {
            app.MapGet(Scim + kind, http => scim.ListAsync(http, groups));
            app.MapPost(Scim + kind, http => scim.ResourceAsync(http, groups));
            app.MapPost(Scim + kind + "/.search", http => scim.SearchAsync(http, groups));
            app.MapMethods(Scim + kind + "/{id}", ["GET", "PUT", "PATCH", "DELETE"], http => scim.ResourceAsync(http, groups));
        }
        app.MapPost(Scim + "/Bulk", scim.BulkAsync);
        app.MapGet(Scim + "/ServiceProviderConfig", scim.ConfigAsync);
        app.MapGet(Scim + "/Schemas", scim.SchemasAsync);
        app.MapGet(Scim + "/Schemas/{id}", scim.SchemasAsync);
        app.MapGet(Scim + "/ResourceTypes", scim.ResourceTypesAsync);
        app.MapGet(Scim + "/ResourceTypes/{id}", scim.ResourceTypesAsync);
        app.Map("/scim/{**rest}", scim.NothingAsync);
    }
}
