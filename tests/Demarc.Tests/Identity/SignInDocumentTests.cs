using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Control.Clients;
using Demarc.Tests.Configuration;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>The examples of docs/sign-in.md are read as they stand.</summary>
public sealed partial class SignInDocumentTests : IDisposable
{
    private static readonly string Page = File.ReadAllText(Repository.Path("docs", "sign-in.md"));

    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Its_configurations_are_accepted()
    {
        _folder.Variables["OIDC_SECRET"] = "secret";
        var examples = Block().Matches(Page).Where(m => m.Groups[1].Value == "yaml").Select(m => m.Groups[2].Value).ToArray();
        Assert.Equal(2, examples.Length);
        foreach (var example in examples)
            Assert.NotNull(_folder.Read(example).Config);
        Assert.Equal("login.contoso.example", _folder.Read(examples[0]).Config!.Identity!.Issuers.Single().Name);
    }

    [Fact]
    public void Its_managed_settings_are_those_that_the_command_prints()
    {
        var written = Block().Matches(Page).Single(m => m.Groups[1].Value == "json").Groups[2].Value;
        var printed = ClientConfiguration.Of(new Uri("https://claude.contoso.example"))[0].Content;
        Assert.True(JsonElement.DeepEquals(JsonDocument.Parse(written).RootElement, JsonDocument.Parse(printed).RootElement));
    }

    [GeneratedRegex("```(yaml|json)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
