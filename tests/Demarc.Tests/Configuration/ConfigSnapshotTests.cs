using Demarc.Control.Configuration;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Policy;
using Xunit;

namespace Demarc.Tests.Configuration;

public sealed class ConfigSnapshotTests : IDisposable
{
    private static readonly Catalog Shipped = Catalog.Parse(File.ReadAllBytes(Path.Combine(AppContext.BaseDirectory, "catalog", "catalog.json")));

    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_snapshot_says_what_the_file_says()
    {
        var result = _folder.Read(ConfigFolder.Example());
        var snapshot = ConfigSnapshot.Build(result.Config!, Shipped, result.Hash);

        Assert.Same(Shipped, snapshot.Catalog);
        Assert.Equal(result.Hash, snapshot.ConfigurationHash);
        Assert.Equal(32 << 20, snapshot.MaxBodyBytes);
        Assert.Equal(
            ["contoso-eastus2/claude-sonnet-4-6", "contoso-eastus2/sonnet-us", "anthropic-main/claude-sonnet-4-6", "anthropic-main/claude-haiku-4-5-20251001"],
            snapshot.Resources.Take(2).SelectMany(r => r.Deployments).Select(d => d.FullName));
        Assert.Equal(
            [(snapshot.Resources[0].Deployments[0], 0, 3), (snapshot.Resources[0].Deployments[1], 1, 1), (snapshot.Resources[1].Deployments[0], 1, 2)],
            snapshot.Aliases[0].Targets.Select(t => (t.Deployment, t.Tier, t.Weight)));
        Assert.Equal(("policies[1]", CaptureMode.None), (snapshot.Policies[1].Place, snapshot.Policies[1].Capture!.Value));
        Assert.Null(snapshot.Policies[0].Models);
        Assert.Equal(["dana@contoso.example"], snapshot.Policies[1].Users);
        Assert.Equal(["payments"], snapshot.Policies[1].Groups);
    }

    [Fact]
    public void The_policy_hash_follows_what_policies_say_and_not_how()
    {
        var hash = Hash("policies: [{ models: [a], capture: full }]");

        Assert.Equal(hash, Hash("# why\npolicies:\n  - capture: 'full'\n    models:\n      - a\n"));
        Assert.NotEqual(hash, Hash("policies: [{ models: [a], capture: none }]"));
        Assert.NotEqual(hash, Hash("policies: [{ models: [a], capture: full, match: { groups: [g] } }]"));
        Assert.NotEqual(Hash("policies: [{ capture: full, match: { users: [g] } }]"), Hash("policies: [{ capture: full, match: { groups: [g] } }]"));
        Assert.NotEqual(Hash("policies: [{ models: [], capture: full }]"), Hash("policies: [{ capture: full }]"));
        Assert.NotEqual(hash, Hash(""));

        string Hash(string yaml) => ConfigSnapshot.Build(_folder.Read(yaml).Config!, Shipped, "sha256:11").PolicyHash;
    }
}
