using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Demarc.Governance.Identity;
using Demarc.Serving;
using Demarc.Simulator;
using Demarc.Simulator.Scripts;
using Demarc.Storage.Directory;
using Demarc.Tests.Identity.Scim;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Identity;

/// <summary>What one replica is told takes effect on the other within five seconds, in the middle of a stream (law 7).</summary>
public sealed class ReplicaRevocationTests
{
    [Fact]
    public async Task A_key_a_person_and_a_role_that_end_at_one_replica_end_streams_of_the_other()
    {
        await using var store = await StorePlace.CreateAsync(StoreKind.Postgres);
        await using var simulator = await SimulatorHost.StartAsync();
        var folder = Directory.CreateTempSubdirectory("demarc-replica-revocation-");
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "scim.token"), ScimPlace.Token, TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(Path.Combine(folder.FullName, "demarc.yaml"), $$"""
            store: {{store.Url}}
            scim: { tokens: ["${file:scim.token}"] }
            resources:
              - { name: one, platform: anthropic, endpoint: "{{simulator.Url.AbsoluteUri}}", credential: { api_key: sk-one }, deployments: [{ name: first, model: claude-haiku-4-5-20251001 }] }
            aliases: { haiku: [one/first] }
            """, TestContext.Current.CancellationToken);
        await using var here = await StartAsync(folder);
        await using var there = await StartAsync(folder);
        using var keys = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder.FullName, "quickstart.json"), TestContext.Current.CancellationToken));
        var admin = keys.RootElement.GetProperty("admin_key").GetString()!;
        simulator.Script.Set(new ScriptRule { Stream = true, Text = "a b", Deltas = 2, Fault = new ScriptFault { Kind = FaultKind.Silence, AfterEvents = 4 } });
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        var organization = (await here.Store.Organizations.EnsureFirstAsync("x", StorePlace.Actor)).Id;

        foreach (var way in new[] { "key", "person", "role" })
        {
            var user = (await here.Store.Users.CreateAsync(organization, $"{way}@corp.example", way, "developer", StorePlace.Actor))!;
            var (key, secret) = await here.Store.ApiKeys.CreateAsync(new NewApiKey(organization, ApiKeyKind.Inference, way, "user", user.Id), StorePlace.Actor);
            using var asking = Request(HttpMethod.Post, there, "/v1/messages", secret.Reveal(), """{"model":"haiku","max_tokens":100,"stream":true,"messages":[{"role":"user","content":"hello"}]}""");
            using var answer = await http.SendAsync(asking, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
            Assert.True(answer.IsSuccessStatusCode, $"{way}: {answer}");
            using var reader = new StreamReader(await answer.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
            Assert.Equal("event: message_start", await reader.ReadLineAsync(TestContext.Current.CancellationToken));

            using var telling = way switch
            {
                "key" => Request(HttpMethod.Post, here, $"/v1/organizations/api_keys/{key.Id}", admin, """{"status":"inactive"}"""),
                "person" => Request(HttpMethod.Patch, here, $"/scim/v2/Users/{user.Id}", ScimPlace.Token, """{"Operations":[{"op":"Replace","path":"active","value":"False"}]}"""),
                // A key asks by its own kind, whatever its person's role; a denial takes it from every credential.
                _ => Request(HttpMethod.Post, here, "/v1/organizations/role_assignments", admin, $$"""{"role":"developer","user_id":"{{user.Id}}","effect":"deny"}"""),
            };
            var begun = Stopwatch.GetTimestamp();
            using var told = await http.SendAsync(telling, TestContext.Current.CancellationToken);
            Assert.True(told.IsSuccessStatusCode, $"{way}: {await told.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}");
            var rest = await reader.ReadToEndAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);

            Assert.True(Stopwatch.GetElapsedTime(begun) < TimeSpan.FromSeconds(5), $"{way}: {Stopwatch.GetElapsedTime(begun)}");
            Assert.Contains("event: error", rest, StringComparison.Ordinal);
            Assert.DoesNotContain("message_stop", rest, StringComparison.Ordinal);
        }
        folder.Delete(recursive: true);
    }

    private static Task<Gateway> StartAsync(DirectoryInfo folder) => Gateway.StartAsync(
        new ServeOptions { ConfigPath = Path.Combine(folder.FullName, "demarc.yaml"), DataDirectory = folder.FullName, Listen = "127.0.0.1:0", Quickstart = true },
        logging: logging => logging.ClearProviders());

    private static HttpRequestMessage Request(HttpMethod method, Gateway gateway, string path, string token, string body)
    {
        var request = new HttpRequestMessage(method, new Uri(gateway.Url, path)) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return request;
    }
}
