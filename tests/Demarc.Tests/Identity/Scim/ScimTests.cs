using System.Net;
using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Roles;
using Demarc.Storage.Directory;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Identity.Scim;

/// <summary>A directory's requests against a running gateway, on both stores.</summary>
public sealed class ScimTests
{
    private const string Enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

    // What Entra ID sends for a person who is assigned ("Develop a SCIM endpoint", "Create User").
    private const string EntraUser =
        """
        {"schemas":["urn:ietf:params:scim:schemas:core:2.0:User","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"],
         "externalId":"0a21f0f2-8d2a-4f8e-bf98-7363c4aed4ef","userName":"Ana@Corp.example","active":true,"displayName":"Ana Silva",
         "emails":[{"primary":true,"type":"work","value":"ana.silva@corp.example"}],"meta":{"resourceType":"User"},
         "name":{"formatted":"Ana Silva","familyName":"Silva","givenName":"Ana"},"roles":[],
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Research","costCenter":"4711","manager":"user_9"}}
        """;

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task A_person_comes_changes_and_goes_as_Entra_ID_does_it(StoreKind kind)
    {
        await using var place = await ScimPlace.StartAsync(kind);
        Assert.Equal(0, (await place.DoneAsync(200, "GET", "Users?filter=userName+eq+%22ana@corp.example%22"))["totalResults"]!.GetValue<int>());

        var (status, made, answer) = await place.AskAsync("POST", "Users", EntraUser);
        Assert.True(status == HttpStatusCode.Created, made?.ToString());
        var id = made!["id"]!.GetValue<string>();
        Assert.Equal(new Uri(place.Url, $"Users/{id}"), answer.Headers.Location);
        Assert.Equal("application/scim+json", answer.Content.Headers.ContentType!.MediaType);
        Assert.Equal(("Ana@Corp.example", "Ana Silva", "user_9"), (made["userName"]!.GetValue<string>(), made["displayName"]!.GetValue<string>(), made[Enterprise]!["manager"]!["value"]!.GetValue<string>()));
        var (conflict, refused, _) = await place.AskAsync("POST", "Users", EntraUser.Replace("Ana@Corp", "aNA@corp", StringComparison.Ordinal));
        Assert.Equal((HttpStatusCode.Conflict, "uniqueness"), (conflict, refused!["scimType"]!.GetValue<string>()));
        Assert.Equal(id, (await place.DoneAsync(200, "GET", "Users?filter=userName+eq+%22ANA@corp.example%22"))["Resources"]![0]!["id"]!.GetValue<string>());

        await place.PatchAsync(200, $"Users/{id}",
            """{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter","value":"4712"}""",
            """{"op":"Replace","path":"emails[type eq \"work\"].value","value":"ana@corp.example"}""");
        Assert.Equal(("ana@corp.example", "4712", "Research"), await ColumnsAsync());
        await place.PatchAsync(200, $"Users/{id}", """{"op":"Replace","path":"active","value":"False"}""");
        Assert.Equal("inactive", await place.Store.SqlAsync<string>("SELECT status FROM users WHERE user_name_key = 'ana@corp.example'"));
        Assert.False((await place.DoneAsync(200, "GET", $"Users/{id}"))["active"]!.GetValue<bool>());

        var organization = (await place.Opened.Organizations.ListAsync())[0].Id;
        await place.Opened.RoleAssignments.AssignAsync(organization, new NewRoleAssignment("billing", false, "user", id, RoleScope.Organization), StorePlace.Actor);
        await place.DoneAsync(204, "DELETE", $"Users/{id}");
        Assert.Empty(await place.Opened.RoleAssignments.ListAsync(organization));
        Assert.Equal("404", (await place.DoneAsync(404, "GET", $"Users/{id}"))["status"]!.GetValue<string>());
        await place.DoneAsync(404, "DELETE", $"Users/{id}");
        Assert.Equal("scim_user_created scim_user_updated scim_user_updated scim_user_deleted", await place.ActivitiesAsync());

        async Task<(string?, string?, string?)> ColumnsAsync() => (
            await place.Store.SqlAsync<string>("SELECT email FROM users"), await place.Store.SqlAsync<string>("SELECT cost_center FROM users"), await place.Store.SqlAsync<string>("SELECT department FROM users"));
    }

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task A_group_changes_as_Okta_and_Entra_ID_do_it(StoreKind kind)
    {
        await using var place = await ScimPlace.StartAsync(kind);
        string[] people = [await place.UserAsync("a"), await place.UserAsync("b"), await place.UserAsync("c")];
        var id = await place.GroupAsync("developers", people[0]);
        await place.DoneAsync(409, "POST", "Groups", """{"displayName":"developers"}""");
        async Task<string> MembersAsync() => string.Join(' ', (await place.DoneAsync(200, "GET", $"Groups/{id}"))["members"]!.AsArray().Select(m => Array.IndexOf(people, m!["value"]!.GetValue<string>())));

        await place.PatchAsync(204, $"Groups/{id}", $$"""{"op":"Add","path":"members","value":[{"value":"{{people[1]}}"},{"value":"{{people[2]}}"},{"value":"{{people[1]}}"}]}""");
        Assert.Equal("0 1 2", await MembersAsync());
        await place.PatchAsync(204, $"Groups/{id}", $$"""{"op":"Remove","path":"members","value":[{"value":"{{people[0]}}"}]}""");
        Assert.Equal("1 2", await MembersAsync());
        await place.PatchAsync(204, $"Groups/{id}", $$"""{"op":"remove","path":"members[value eq \"{{people[2]}}\"]"}""");
        Assert.Equal("1", await MembersAsync());
        // Okta renames without a path, and names the id.
        await place.PatchAsync(204, $"Groups/{id}", $$"""{"op":"replace","value":{"displayName":"engineers","id":"{{id}}" } }""");
        Assert.Equal("engineers", (await place.DoneAsync(200, "GET", $"Groups/{id}?excludedAttributes=members"))["displayName"]!.GetValue<string>());
        await place.PatchAsync(204, $"Groups/{id}", $$"""{"op":"replace","path":"members","value":[{"value":"{{people[0]}}"}]}""");
        Assert.Equal("0", await MembersAsync());
        Assert.Equal("engineers", (await place.DoneAsync(200, "GET", $"Users/{people[0]}"))["groups"]![0]!["display"]!.GetValue<string>());
        foreach (var (filter, found) in new[] { ($"displayName eq \"ENGINEERS\"", 1), ($"members eq \"{people[0]}\"", 1), ($"id eq \"{id}\" and members eq \"{people[1]}\"", 0), ($"members[value eq \"{people[0]}\"]", 1) })
            Assert.Equal(found, (await place.DoneAsync(200, "GET", $"Groups?excludedAttributes=members&filter={Uri.EscapeDataString(filter)}"))["totalResults"]!.GetValue<int>());

        await place.PatchAsync(204, $"Groups/{id}", """{"op":"remove","path":"members"}""");
        Assert.Equal("", await MembersAsync());
        Assert.Equal("invalidValue", (await place.PatchAsync(400, $"Groups/{id}", """{"op":"add","path":"members","value":[{"value":"user_nobody"}]}"""))["scimType"]!.GetValue<string>());
        await place.DoneAsync(400, "PUT", $"Groups/{id}", $$"""{"displayName":"engineers","members":[{"value":"rbac_group_1","type":"Group"}]}""");
        await place.DoneAsync(200, "PUT", $"Groups/{id}", $$"""{"displayName":"developers","members":[{"value":"{{people[1]}}"}]}""");
        Assert.Equal("1", await MembersAsync());
        await place.DoneAsync(204, "DELETE", $"Groups/{id}");
        await place.DoneAsync(404, "GET", $"Groups/{id}");
    }

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task Filters_pages_and_orders_are_the_same_in_the_store_and_outside_of_it(StoreKind kind)
    {
        await using var place = await ScimPlace.StartAsync(kind);
        foreach (var (name, more) in new[] { ("ann_a", ""","title":"Lead","externalId":"X%1","active":true"""), ("annb", ""","active":false,"displayName":"Zed \"q\" É" """), ("carl", ""","title":"Lead" """), ("Dora", ""","nickName":"D" """) })
            await place.UserAsync(name, more);
        foreach (var (filter, names) in new[]
        {
            ("userName sw \"ann\"", "ann_a annb"), ("userName sw \"ann_\"", "ann_a"), ("userName co \"R\"", "ann_a annb carl Dora"), ("userName ew \"CORP.example\"", "ann_a annb carl Dora"),
            ("externalId eq \"X%1\"", "ann_a"), ("externalId eq \"x%1\"", ""), ("externalId ne \"X%1\"", "annb carl Dora"), ("not (externalId eq \"X%1\")", "annb carl Dora"), ("externalId pr", "ann_a"),
            ("active eq false", "annb"), ("active ne false", "ann_a carl Dora"), ("active pr", "ann_a annb carl Dora"), ("displayName co \"q\\\" é\"", "annb"), ("displayName sw \"ZED\"", "annb"),
            ("title eq \"lead\"", "ann_a carl"), ("title eq \"lead\" and userName sw \"c\"", "carl"), ("title eq \"lead\" or userName sw \"d\"", "ann_a carl Dora"),
            ("not (title pr) and active eq true", "Dora"), ("emails[value sw \"annb\"] or nickName pr", "Dora"),
            ("meta.created gt \"2020-01-01T00:00:00Z\" and userName eq \"carl@corp.example\"", "carl"), ("meta.created lt \"2020-01-01T00:00:00Z\"", ""),
        })
            Assert.Equal(names, await place.NamesAsync(filter));

        Assert.Equal("Dora carl annb ann_a", await place.NamesAsync("userName pr", "&sortBy=userName&sortOrder=descending"));
        Assert.Equal("annb carl", await place.NamesAsync("userName pr", "&sortBy=userName&startIndex=2&count=2"));
        // The same page of what only the program can tell.
        Assert.Equal("carl", await place.NamesAsync("title eq \"Lead\"", "&startIndex=2&count=1"));
        var page = await place.DoneAsync(200, "GET", "Users?startIndex=3&count=1&attributes=userName");
        Assert.Equal((4, 3, 1), (page["totalResults"]!.GetValue<int>(), page["startIndex"]!.GetValue<int>(), page["itemsPerPage"]!.GetValue<int>()));
        Assert.Equal("id schemas userName", string.Join(' ', page["Resources"]![0]!.AsObject().Select(a => a.Key).Order(StringComparer.Ordinal)));
        foreach (var (query, total) in new[] { ("count=0", 4), ("startIndex=0&count=-1", 4), ("startIndex=9", 4) })
        {
            page = await place.DoneAsync(200, "GET", "Users?" + query);
            Assert.Equal((total, 0), (page["totalResults"]!.GetValue<int>(), page["Resources"]!.AsArray().Count));
        }
        Assert.Equal(2, (await place.DoneAsync(200, "POST", "Users/.search", """{"filter":"title eq \"Lead\"","attributes":["userName"],"count":5}"""))["totalResults"]!.GetValue<int>());
    }

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task An_ETag_that_is_old_changes_nothing(StoreKind kind)
    {
        await using var place = await ScimPlace.StartAsync(kind);
        var id = await place.UserAsync("a");
        var tag = (await place.AskAsync("GET", $"Users/{id}")).Answer.Headers.ETag!.ToString();
        Assert.Equal(HttpStatusCode.NotModified, (await place.AskAsync("GET", $"Users/{id}", headers: ("If-None-Match", tag))).Status);
        const string rename = """{"Operations":[{"op":"replace","path":"title","value":"Lead"}]}""";
        var (status, changed, answer) = await place.AskAsync("PATCH", $"Users/{id}", rename, headers: ("If-Match", tag));
        Assert.Equal((HttpStatusCode.OK, answer.Headers.ETag!.ToString()), (status, changed!["meta"]!["version"]!.GetValue<string>()));
        Assert.NotEqual(tag, answer.Headers.ETag!.ToString());

        foreach (var method in new[] { "PATCH", "DELETE" })
            Assert.Equal(HttpStatusCode.PreconditionFailed, (await place.AskAsync(method, $"Users/{id}", method == "PATCH" ? rename : null, headers: ("If-Match", tag))).Status);
        // What changes nothing is no change.
        Assert.Equal(answer.Headers.ETag!.ToString(), (await place.AskAsync("PATCH", $"Users/{id}", rename)).Answer.Headers.ETag!.ToString());
        Assert.Equal(HttpStatusCode.NoContent, (await place.AskAsync("DELETE", $"Users/{id}", headers: ("If-Match", answer.Headers.ETag!.ToString()))).Status);
    }

