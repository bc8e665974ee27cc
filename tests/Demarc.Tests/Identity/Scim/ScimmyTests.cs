using System.Text.Json;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Identity.Scim;

/// <summary>npm's scimmy, an implementation of its own, as the gateway's peer (<c>tests/clients/scim.mjs</c>).</summary>
public sealed class ScimmyTests
{
    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task Schemas_filters_and_patches_are_those_of_another_implementation(StoreKind kind)
    {
        Component.Npm("scimmy/package.json");
        await using var place = await ScimPlace.StartAsync(kind);

        var result = await Command.RunAsync(
            "node", ["scim.mjs", place.Url.AbsoluteUri.TrimEnd('/'), ScimPlace.Token], Repository.Path("tests", "clients"),
            new Dictionary<string, string> { ["PATH"] = Environment.GetEnvironmentVariable("PATH")! }, TestContext.Current.CancellationToken);

        Assert.True(result.ExitCode == 0, result.Output + result.Errors);
        var compared = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal((12, 8, 7), (compared.GetProperty("filters").GetInt32(), compared.GetProperty("patches").GetInt32(), compared.GetProperty("bulk").GetInt32()));
        Assert.InRange(compared.GetProperty("schemas").GetInt32(), 25, 60);
    }
}
