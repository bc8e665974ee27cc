using System.Net;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Proxy;

public sealed class ProjectTests
{
    private const string Policies = """
          - { capture: metadata }
          - match: { classifications: [restricted] }
            models: [claude-haiku-4-5-20251001]
        """;

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_request_is_for_the_project_it_names_and_that_is_decided_and_recorded(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind, Policies);
        var store = await place.Store.OpenAsync();
        var (organization, developer) = await DeveloperAsync(place);
        var workspace = (await store.Workspaces.CreateAsync(organization, "research", new Dictionary<string, string>(), StorePlace.Actor))!;
        var atlas = (await store.Projects.CreateAsync(organization, "atlas", "restricted", workspace.Id, StorePlace.Actor))!;

        var outside = await AskAsync(place, "sonnet", "atlas");
        Assert.Equal((HttpStatusCode.BadRequest, "policy_blocked", "false"), (outside.Status, outside.Error.Type, outside.ShouldRetry));
        Assert.Contains("You are in no project \"atlas\"", outside.Error.Message, StringComparison.Ordinal);
        Assert.Equal("project_unknown", (await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_inference_refused")).Fields["reason"]);
        Assert.Empty(place.Simulator.Log.Read());

        await store.Projects.UpdateMembersAsync(organization, atlas.Id, [developer], [], StorePlace.Actor);
        // The gateway follows the change of another process within a second; there is nothing to wait for but its answers.
        var started = TimeProvider.System.GetTimestamp();
        var served = outside;
        while (served.Status != HttpStatusCode.OK)
        {
            served = await AskAsync(place, "claude-haiku-4-5-20251001", "atlas");
            Assert.True(TimeProvider.System.GetElapsedTime(started) < TimeSpan.FromSeconds(5), "The membership was not followed within 5 s.");
        }

        var begun = await place.RecordAsync<BegunRecord>(RecordKind.Begun, b => b.Id == served.RequestId);
        Assert.Equal((workspace.Id, atlas.Id), (begun.WorkspaceId, begun.ProjectId));
        Assert.DoesNotContain(Assert.Single(place.Simulator.Log.Read()).Headers, h => h.Key.Equals("demarc-project", StringComparison.OrdinalIgnoreCase));

        var session = await SessionAsync(place, s => s.GetProperty("claude_project_id").ValueKind == JsonValueKind.String);
        Assert.Equal((workspace.Id, atlas.Id), (session.GetProperty("workspace_id").GetString(), session.GetProperty("claude_project_id").GetString()));
        var activity = await ReadAsync(place, "/v1/compliance/activities?activity_types[]=demarc_inference");
        Assert.Equal((workspace.Id, atlas.Id), (activity[0].GetProperty("workspace_id").GetString(), activity[0].GetProperty("claude_project_id").GetString()));

        Assert.Contains("does not allow", (await AskAsync(place, "sonnet", "atlas")).Error.Message, StringComparison.Ordinal);
        var elsewhere = await AskAsync(place, "sonnet", null);
        Assert.Equal(HttpStatusCode.OK, elsewhere.Status);
        Assert.Null((await place.RecordAsync<BegunRecord>(RecordKind.Begun, b => b.Id == elsewhere.RequestId)).ProjectId);
    }

    private sealed record Asked(HttpStatusCode Status, string RequestId, string? ShouldRetry, (string Type, string Message) Error);

    private static async Task<Asked> AskAsync(ProxyPlace place, string model, string? project)
    {
        using var request = place.Ask(ProxyPlace.Body(model));
        if (project is not null)
            request.Headers.Add("demarc-project", project);
        var (response, body) = await place.SendAsync(request);
        using (response)
            return new(
                response.StatusCode, response.RequestId(), response.Headers.TryGetValues("x-should-retry", out var retry) ? retry.Single() : null,
                response.IsSuccessStatusCode ? default : Answers.Error(body));
    }

    private static async Task<JsonElement> SessionAsync(ProxyPlace place, Func<JsonElement, bool> which)
    {
        var found = Array.Empty<JsonElement>();
        // Sessions are projected within a second; nothing tells a reader when.
        await AdminApi.GatewayPlace.UntilAsync(TimeSpan.FromSeconds(5), async () => (found = [.. (await ReadAsync(place, "/v1/compliance/apps/sessions/local")).Where(which)]).Length > 0);
        return found[0];
    }

    private static async Task<JsonElement[]> ReadAsync(ProxyPlace place, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("x-api-key", place.Keys["compliance_key"]);
        var (response, body) = await place.SendAsync(request);
        response.Dispose();
        using var json = JsonDocument.Parse(body);
        return [.. json.RootElement.Clone().GetProperty("data").EnumerateArray()];
    }

    private static async Task<(string Organization, string Developer)> DeveloperAsync(ProxyPlace place) =>
        ((await place.Store.SqlAsync<string>("SELECT organization_id FROM users WHERE role = 'developer'"))!,
            (await place.Store.SqlAsync<string>("SELECT id FROM users WHERE role = 'developer'"))!);
}