    [Theory]
    [InlineData(StoreKind.Sqlite)]
    [InlineData(StoreKind.Postgres)]
    public async Task Changes_at_once_are_all_kept(StoreKind kind)
    {
        await using var place = await ScimPlace.StartAsync(kind);
        var id = await place.GroupAsync("g");
        string[] people = await Task.WhenAll(Enumerable.Range(0, 5).Select(i => place.UserAsync($"u{i}")));
        await Task.WhenAll(people.Select(p => place.PatchAsync(204, $"Groups/{id}", $$"""{"op":"add","path":"members","value":[{"value":"{{p}}"}]}""")));
        Assert.Equal(people.Order(StringComparer.Ordinal), (await place.DoneAsync(200, "GET", $"Groups/{id}"))["members"]!.AsArray().Select(m => m!["value"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Bulk_makes_a_group_of_people_that_come_after_it()
    {
        await using var place = await ScimPlace.StartAsync(StoreKind.Sqlite);
        var done = await place.DoneAsync(200, "POST", "Bulk", """
            {"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
              {"method":"POST","path":"/Groups","bulkId":"g","data":{"displayName":"team","members":[{"value":"bulkId:a"},{"value":"bulkId:b"}]}},
              {"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"a@corp.example"}},
              {"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"b@corp.example","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"bulkId:a"}}}},
              {"method":"PATCH","path":"/Users/bulkId:a","data":{"Operations":[{"op":"replace","path":"title","value":"Lead"}]}},
              {"method":"POST","path":"/Users","bulkId":"c","data":{"userName":"A@corp.example"}},
              {"method":"DELETE","path":"/Users/bulkId:nobody"}]}
            """);
        var operations = done["Operations"]!.AsArray();
        Assert.Equal("201 201 201 200 409 409", string.Join(' ', operations.Select(o => o!["status"]!.GetValue<string>())));
        Assert.Equal("uniqueness", operations[4]!["response"]!["scimType"]!.GetValue<string>());
        var group = await place.DoneAsync(200, "GET", new Uri(operations[0]!["location"]!.GetValue<string>()).AbsolutePath);
        Assert.Equal(2, group["members"]!.AsArray().Count);

        var stopped = await place.DoneAsync(200, "POST", "Bulk", """{"failOnErrors":1,"Operations":[{"method":"DELETE","path":"/Users/none"},{"method":"POST","path":"/Users","bulkId":"d","data":{"userName":"d@corp.example"}}]}""");
        Assert.Equal("404", Assert.Single(stopped["Operations"]!.AsArray())!["status"]!.GetValue<string>());
        Assert.Equal("", await place.NamesAsync("userName sw \"d\""));
    }

    [Fact]
    public async Task What_an_administrator_made_is_found_linked_and_kept_in_one_place()
    {
        await using var place = await ScimPlace.StartAsync(StoreKind.Sqlite);
        var organization = (await place.Opened.Organizations.EnsureFirstAsync("x", StorePlace.Actor)).Id;
        var ana = (await place.Opened.Users.CreateAsync(organization, "Ana@corp.example", "Ana", "admin", StorePlace.Actor))!;
        await place.Opened.Users.UpdateAsync(organization, ana.Id, StorePlace.Actor, costCenter: "12");
        await place.DoneAsync(409, "POST", "Users", """{"userName":"ANA@corp.example"}""");
        Assert.Equal("ana", await place.NamesAsync("userName eq \"ana@corp.example\""));

        var linked = await place.PatchAsync(200, $"Users/{ana.Id}", """{"op":"Add","path":"externalId","value":"7"}""", """{"op":"Add","path":"title","value":"Lead"}""");

        Assert.Equal(("12", "7", "Ana"), (linked[Enterprise]!["costCenter"]!.GetValue<string>(), linked["externalId"]!.GetValue<string>(), linked["displayName"]!.GetValue<string>()));
        var user = (await place.Opened.Users.GetAsync(organization, ana.Id))!;
        Assert.Equal(("admin", "12", "ana@corp.example"), (user.Role, user.CostCenter, user.Email));
        // A service account in a group is none of the directory's business.
        var account = (await place.Opened.ServiceAccounts.CreateAsync(organization, "ci", StorePlace.Actor))!;
        var group = (await place.Opened.Groups.CreateAsync(organization, "g", StorePlace.Actor))!;
        await place.Opened.Groups.UpdateMembersAsync(organization, group.Id, [account.Id, ana.Id], [], StorePlace.Actor);
        await place.DoneAsync(200, "PUT", $"Groups/{group.Id}", """{"displayName":"g","members":[]}""");
        Assert.Equal([account.Id], await place.Opened.Groups.MembersAsync(organization, group.Id));
    }

    [Fact]
    public async Task Bad_input_is_refused_in_the_shape_of_SCIM()
    {
        await using var place = await ScimPlace.StartAsync(StoreKind.Sqlite);
        // A person to be filtered: a filter is looked at row by row where the store cannot tell.
        await place.UserAsync("someone");
        foreach (var (method, path, body, status, type, says) in new (string, string, string?, int, string?, string)[]
        {
            ("POST", "Users", """{"displayName":"x"}""", 400, "invalidValue", "userName"),
            ("POST", "Users", """{"userName":"x"}""", 400, "invalidValue", "emails"),
            ("POST", "Users", """{"userName":"x@c.example","emails":[{"value":"nope"}]}""", 400, "invalidValue", "no e-mail address"),
            ("POST", "Users", """{"userName":"x@c.example","name":"x"}""", 400, "invalidValue", "name"),
            ("POST", "Users", """{"userName":"x@c.example","displayName":"a\u202eb"}""", 400, "invalidValue", "displayName"),
            ("POST", "Users", """[]""", 400, "invalidSyntax", "JSON object"),
            ("POST", "Users", """{"userName":"a@c.example","userName":"b@c.example"}""", 400, "invalidSyntax", "twice"),
            ("POST", "Users", """{"userName":"\ud800@c.example"}""", 400, "invalidSyntax", "UTF-8"),
            ("GET", "Users?filter=userName", null, 400, "invalidFilter", "operator"),
            ("GET", "Users?filter=shoeSize+eq+%221%22", null, 400, "invalidFilter", "shoeSize"),
            ("GET", "Users?sortBy=title", null, 400, "invalidValue", "sortBy"),
            ("GET", "Users?count=many", null, 400, "invalidValue", "count"),
            ("GET", "Users/user_none", null, 404, null, "no user"),
            ("GET", "Groups/1'; DROP TABLE users", null, 404, null, "no group"),
            ("GET", "Me", null, 501, null, "/Me"),
            ("PATCH", "Users", "{}", 404, null, "ResourceTypes"),
            ("GET", "Devices", null, 404, null, "ResourceTypes"),
        })
        {
            var (came, json, _) = await place.AskAsync(method, path, body);
            Assert.True(status == (int)came, $"{method} {path} {body}: {came} {json}");
            Assert.Equal("urn:ietf:params:scim:api:messages:2.0:Error", json!["schemas"]![0]!.GetValue<string>());
            Assert.Equal((status.ToString(System.Globalization.CultureInfo.InvariantCulture), type), (json["status"]!.GetValue<string>(), json["scimType"]?.GetValue<string>()));
            Assert.Contains(says, json["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Only_the_token_opens_it_and_only_at_its_own_address()
    {
        await using var place = await ScimPlace.StartAsync(StoreKind.Sqlite, apart: true);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        foreach (var (address, path, status) in new[] { (place.Gateway.Addresses[0], "/scim/v2/Users", 404), (place.Gateway.Addresses[1], "/v1/models", 404), (place.Gateway.Addresses[1], "/livez", 200), (place.Gateway.Addresses[1], "/scim/v2/Users", 401) })
        {
            using var answer = await http.GetAsync(new Uri(address, path), TestContext.Current.CancellationToken);
            Assert.Equal((path, status), (path, (int)answer.StatusCode));
        }
        await place.DoneAsync(200, "GET", "Users");
        foreach (var wrong in new[] { null, "", "x", ScimPlace.Token + "x", ScimPlace.Token.ToUpperInvariant() })
        {
            var (status, json, answer) = await place.AskAsync("GET", "ServiceProviderConfig", token: wrong);
            Assert.Equal((HttpStatusCode.Unauthorized, "401"), (status, json!["status"]!.GetValue<string>()));
            Assert.StartsWith("Bearer", answer.Headers.WwwAuthenticate.ToString(), StringComparison.Ordinal);
        }
        // Guessing ends: with the right token too, from that address.
        for (var i = 0; i < 20; i++)
            await place.AskAsync("GET", "Users", token: $"guess {i}");
        Assert.Equal(HttpStatusCode.TooManyRequests, (await place.AskAsync("GET", "Users")).Status);
    }

    [Fact]
    public async Task Addresses_that_its_own_rules_deny_are_turned_away()
    {
        await using var place = await ScimPlace.StartAsync(StoreKind.Sqlite, rest: "network_rules: [{ priority: 1, action: allow, from: [192.0.2.0/24] }]");
        await place.DoneAsync(403, "GET", "Users");
    }
}

internal static class ScimActivities
{
    /// <summary>The types of what the directory did, oldest first.</summary>
    public static async Task<string> ActivitiesAsync(this ScimPlace place)
    {
        var rows = await place.Store.LogAsync(place.Opened);
        return string.Join(' ', rows.Select(r => JsonNode.Parse(r.Body)!).Where(b => b["actor"]?["type"]?.GetValue<string>() == "scim").Select(b => b["type"]!.GetValue<string>()));
    }
}
