using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Directory;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;
using static Demarc.Tests.Compliance.ComplianceReader;

namespace Demarc.Tests.Compliance;

/// <summary>Law 6: people see their own sessions, and what is recorded about them.</summary>
public sealed class OwnSessionTests
{
    private const string Mine = "/v1/me/sessions";

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_person_reads_their_own_sessions_without_a_review_and_nobody_elses(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        await place.AskAsync("s1", User("mine"));
        await place.ActivitiesAsync(1, "demarc_inference");
        var other = await OtherKeyAsync(place);

        var session = Assert.Single((await place.GetAsync(Mine, "developer_key")).Data());
        var id = session.Text("id")!;
        Assert.Equal(id, (await place.GetAsync($"{Mine}/{id}", "developer_key")).Text("id"));
        Assert.Contains("mine", (await place.GetAsync($"{Mine}/{id}/messages", "developer_key")).GetRawText(), StringComparison.Ordinal);

        Assert.Empty((await place.GetAsync(Mine, other)).Data());
        foreach (var path in new[] { $"{Mine}/{id}", $"{Mine}/{id}/messages" })
            Assert.Equal(404, (await place.RefusedAsync(path, other)).Status);
        foreach (var key in new[] { "compliance_key", "admin_key" })
            Assert.Equal((403, "permission_error"), ((await place.RefusedAsync($"{Mine}/{id}/messages", key)).Status, (await place.RefusedAsync($"{Mine}/{id}/messages", key)).Type));
        Assert.Equal(401, (await place.RefusedAsync(Mine, null)).Status);
        Assert.Equal(401, (await place.RefusedAsync($"{Sessions}/{id}/messages", "developer_key")).Status);

        // What a read of somebody else's came to is on record too; AwaitAsync fails when it never comes.
        await place.AwaitAsync(
            $"{Activities}?activity_types[]=compliance_api_accessed&limit=5000",
            j => j.Data().Any(a => a.Text("url") == $"{Mine}/{id}/messages" && a.GetProperty("status_code").GetInt32() == 404));
    }

    [Theory]
    [InlineData("full", "The conversation too")]
    [InlineData("metadata", "Nothing of the conversation itself.")]
    [InlineData("none", "listed nowhere")]
    public async Task Everyone_is_told_what_is_recorded_about_them(string capture, string told)
    {
        await using var place = await ProxyPlace.StartAsync(policies: $"  - {{ capture: {capture} }}");
        await place.AskAsync("s1", User("mine"));
        await place.ActivitiesAsync(1, "demarc_inference");

        var me = await place.GetAsync("/v1/me", "developer_key");
        Assert.Equal(capture, me.Text("capture"));
        Assert.Contains(told, me.GetProperty("recorded")[1].GetString(), StringComparison.Ordinal);
        Assert.Equal(capture == "none" ? 0 : 1, (await place.GetAsync(Mine, "developer_key")).Data().Length);
    }

    private static async Task<string> OtherKeyAsync(ProxyPlace place)
    {
        await using var store = await place.OpenStoreAsync();
        var organization = (await store.Organizations.ListAsync())[0];
        var other = (await store.Users.CreateAsync(organization.Id, "other@contoso.example", "Other", "developer", StorePlace.Actor))!;
        var (_, secret) = await store.ApiKeys.CreateAsync(new NewApiKey(organization.Id, ApiKeyKind.Inference, "test", "user", other.Id), new ActorRecord("cli", "test"));
        return secret.Reveal();
    }
}
