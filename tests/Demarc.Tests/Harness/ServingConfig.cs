using Demarc.Simulator;
using Xunit;

namespace Demarc.Tests.Harness;

/// <summary>The configuration of a gateway with one deployment, <c>east/claude-sonnet-4-6</c>, which a simulator serves; everything is captured.</summary>
internal static class ServingConfig
{
    /// <param name="simulator">Where it is, without a slash at the end; for a <see cref="GatewayFixture"/> its <c>SIMULATOR</c>.</param>
    /// <param name="more">Other top-level keys.</param>
    public static string Yaml(string simulator, string more) => $$"""
        resources:
          - name: east
            platform: foundry
            endpoint: {{simulator}}/anthropic
            credential: { api_key: simulator }
            deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic } ]
        {{more}}
        policies: [ { capture: full } ]
        """;

    /// <summary>Writes it into a folder; the file's path.</summary>
    public static async Task<string> WriteAsync(string folder, SimulatorHost simulator, string more)
    {
        var config = Path.Combine(folder, "demarc.yaml");
        await File.WriteAllTextAsync(config, Yaml(simulator.Url.AbsoluteUri.TrimEnd('/'), more), TestContext.Current.CancellationToken);
        return config;
    }
}
