using System.Text;
using Demarc.Governance.Policy;
using Demarc.Storage.Directory;
using Demarc.Tests.Compliance;
using Demarc.Tests.Harness;
using Demarc.Tests.Retention;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Proxy;

/// <summary>What is captured, by project, by resource, and beside the conversation.</summary>
public sealed class CaptureTests
{
    [Fact]
    public async Task A_project_that_captures_nothing_leaves_nothing_and_the_rest_is_captured()
    {
        await using var place = await ProxyPlace.StartAsync(policies: "  - { capture: full }\n  - { match: { projects: [atlas] }, capture: none }");
        await using (var store = await place.OpenStoreAsync())
        {
            var organization = (await store.Organizations.ListAsync())[0].Id;
            var project = (await store.Projects.CreateAsync(organization, "atlas", null, null, StorePlace.Actor))!;
            var developer = (await store.Users.ListAsync(organization, new())).Data.First(u => u.Role == "developer");
            await store.Projects.UpdateMembersAsync(organization, project.Id, [developer.Id], [], StorePlace.Actor);
        }
        var (plain, _) = await place.SendAsync(place.Ask(ProxyPlace.Body(text: "kept")));
        var asked = place.Ask(ProxyPlace.Body(text: "not kept"));
        asked.Headers.Add(RequestProject.Header, "atlas");
        var (secret, body) = await place.SendAsync(asked);
        Assert.True(secret.IsSuccessStatusCode, body);

        Assert.NotNull((await place.FinishedAsync(plain.RequestId())).ContentSha256);
        Assert.Null((await place.FinishedAsync(secret.RequestId())).ContentSha256);
        Assert.Equal(1, await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE content IS NOT NULL"));
    }

    [Fact]
    public async Task A_resource_says_the_most_that_is_captured_also_where_it_only_takes_over()
    {
        var yaml = RetentionServingTests.ProxyYaml("").Replace("aliases:", """
              - name: west
                platform: foundry
                capture: metadata
                endpoint: SIMULATOR/anthropic
                credential: { api_key: simulator }
                deployments: [ { name: claude-sonnet-4-6, model: claude-sonnet-4-6, hosting: anthropic } ]
            aliases:
            """, StringComparison.Ordinal).Replace("{ sonnet: [east/claude-sonnet-4-6] }", "{ sonnet: [east/claude-sonnet-4-6], both: { tiers: [[east/claude-sonnet-4-6], [west/claude-sonnet-4-6]] }, west: [west/claude-sonnet-4-6] }", StringComparison.Ordinal);
        await using var gateway = await GatewayFixture.StartAsync(yaml);
        foreach (var model in new[] { "sonnet", "both", "west" })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, "/v1/messages")) { Content = new StringContent(ProxyPlace.Body(model), Encoding.UTF8, "application/json") };
            request.Headers.Add("x-api-key", gateway.DeveloperKey);
            request.Headers.Add("anthropic-version", "2023-06-01");
            using var response = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
            Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        }

        var requests = await gateway.RequestsAsync();
        Assert.Equal([("full", true), ("metadata", false), ("metadata", false)], requests.Select(r => (r.Begun.Capture, r.ContentBytes > 0)));
    }

    [Theory, InlineData("", false), InlineData(", capture_also: [system]", true)]
    public async Task A_system_prompt_is_kept_and_shown_where_policy_says_so(string also, bool shown)
    {
        await using var place = await ProxyPlace.StartAsync(policies: $"  - {{ capture: full{also} }}");
        await place.AskAsync("s1", User("hi"), """ "system":"You are a marked prompt.",""");
        await place.ActivitiesAsync(1, "demarc_inference");
        var id = (await place.GetAsync(Sessions)).Data()[0].Text("id");

        var first = (await place.GetAsync($"{Sessions}/{id}/messages")).Data()[0];

        Assert.Equal("synthetic_marker", first.GetProperty("provenance").Text("type"));
        Assert.Equal(shown, first.GetRawText().Contains("a marked prompt", StringComparison.Ordinal));
        Assert.Equal(!shown, first.GetRawText().Contains("[system prompt content not shown]", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Zero_data_retention_captures_nothing_whatever_other_policies_say()
    {
        await using var place = await RetentionPlace.CreateAsync(StoreKind.Sqlite);
        var snapshot = place.Snapshot("policies: [ { capture: full }, { match: { groups: [payments] }, require: { zdr: true } } ]\n");
        Demarc.Governance.Identity.Principal Person(params string[] groups) => new()
        {
            OrganizationId = "org_1",
            Type = "user",
            Id = "user_1",
            Name = "",
            Groups = groups,
            KeyId = "",
            KeyKind = Demarc.Governance.Identity.ApiKeyKind.Inference,
        };
        Assert.Equal(CaptureMode.Full, snapshot.CaptureOf(Person(), TimeProvider.System.GetUtcNow()));
        Assert.Equal(CaptureMode.None, snapshot.CaptureOf(Person("payments"), TimeProvider.System.GetUtcNow()));
    }
}
