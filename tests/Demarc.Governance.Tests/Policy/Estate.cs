using System.Text;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Tests.Boundaries;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

/// <summary>An organization's deployments on every platform, on the shipped catalog, and a developer who asks for them.</summary>
internal sealed class Estate
{
    public static readonly DateTimeOffset Now = new(2026, 11, 22, 12, 0, 0, TimeSpan.Zero);

    public static readonly Principal Developer = Person("user_1", "payments");

    public static readonly string[] All =
    [
        "foundry-us/sonnet-azure", "foundry-us/sonnet-us", "foundry-us/sonnet-anthropic", "foundry-eu/sonnet-azure", "direct/sonnet", "direct/sonnet-us",
        "direct/fable", "aws/sonnet", "bedrock-eu/sonnet", "bedrock-eu/sonnet-eu", "bedrock-eu/sonnet-ireland", "google/sonnet-eu", "google/sonnet",
    ];

    public List<PolicySnapshot> Policies { get; } = [];

    public List<AgreementSnapshot> Agreements { get; } = [];

    public List<FactDeclaration> Facts { get; } = [];

    public FailoverScope Failover { get; set; } = FailoverScope.Any;

    /// <summary>The policies hold for everyone.</summary>
    public Estate Require(Requirements require, Denials? deny = null, string[]? models = null)
    {
        Policies.Add(new PolicySnapshot($"policies[{Policies.Count}]", [], [], models, null) { Require = require, Deny = deny ?? Denials.None });
        return this;
    }

    public Estate Agree(string name, string party, Addendum? zdr = null, Addendum? baa = null, DateTimeOffset? until = null, params string[] scope)
    {
        Agreements.Add(new AgreementSnapshot(name, $"agreements[{Agreements.Count}]", party, null, scope, null, until, zdr, baa, null, null, null));
        return this;
    }

    public Estate Declare(string fact, string value, string? agreement = null)
    {
        Facts.Add(new FactDeclaration(FactName.All[fact], [value], "as agreed", "facts", agreement, null));
        return this;
    }

    /// <summary>Every deployment stands under the alias <c>all</c>, one tier each.</summary>
    public GatewaySnapshot Snapshot()
    {
        string[] agreements = [.. Agreements.Select(a => a.Name)];
        ResourceSnapshot[] resources =
        [
            Resource("foundry-us", Platform.Foundry, "eastus2", ("sonnet-azure", "global", Hosting.Azure), ("sonnet-us", "data-zone:us", Hosting.Azure), ("sonnet-anthropic", "global", Hosting.Anthropic)),
            Resource("foundry-eu", Platform.Foundry, "swedencentral", ("sonnet-azure", "global", Hosting.Azure)),
            Resource("direct", Platform.Anthropic, null, ("sonnet", "global", Hosting.Anthropic), ("sonnet-us", "data-zone:us", Hosting.Anthropic), ("fable", "global", Hosting.Anthropic)),
            Resource("aws", Platform.AnthropicAws, "us-west-2", ("sonnet", "global", Hosting.Anthropic)),
            Resource("bedrock-eu", Platform.Bedrock, "eu-west-1", ("sonnet", "global", Hosting.Aws), ("sonnet-eu", "data-zone:eu", Hosting.Aws), ("sonnet-ireland", "region:eu-west-1", Hosting.Aws)),
            Resource("google", Platform.Vertex, "eu", ("sonnet-eu", "data-zone:eu", Hosting.Google), ("sonnet", "global", Hosting.Google)),
        ];
        var deployments = resources.SelectMany(r => r.Deployments).ToArray();
        return new GatewaySnapshot
        {
            Resources = resources,
            Aliases = [new AliasSnapshot("all", [.. deployments.Select((d, i) => new AliasTarget(d, i, 1))]) { Failover = Failover }],
            Policies = [.. Policies],
            Agreements = [.. Agreements],
            Catalog = CatalogFile.Shipped,
            PolicyHash = "sha256:p",
            ConfigurationHash = "sha256:c",
            MaxBodyBytes = 1,
        };

        ResourceSnapshot Resource(string name, Platform platform, string? region, params (string Name, string Scope, Hosting Hosting)[] held)
        {
            var resource = new ResourceSnapshot { Name = name, Platform = platform, Endpoint = new Uri($"https://{name}.example"), Region = region, Agreements = agreements, Credential = new KeyCredential(new Secret("k")) };
            resource.Deployments = [.. held.Select(d => new DeploymentSnapshot { Resource = resource, Name = d.Name, Model = d.Name == "fable" ? "claude-fable-5" : "claude-sonnet-4-6", Scope = d.Scope, Hosting = d.Hosting })];
            foreach (var deployment in resource.Deployments)
                deployment.Boundary = Boundary.Of(CatalogFile.Shipped, deployment, CatalogFile.Day, Facts);
            return resource;
        }
    }

    public Decision Decide(string model = "all", string? request = null, DateTimeOffset? now = null, HealthView? health = null, string? session = null) =>
        Decision.Decide(Snapshot(), Developer, null, model, now ?? Now, session, request is null ? null : FactsOf(request), health);

    /// <summary>The deployments that may be asked, in the order of the alias.</summary>
    public string[] Eligible(string? request = null, DateTimeOffset? now = null) => [.. Decide(request: request, now: now).Plan.Select(d => d.FullName)];

    /// <summary>The facts of a request with these further fields.</summary>
    public static RequestFacts FactsOf(string fields)
    {
        Assert.True(RequestScanner.TryScan(Encoding.UTF8.GetBytes($"{{\"model\":\"all\",{fields}}}"), out var facts, out var problem), problem);
        return facts;
    }

    public static Principal Person(string id, params string[] groups) => new()
    {
        OrganizationId = "org_1",
        Type = "user",
        Id = id,
        Email = $"{id}@contoso.example",
        Name = id,
        Groups = groups,
        KeyId = "apikey_1",
        KeyKind = ApiKeyKind.Inference,
    };
}
