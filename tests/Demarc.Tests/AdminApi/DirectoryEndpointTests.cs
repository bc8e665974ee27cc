using System.Text.Json;
using Demarc.Governance.Identity;
using Xunit;

namespace Demarc.Tests.AdminApi;

/// <summary>The organization, its people and its aliases.</summary>
public sealed class DirectoryEndpointTests(GatewayPlace place) : IClassFixture<GatewayPlace>
{
    private const string Users = "/v1/organizations/users";
    private const string Aliases = "/v1/organizations/aliases";

    [Fact]
    public async Task The_organization_tells_its_name()
    {
        var me = await place.AdminAsync(200, "GET", "/v1/organizations/me");
        Assert.Equal($$"""{"id":"{{place.Installation.Organization.Id}}","name":"Contoso","type":"organization"}""", me.GetRawText());
    }

    [Fact]
    public async Task A_person_is_made_and_found()
    {
        var made = await place.AdminAsync(200, "POST", Users, """{"email":"Ana@Contoso.example","name":"Ana","role":"billing"}""");
        Assert.Equal(["id", "added_at", "email", "name", "role", "type"], made.EnumerateObject().Select(p => p.Name));
        Assert.Equal("ana@contoso.example", made.GetProperty("email").GetString());
        var id = made.GetProperty("id").GetString();
        Assert.Equal(made.GetRawText(), (await place.AdminAsync(200, "GET", $"{Users}/{id}")).GetRawText());
        foreach (var query in new[] { "email=ANA@contoso.example", "roles=billing", "roles[]=billing&roles[]=user" })
            Assert.Equal(id, Assert.Single((await place.AdminAsync(200, "GET", $"{Users}?{query}")).GetProperty("data").EnumerateArray()).GetProperty("id").GetString());

        await place.AdminAsync(409, "POST", Users, """{"email":"ana@contoso.example","name":"Ana"}""");
        await place.AdminAsync(404, "GET", $"{Users}/user_absent");
        Assert.Equal(place.Admin.Id, (await place.EventsAsync("demarc_user_created")).Last().Actor.Id);
    }

