using System.Text.Json;
using Demarc.Control.Clients;
using Demarc.Tests.Clients;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>What <c>demarc client config</c> prints is what the real clients are tried with elsewhere.</summary>
public sealed class ClientConfigTests
{
    private const string Url = "https://claude.contoso.example";

    [Theory]
    [InlineData("anthropic", ClaudeConnection.AuthToken)]
    [InlineData("foundry", ClaudeConnection.Foundry)]
    [InlineData("bedrock", ClaudeConnection.Bedrock)]
    [InlineData("vertex", ClaudeConnection.Vertex)]
    public async Task Variables_are_those_that_Claude_Code_connects_with(string mode, ClaudeConnection connection)
    {
        var printed = await DemarcCommand.DoneAsync(Path.GetTempPath(), "client", "config", "--url", Url, "--for", mode);

        Assert.Equal(
            connection.Environment(new Uri(Url), "$DEMARC_KEY").OrderBy(v => v.Key, StringComparer.Ordinal),
            printed.Split('\n').Select(line => line["export ".Length..].Split('=', 2)).Select(v => KeyValuePair.Create(v[0], v[1])).OrderBy(v => v.Key, StringComparer.Ordinal));
    }

    [Fact]
    public async Task Each_system_gets_managed_settings_and_all_are_listed()
    {
        var listed = await DemarcCommand.JsonAsync(Path.GetTempPath(), "client", "config", "--url", Url + "/");

        Assert.Equal(ClientConfiguration.Names, listed.EnumerateArray().Select(d => d.GetProperty("name").GetString()));
        foreach (var system in listed.EnumerateArray().Take(3))
        {
            var settings = JsonDocument.Parse(system.GetProperty("content").GetString()!).RootElement;
            Assert.Equal(("gateway", Url, "merge"), (settings.GetProperty("forceLoginMethod").GetString(), settings.GetProperty("forceLoginGatewayUrl").GetString(), settings.GetProperty("parentSettingsBehavior").GetString()));
        }
    }

    [Fact]
    public async Task The_real_Claude_Code_takes_its_key_from_the_helper()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        await using var tee = new RecordingTee(gateway.Url);
        var home = Directory.CreateTempSubdirectory("demarc-helper-").FullName;
        try
        {
            var settings = ClientConfiguration.Of(tee.Url).Single(d => d.Name == "api-key-helper").Content;
            await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(home, ".claude")).FullName, "settings.json"), settings, TestContext.Current.CancellationToken);
            await File.WriteAllTextAsync(Path.Combine(Directory.CreateDirectory(Path.Combine(home, ".config", "demarc")).FullName, "key"), gateway.DeveloperKey + "\n", TestContext.Current.CancellationToken);

            var run = await ClaudeCode.PrintAtAsync(home, ClaudeVersion.Newest, new Dictionary<string, string>(), credentials: null, []);

            Assert.Contains("The listing has ", run.Output, StringComparison.Ordinal);
            Assert.Equal(2, (await gateway.RequestsAsync()).Length);
            // Both headers, as this way alone has it: the key came from the helper.
            Assert.All(tee.Posts.Where(p => p.Target.StartsWith("/v1/messages", StringComparison.Ordinal)), p => Assert.Equal((gateway.DeveloperKey, "Bearer " + gateway.DeveloperKey), (p.Header("x-api-key"), p.Header("authorization"))));
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    [Theory]
    [InlineData("claude.contoso.example")]
    [InlineData("ftp://claude.contoso.example")]
    public async Task An_address_that_no_client_could_use_is_refused(string url) =>
        Assert.Contains("give an address such as", await DemarcCommand.FailsAsync(1, Path.GetTempPath(), "client", "config", "--url", url), StringComparison.Ordinal);
}
