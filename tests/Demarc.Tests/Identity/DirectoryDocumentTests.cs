using System.Text.RegularExpressions;
using Demarc.Tests.Configuration;
using Demarc.Tests.Harness;
using Demarc.Tests.Identity.Saml;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>The example of docs/directory.md is read as it stands, and what is wrong in the likes of it is said.</summary>
public sealed partial class DirectoryDocumentTests : IDisposable
{
    private static readonly string Example = Yaml().Match(File.ReadAllText(Repository.Path("docs", "directory.md"))).Groups[1].Value;

    private readonly ConfigFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Its_configuration_is_accepted()
    {
        var result = _folder.Read(Example);
        Assert.DoesNotContain(result.Problems, p => p.Severity == Demarc.Control.Configuration.ConfigSeverity.Error);
        var config = result.Config!;
        Assert.Equal(("0.0.0.0:8445", "developer"), (Assert.Single(config.Scim!.Listen).ToString(), config.Scim.Role));
        Assert.Equal(250, config.Seats!.Rules.Maximum);
        Assert.Equal(TimeSpan.FromMinutes(15), config.Identity!.Recheck);
        var provider = Assert.Single(config.Identity.Saml!.Providers);
        Assert.Equal((true, true, false, "groups"), (provider.SignRequests, provider.RequireEncryption, provider.Post, provider.Groups));
    }

    [Theory]
    [InlineData("\"${SCIM_TOKEN}\"", "short", "scim.tokens[0]", "32 characters")]
    [InlineData("[\"${SCIM_TOKEN}\"]", "[]", "scim.tokens", "lets no directory in")]
    [InlineData("listen: 0.0.0.0:8445", "listen: 127.0.0.1:8443", "scim.listen", "is in listen too")]
    [InlineData("listen: 0.0.0.0:8445", "role: admin", "scim.role", "no role for people whom a directory makes")]
    [InlineData("maximum: 250", "maximum: 0", "seats.maximum", "no number of seats")]
    [InlineData("maximum: 250", "minimum: 250", "seats.minimum", "unknown key")]
    [InlineData("recheck: 15m", "recheck: 1s", "identity.recheck", "accepted")]
    [InlineData("metadata: idp.xml", "metadata: saml.crt", "identity.saml.providers[0].metadata", "no metadata of an identity provider")]
    [InlineData("metadata: idp.xml", "metadata: nowhere.xml", "identity.saml.providers[0].metadata", "does not exist")]
    [InlineData("name: Contoso,", "", "identity.saml.providers[0].name", "required")]
    [InlineData("require_encryption: true", "binding: soap", "identity.saml.providers[0].binding", "accepted: redirect, post")]
    [InlineData("certificate: saml.crt", "certificate: idp.xml", "identity.saml.keys[0]", "no RSA key with its certificate")]
    public void What_is_wrong_is_said_with_its_place(string written, string instead, string path, string says)
    {
        Assert.Contains(written, Example, StringComparison.Ordinal);
        var result = _folder.Read(Example.Replace(written, instead, StringComparison.Ordinal));
        Assert.Null(result.Config);
        Assert.Contains(result.Problems, p => p.Path == path && p.Message.Contains(says, StringComparison.Ordinal));
    }

    [GeneratedRegex("```yaml\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Yaml();
}