    [Theory]
    [InlineData("""{"email":"nobody","name":"x"}""", "email")]
    [InlineData("""{"email":"a@b@c","name":"x"}""", "email")]
    [InlineData("""{"email":"x@contoso.example"}""", "name")]
    [InlineData("""{"email":"x@contoso.example","name":"x","role":"king"}""", "role")]
    [InlineData("""{"email":"x@contoso.example","name":"x","admin":true}""", "admin")]
    public async Task A_person_that_cannot_be_is_refused(string body, string field)
    {
        var error = (await place.AdminAsync(400, "POST", Users, body)).GetProperty("error");
        Assert.Contains(field, error.GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty((await place.AdminAsync(200, "GET", $"{Users}?email=x@contoso.example")).GetProperty("data").EnumerateArray());
    }

    [Fact]
    public async Task A_moved_alias_serves_at_once_and_the_move_is_on_record()
    {
        var key = (await place.KeyAsync(ApiKeyKind.Inference)).Secret;
        var made = await place.AdminAsync(200, "PUT", $"{Aliases}/fast@1", """{"targets":["main/claude-haiku-4-5"]}""");
        Assert.Equal(("alias", "fast@1", "data"), (Text(made, "type"), Text(made, "name"), Text(made, "source")));
        Assert.Equal(200, (await place.AskAsync("GET", "/v1/models/fast@1", key)).Status);
        await place.AdminAsync(200, "PUT", $"{Aliases}/fast@1", """{"targets":["main/claude-sonnet-4-6","main/claude-haiku-4-5"]}""");
        await place.AdminAsync(200, "DELETE", $"{Aliases}/fast@1");
        Assert.Equal(404, (await place.AskAsync("GET", "/v1/models/fast@1", key)).Status);
        await place.AdminAsync(404, "DELETE", $"{Aliases}/fast@1");

        var moves = (await place.EventsAsync("demarc_alias_updated")).Where(e => e.Fields["alias"] == "fast@1").ToArray();
        Assert.Equal(
            [
                (null, """["main/claude-haiku-4-5"]"""),
                ("""["main/claude-haiku-4-5"]""", """["main/claude-sonnet-4-6","main/claude-haiku-4-5"]"""),
                ("""["main/claude-sonnet-4-6","main/claude-haiku-4-5"]""", null),
            ],
            moves.Select(m => (m.Fields.GetValueOrDefault("targets_before"), m.Fields.GetValueOrDefault("targets_after"))));
        Assert.All(moves, m => Assert.Equal((place.Admin.Id, "127.0.0.1"), (m.Actor.Id, m.Actor.IpAddress)));
    }

    [Fact]
    public async Task An_alias_is_staged_promoted_and_rolled_back_over_HTTP()
    {
        await place.AdminAsync(404, "PUT", $"{Aliases}/steady", """{"targets":["main/claude-sonnet-4-6"],"stage":"10%"}""");
        await place.AdminAsync(200, "PUT", $"{Aliases}/steady", """{"targets":["main/claude-haiku-4-5"]}""");
        await place.AdminAsync(409, "POST", $"{Aliases}/steady/promote");
        var preview = await place.AdminAsync(200, "PUT", $"{Aliases}/steady?dry_run=true", """{"targets":["main/claude-sonnet-4-6"]}""");
        Assert.Contains(preview.GetProperty("changes").EnumerateArray(), c => Text(c, "fact") == "model");
        Assert.Contains("stage", Text((await place.AdminAsync(400, "PUT", $"{Aliases}/steady", """{"targets":["main/claude-sonnet-4-6"],"stage":"all"}""")).GetProperty("error"), "message"), StringComparison.Ordinal);

        var staged = (await place.AdminAsync(200, "PUT", $"{Aliases}/steady", """{"targets":["main/claude-sonnet-4-6"],"stage":"10%"}""")).GetProperty("staged");
        Assert.Equal("10%", Text(staged, "share"));
        Assert.Equal("main/claude-sonnet-4-6", (await place.AdminAsync(200, "POST", $"{Aliases}/steady/promote")).GetProperty("targets")[0].GetString());
        Assert.Equal("main/claude-haiku-4-5", (await place.AdminAsync(200, "POST", $"{Aliases}/steady/rollback")).GetProperty("targets")[0].GetString());
        await place.AdminAsync(404, "POST", $"{Aliases}/absent/rollback");
    }

    [Fact]
    public async Task What_the_configuration_names_is_read_only_and_says_where()
    {
        var line = File.ReadAllLines(place.ConfigPath).ToList().FindIndex(l => l.Contains("pinned", StringComparison.Ordinal)) + 1;
        foreach (var (method, path, body) in new[]
        {
            ("PUT", "pinned", """{"targets":["main/claude-sonnet-4-6"]}"""), ("DELETE", "pinned", null), ("POST", "pinned/promote", null), ("POST", "pinned/rollback", null),
        })
        {
            var error = (await place.AdminAsync(409, method, $"{Aliases}/{path}", body)).GetProperty("error");
            Assert.Contains($"{place.ConfigPath}:{line}", Text(error, "message"), StringComparison.Ordinal);
        }
        var listed = (await place.AdminAsync(200, "GET", Aliases)).GetProperty("data").EnumerateArray().Single(a => Text(a, "name") == "pinned");
        Assert.Equal(("configuration", $"{place.ConfigPath}:{line}"), (Text(listed, "source"), Text(listed, "place")));
    }

    [Theory]
    [InlineData("bad", """{"targets":["main/absent"]}""", "main/claude-haiku-4-5, main/claude-sonnet-4-6")]
    [InlineData("bad", """{"targets":[]}""", "targets")]
    [InlineData("bad", """{"targets":"main/claude-haiku-4-5"}""", "targets")]
    [InlineData("bad", """{"targets":["main/claude-haiku-4-5","main/claude-haiku-4-5"]}""", "twice")]
    [InlineData("bad", """{"target":[]}""", "target")]
    [InlineData("bad", "{}", "targets")]
    [InlineData("-bad", """{"targets":["main/claude-haiku-4-5"]}""", "name")]
    [InlineData("b%0Ad", """{"targets":["main/claude-haiku-4-5"]}""", "name")]
    public async Task An_alias_that_cannot_be_is_refused_and_told_what_there_is(string name, string body, string told)
    {
        var error = (await place.AdminAsync(400, "PUT", $"{Aliases}/{name}", body)).GetProperty("error");
        Assert.Contains(told, Text(error, "message"), StringComparison.Ordinal);
    }

    private static string Text(JsonElement value, string name) => value.GetProperty(name).GetString()!;
}
