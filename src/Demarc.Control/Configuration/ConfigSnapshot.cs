using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;

namespace Demarc.Control.Configuration;

/// <summary>The configuration as the request path reads it.</summary>
public static class ConfigSnapshot
{
    /// <param name="configurationHash"><see cref="ConfigResult.Hash"/> of the reading.</param>
    /// <param name="day">Whose view of each data path holds; null for the newest.</param>
    public static GatewaySnapshot Build(DemarcConfig config, Catalog catalog, string configurationHash, DateOnly? day = null)
    {
        var resources = config.Resources.Select(r => Resource(r, catalog)).ToArray();
        foreach (var (resource, written) in resources.Zip(config.Resources))
        {
            foreach (var (deployment, facts) in resource.Deployments.Zip(written.Deployments, (d, w) => (d, w.Facts)))
                deployment.Boundary = Boundary.Of(catalog, deployment, day ?? DateOnly.MaxValue, [.. Declared(config, deployment), .. written.Facts, .. facts]);
        }
        var deployments = resources.SelectMany(r => r.Deployments).ToDictionary(d => d.FullName);
        return new GatewaySnapshot
        {
            Resources = resources,
            Aliases = [.. config.Aliases.Select(a => new AliasSnapshot(
                a.Name, [.. a.Targets.Select(t => new AliasTarget(deployments[t.Deployment], t.Tier, t.Weight))], $"{config.File}:{a.Line}") { Failover = a.Failover })],
            Policies = [.. config.Policies.Select((p, i) => new PolicySnapshot($"policies[{i}]", p.Groups, p.Users, p.Models, p.Capture)
            {
                Organizations = p.Organizations,
                Limits = p.Limits,
                RateLimits = p.RateLimits,
                Workspaces = p.Workspaces,
                Projects = p.Projects,
                Classifications = p.Classifications,
                Require = p.Require,
                Deny = p.Deny,
                Settings = p.Settings,
                Desktop = p.Desktop,
                Retention = p.Retention,
                CaptureAlso = p.CaptureAlso,
            })],
            Agreements = config.Agreements,
            Catalog = catalog,
            PolicyHash = PolicyHash(config.Policies),
            ConfigurationHash = configurationHash,
            MaxBodyBytes = config.MaxBodyBytes,
            Network = config.Network,
            RefusalText = config.Refusals,
            NamesPeople = config.NamesPeople,
            Roles = config.Roles,
            Approvals = config.Approvals,
            IsStrict = config.IsStrict,
            ServesInOutage = config.ServesInOutage,
            SmallestGroup = config.SmallestGroup,
            Retention = config.Retention.Periods,
        };
    }

    // What holds for a platform, then what holds for its hosting.
    private static IEnumerable<FactDeclaration> Declared(DemarcConfig config, DeploymentSnapshot deployment) =>
        config.Facts
            .Where(f => f.Platform == deployment.Resource.Platform && (f.Hosting is null || f.Hosting == deployment.Hosting))
            .OrderBy(f => f.Hosting is not null)
            .SelectMany(f => f.Facts);

    private static ResourceSnapshot Resource(ResourceConfig config, Catalog catalog)
    {
        var resource = new ResourceSnapshot
        {
            Name = config.Name,
            Platform = config.Platform,
            Endpoint = config.Endpoint,
            Region = config.Region,
            Agreements = config.Agreements,
            Credential = config.Credential,
            Form = config.Form,
            Project = config.Project,
            Workspace = config.Workspace,
            Proxy = config.Proxy,
            CertificateAuthorities = config.CertificateAuthorities,
            Network = config.Network,
            Management = config.Management,
            Capture = config.Capture ?? CaptureMode.Full,
            Rates = [.. config.Rates.Select(r => RateSection.Of(r, catalog))],
        };
        resource.Deployments = [.. config.Deployments.Select(d => new DeploymentSnapshot
        {
            Resource = resource,
            Name = d.Name,
            Model = d.Model,
            Scope = d.Scope,
            Hosting = d.Hosting,
            RateLimit = d.RateLimit,
        })];
        return resource;
    }

    /// <summary>Over what the policies say, not how they are written: comments, order of keys and quotes do not count.</summary>
    private static string PolicyHash(PolicyConfig[] policies)
    {
        using var canonical = new MemoryStream();
        using (var json = new Utf8JsonWriter(canonical))
        {
            json.WriteStartArray();
            foreach (var policy in policies)
            {
                json.WriteStartObject();
                json.WriteString("capture", policy.Capture?.ToString().ToLowerInvariant());
                if (policy.CaptureAlso is { } also)
                    json.WriteNumber("capture_also", (int)also);
                if (policy.Classifications.Length > 0)
                    Names("classifications", policy.Classifications);
                if (!policy.Deny.IsEmpty)
                    Write("deny", policy.Deny);
                Names("groups", policy.Groups);
                if (policy.Limits.Length > 0)
                    Write("limits", policy.Limits);
                Names("models", policy.Models);
                Names("organizations", policy.Organizations);
                if (policy.Projects.Length > 0)
                    Names("projects", policy.Projects);
                if (policy.RateLimits.Length > 0)
                    Write("rates", policy.RateLimits);
                if (!policy.Require.IsEmpty)
                    Write("require", policy.Require);
                if (policy.Desktop is not null)
                    json.WriteString("desktop", policy.Desktop);
                if (policy.Retention != RetentionPeriods.None)
                    Write("retention", policy.Retention);
                if (policy.Settings is not null)
                    json.WriteString("settings", policy.Settings);
                Names("users", policy.Users);
                if (policy.Workspaces.Length > 0)
                    Names("workspaces", policy.Workspaces);
                json.WriteEndObject();
            }
            json.WriteEndArray();

            void Write<T>(string key, T value)
            {
                json.WritePropertyName(key);
                JsonSerializer.Serialize(json, value);
            }

            void Names(string key, string[]? names)
            {
                if (names is null)
                {
                    json.WriteNull(key);
                    return;
                }
                json.WriteStartArray(key);
                foreach (var name in names)
                    json.WriteStringValue(name);
                json.WriteEndArray();
            }
        }
        return "sha256:" + Convert.ToHexStringLower(SHA256.HashData(canonical.ToArray()));
    }
}
