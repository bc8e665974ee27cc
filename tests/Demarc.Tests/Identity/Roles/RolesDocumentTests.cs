using Demarc.Control.Configuration;
using Demarc.Governance.Identity.Roles;
using Demarc.Tests.Commands;
using Demarc.Tests.Configuration;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Roles;

/// <summary>What the page about roles shows is accepted, and its commands do what it says.</summary>
public sealed class RolesDocumentTests : IDisposable
{
    private readonly ConfigFolder _folder = new();

    private static string Page => File.ReadAllText(Path.Combine(Repository.Root, "docs", "roles.md"));

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void The_configuration_of_the_page_is_accepted()
    {
        var result = _folder.Read(Fenced("yaml").Single() + """

            resources:
              - name: contoso-eastus2
                platform: foundry
                endpoint: https://contoso.services.ai.azure.com/anthropic
                region: eastus2
                credential: { api_key: "${FOUNDRY_KEY}" }
                deployments: [ { name: opus, model: claude-opus-4-7, hosting: anthropic } ]
            """);
        Assert.True(result.Config is not null, ConfigReport.Text("roles.md", result));
        Assert.Equal(4, result.Config.Roles.Assignments.Length);
        Assert.All(BuiltInRoles.All, role => Assert.Contains($"`{role.Name}`", Page, StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_commands_of_the_page_work()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        foreach (var line in Fenced("sh").SelectMany(b => b.Split('\n', StringSplitOptions.RemoveEmptyEntries)))
            await DemarcCommand.DoneAsync(Path.GetTempPath(), [.. Words(line).Skip(1), "--data", gateway.DataDirectory]);

        var listed = await DemarcCommand.JsonAsync(Path.GetTempPath(), "role", "list", "--data", gateway.DataDirectory);
        Assert.Equal(["resource", "deployment"], listed.EnumerateArray().Select(a => a.GetProperty("scope").GetProperty("type").GetString()));
        var request = Assert.Single((await DemarcCommand.JsonAsync(Path.GetTempPath(), "role", "requests", "--data", gateway.DataDirectory)).EnumerateArray()).GetProperty("id").GetString()!;
        await DemarcCommand.DoneAsync(Path.GetTempPath(), "role", "approve", request, "--data", gateway.DataDirectory);
        var shown = await DemarcCommand.JsonAsync(Path.GetTempPath(), "role", "show", "developer@demarc.example", "--data", gateway.DataDirectory);
        Assert.Equal(["admin", "developer", "foundry_user"], shown.EnumerateArray().Select(g => g.GetProperty("role").GetString()).Order());
        await DemarcCommand.DoneAsync(Path.GetTempPath(), "role", "revoke", listed[0].GetProperty("id").GetString()!, "--data", gateway.DataDirectory);
    }

    [Theory]
    [InlineData("roles: { custom: { admin: [users.read] } }", "roles.custom.admin", "built in")]
    [InlineData("roles: { custom: { helpdesk: [user.read] } }", "roles.custom.helpdesk[0]", "did you mean 'users.read'?")]
    [InlineData("roles: { custom: { helpdesk: [] } }", "roles.custom.helpdesk", "permits nothing")]
    [InlineData("roles: { assignments: [ { role: admn, users: [a@b.example] } ] }", "roles.assignments[0].role", "did you mean 'admin'?")]
    [InlineData("roles: { assignments: [ { role: admin } ] }", "roles.assignments[0]", "to nobody")]
    [InlineData("roles: { assignments: [ { role: developer, users: [a], resource: x } ] }", "roles.assignments[0].resource", "no resource 'x' is configured")]
    [InlineData("roles: { assignments: [ { role: developer, users: [a], resource: x, workspace: y } ] }", "roles.assignments[0]", "accepted: one of")]
    [InlineData("roles: { assignments: [ { role: compliance_reviewer, users: [a], workspace: y } ] }", "roles.assignments[0]", "has nothing that holds at a workspace")]
    [InlineData("roles: { assignments: [ { role: developer, users: [a], deny: maybe } ] }", "roles.assignments[0].deny", "accepted: true, false")]
    [InlineData("approvals: [alias]", "approvals[0]", "did you mean 'aliases'?")]
    public void A_mistake_says_where_it_is_and_what_is_accepted(string yaml, string path, string says)
    {
        var result = _folder.Read(yaml);
        Assert.Null(result.Config);
        Assert.Contains(result.Problems, p => p.Path == path && p.Message.Contains(says, StringComparison.Ordinal));
    }

    private static IEnumerable<string> Fenced(string language) =>
        Page.Split("```").Where((_, i) => i % 2 == 1).Where(b => b.StartsWith(language + "\n", StringComparison.Ordinal)).Select(b => b[(language.Length + 1)..]);

    private static IEnumerable<string> Words(string line) =>
        line.Split('"').SelectMany((part, i) => i % 2 == 1 ? [part] : part.Split(' ', StringSplitOptions.RemoveEmptyEntries));
}
