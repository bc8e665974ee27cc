using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Xunit;

namespace Demarc.Governance.Tests.Policy;

public sealed class RequestProjectTests
{
    private static readonly WorkspaceSnapshot Research = new("wrkspc_1", "research"), Sales = new("wrkspc_2", "sales");

    private static readonly ProjectSnapshot Atlas = new("claude_proj_1", "atlas", "restricted", Research), Open = new("claude_proj_2", "open", null, null);

    [Theory]
    [InlineData(null, null, null)]
    [InlineData("", null, null)]
    [InlineData("atlas", "atlas", null)]
    [InlineData("claude_proj_2", "open", null)]
    [InlineData("Atlas", null, "project_unknown")]
    [InlineData("borealis", null, "project_unknown")]
    public void A_request_is_for_the_project_it_names_if_it_is_one_of_the_persons(string? named, string? project, string? refusal) =>
        Assert.Equal((project, refusal), Enter(Person(null, null), named));

    [Theory]
    [InlineData(null, "atlas", null)]
    [InlineData("atlas", "atlas", null)]
    [InlineData("open", null, "project_of_key")]
    [InlineData("borealis", null, "project_of_key")]
    public void A_key_that_is_for_a_project_is_for_no_other(string? named, string? project, string? refusal) =>
        Assert.Equal((project, refusal), Enter(Person(null, "claude_proj_1"), named));

    [Fact]
    public void A_key_ends_to_be_for_a_project_that_its_person_left() =>
        Assert.Equal((null, "project_closed"), Enter(Person(null, "claude_proj_9"), null));

    [Theory]
    [InlineData("research", "atlas", "research", null)]
    [InlineData("sales", "atlas", "sales", "project_workspace")]
    [InlineData("sales", "open", "sales", null)]
    [InlineData(null, "atlas", "research", null)]
    public void The_workspace_is_the_keys_or_the_projects_and_never_two(string? own, string named, string workspace, string? refusal)
    {
        var principal = Person(own is null ? null : own == "research" ? Research : Sales, null);
        Assert.Equal(refusal, RequestProject.Enter(ref principal, named)?.Code);
        Assert.Equal(workspace, principal.Workspace?.Name);
    }

    [Fact]
    public void What_is_decided_for_a_project_is_kept_and_costs_nothing_again()
    {
        var principal = Person(null, null);
        Principal first = principal, second = principal;
        RequestProject.Enter(ref first, "atlas");
        var before = GC.GetAllocatedBytesForCurrentThread();
        RequestProject.Enter(ref second, "atlas");
        RequestProject.Enter(ref principal, null);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
        Assert.Same(first, second);
    }

    [Theory]
    [InlineData("atlas", "projects", true)]
    [InlineData("atlas", "classifications", true)]
    [InlineData("atlas", "workspaces", true)]
    [InlineData("open", "projects", false)]
    [InlineData("open", "classifications", false)]
    [InlineData("open", "workspaces", false)]
    [InlineData(null, "projects", false)]
    public void Policies_match_a_request_by_its_project_its_classification_and_its_workspace(string? named, string by, bool matches)
    {
        var policy = new PolicySnapshot("policies[0]", [], [], null, null)
        {
            Projects = by == "projects" ? ["atlas"] : [],
            Classifications = by == "classifications" ? ["restricted"] : [],
            Workspaces = by == "workspaces" ? ["wrkspc_1"] : [],
        };
        var principal = Person(null, null);
        RequestProject.Enter(ref principal, named);
        Assert.Equal(matches, policy.Matches(principal));
    }

    private static (string? Project, string? Refusal) Enter(Principal principal, string? named)
    {
        var refusal = RequestProject.Enter(ref principal, named);
        return (principal.Project?.Name, refusal?.Code);
    }

    private static Principal Person(WorkspaceSnapshot? workspace, string? keyProject) => new()
    {
        OrganizationId = "org_1",
        Type = "user",
        Id = "user_1",
        Name = "dev",
        Groups = [],
        Workspace = workspace,
        Projects = [Atlas, Open],
        KeyProjectId = keyProject,
        KeyId = "apikey_1",
        KeyKind = ApiKeyKind.Inference,
    };
}
