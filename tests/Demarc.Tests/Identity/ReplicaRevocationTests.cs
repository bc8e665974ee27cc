using System.Diagnostics;
using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Simulator.Scripts;
using Demarc.Storage.Directory;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Identity.Roles;
using Demarc.Tests.Identity.Scim;
using Demarc.Tests.Storage;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>What one replica is told takes effect on the other within five seconds, in the middle of a stream (law 7).</summary>
public sealed class ReplicaRevocationTests(ReplicaPair pair) : IClassFixture<ReplicaPair>
{
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("key")]
    [InlineData("person")]
    [InlineData("role")]
    [InlineData("group")]
    [InlineData("signed out")]
    [InlineData("session")]
    public async Task What_ends_at_one_replica_ends_streams_of_the_other(string way)
    {
        var (here, there) = (pair.Here, pair.There);
        var user = (await here.Store.Users.CreateAsync(pair.OrganizationId, $"{way.Replace(' ', '-')}@corp.example", way, "developer", StorePlace.Actor))!;
        var (key, secret) = await here.Store.ApiKeys.CreateAsync(new NewApiKey(pair.OrganizationId, ApiKeyKind.Inference, way, "user", user.Id), StorePlace.Actor);
        var token = await RolePlace.TokenAsync(here.Store, pair.Master, user);
        var group = await BarredAsync(way);
        pair.Simulator.Script.Set(new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4 } });
        using var asking = ReplicaPair.Request(
            HttpMethod.Post, there, "/v1/messages", way is "signed out" or "session" ? token : secret.Reveal(), """{"model":"haiku","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"hello"}]}""");
        using var answer = await pair.Http.SendAsync(asking, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, answer.ToString());
        using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal("event: message_start", await reader.ReadLineAsync(TestContext.Current.CancellationToken));

        var begun = Stopwatch.GetTimestamp();
        switch (way)
        {
            case "signed out":
                Assert.Equal(200, (await pair.PostAsync(here, "/oauth/revoke", ("token", token))).Status);
                break;
            case "session":
                Assert.True(await here.Store.SignIns.EndAsync(pair.OrganizationId, new JsonWebToken(token).GetClaim("sid").Value, "revoked", StorePlace.Actor));
                break;
            default:
                using (var telling = way switch
                {
                    "key" => ReplicaPair.Request(HttpMethod.Post, here, $"/v1/organizations/api_keys/{key.Id}", pair.AdminKey, """{"status":"inactive"}"""),
                    "person" => ReplicaPair.Request(HttpMethod.Patch, here, $"/scim/v2/Users/{user.Id}", ScimPlace.Token, """{"Operations":[{"op":"Replace","path":"active","value":"False"}]}"""),
                    "group" => ReplicaPair.Request(HttpMethod.Patch, here, $"/scim/v2/Groups/{group}", ScimPlace.Token, $$"""{"Operations":[{"op":"Add","path":"members","value":[{"value":"{{user.Id}}"}]}]}"""),
                    // A key asks by its own kind, whatever its person's role; a denial takes it from every credential.
                    _ => ReplicaPair.Request(HttpMethod.Post, here, "/v1/organizations/role_assignments", pair.AdminKey, $$"""{"role":"developer","user_id":"{{user.Id}}","effect":"deny"}"""),
                })
                using (var told = await pair.Http.SendAsync(telling, TestContext.Current.CancellationToken))
                    Assert.True(told.IsSuccessStatusCode, $"{told} {await told.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
                break;
        }
        var rest = await reader.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

        Assert.True(Stopwatch.GetElapsedTime(begun) < Bound, Stopwatch.GetElapsedTime(begun).ToString());
        Assert.Contains("event: error", rest, StringComparison.Ordinal);
        Assert.DoesNotContain("message_stop", rest, StringComparison.Ordinal);
        pair.Simulator.Script.Clear();
    }

    [Fact]
    public async Task Guesses_at_one_replica_count_at_the_other()
    {
        for (var i = 0; i < 10; i++)
            Assert.Equal(400, (await pair.PostAsync(pair.Here, "/oauth/token", ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", $"demarc_device_{i}"))).Status);
        Assert.Equal(429, (await pair.PostAsync(pair.Here, "/oauth/token", ("grant_type", "refresh_token"), ("refresh_token", "x"))).Status);

        // Heard, and not counted there: no guess is made at the other meanwhile.
        await GatewayPlace.UntilAsync(Bound, () => Task.FromResult(pair.There.Store.Abuse.Tokens.IsSpent("127.0.0.1")));

        Assert.Equal(429, (await pair.PostAsync(pair.There, "/oauth/token", ("grant_type", "refresh_token"), ("refresh_token", "x"))).Status);
        // Of what was not guessed, none is spent.
        Assert.False(pair.There.Store.Abuse.SignIns.IsSpent("127.0.0.1"));
    }

    [Fact]
    public async Task Every_replica_publishes_the_same_keys_and_takes_what_the_other_signed()
    {
        var sets = new List<string>();
        foreach (var replica in new[] { pair.Here, pair.There })
            sets.Add(await pair.Http.GetStringAsync(new Uri(replica.Url, "/.well-known/jwks.json"), TestContext.Current.CancellationToken));
        Assert.Equal(sets[0], sets[1]);
        Assert.Equal(3, JsonDocument.Parse(sets[0]).RootElement.GetProperty("keys").GetArrayLength());

        var user = (await pair.Here.Store.Users.CreateAsync(pair.OrganizationId, "keys@corp.example", "keys", "developer", StorePlace.Actor))!;
        var token = await RolePlace.TokenAsync(pair.Here.Store, pair.Master, user);
        using var request = ReplicaPair.Request(HttpMethod.Get, pair.There, "/v1/me", token);
        using var answer = await pair.Http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode, answer.ToString());
        // By another implementation, with what is published alone.
        var verified = await new JsonWebTokenHandler().ValidateTokenAsync(token, new TokenValidationParameters { ValidIssuer = "http://test", ValidAudience = "demarc", IssuerSigningKeys = new JsonWebKeySet(sets[1]).GetSigningKeys() });
        Assert.True(verified.IsValid, verified.Exception?.ToString());
    }

    // Whoever is put into it may ask nothing any more.
    private async Task<string> BarredAsync(string way)
    {
        using var made = ReplicaPair.Request(HttpMethod.Post, pair.Here, "/scim/v2/Groups", ScimPlace.Token, $$"""{"displayName":"barred-{{way}}"}""");
        using var answer = await pair.Http.SendAsync(made, TestContext.Current.CancellationToken);
        var id = JsonDocument.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).RootElement.GetProperty("id").GetString()!;
        await pair.Here.Store.RoleAssignments.AssignAsync(pair.OrganizationId, new NewRoleAssignment("developer", true, "group", id, Governance.Identity.Roles.RoleScope.Organization), StorePlace.Actor);
        return id;
    }
}
