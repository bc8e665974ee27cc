using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Serving;
using Demarc.Storage;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Commands;

/// <summary>Commands beside a gateway that serves: another process on the same store.</summary>
public sealed partial class RunningGatewayTests(GatewayFixture gateway) : IClassFixture<GatewayFixture>
{
    // The law's own limit: leaving takes effect within five seconds of learning of it.
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    [Fact]
    public async Task A_key_made_in_another_process_holds_at_once_and_revoked_ends_within_five_seconds()
    {
        var made = await JsonAsync("key", "create", "--user", "developer@demarc.example", "--name", "laptop");
        var key = made.GetProperty("key").GetString()!;
        Assert.Equal(HttpStatusCode.OK, await ModelsAsync(key));

        await DoneAsync("key", "revoke", made.GetProperty("id").GetString()!);
        await GatewayPlace.UntilAsync(Limit, async () => await ModelsAsync(key) == HttpStatusCode.Unauthorized);
    }

    [Fact]
    public async Task A_second_gateway_on_the_same_folder_is_refused_at_its_start()
    {
        var second = new ServeOptions { DataDirectory = gateway.DataDirectory, Listen = "127.0.0.1:0", Simulator = gateway.Simulator.Url };
        var refusal = await Assert.ThrowsAsync<StoreException>(() => Gateway.StartAsync(second, logging: logging => logging.ClearProviders()));

        Assert.Contains("Another process serves", refusal.Message, StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, await ModelsAsync(gateway.DeveloperKey));
    }

    [Fact]
    public async Task A_person_who_is_deactivated_is_out_within_five_seconds_and_back_when_activated()
    {
        await DoneAsync("user", "create", "leaver@contoso.example");
        var key = await DoneAsync("key", "create", "--user", "leaver@contoso.example", "--name", "laptop");
        Assert.Equal(HttpStatusCode.OK, await ModelsAsync(key));
        await DoneAsync("user", "deactivate", "leaver@contoso.example");
        await GatewayPlace.UntilAsync(Limit, async () => await ModelsAsync(key) == HttpStatusCode.Unauthorized);
        await DoneAsync("user", "activate", "leaver@contoso.example");
        await GatewayPlace.UntilAsync(Limit, async () => await ModelsAsync(key) == HttpStatusCode.OK);
    }

    [Fact]
    public async Task A_moved_alias_serves_and_what_it_cost_adds_up_every_way()
    {
        await DoneAsync("alias", "move", "nimble", "sim-anthropic/claude-haiku-4-5-20251001");
        await GatewayPlace.UntilAsync(Limit, async () => await AskAsync("nimble") == HttpStatusCode.OK);
        var spent = await SpendAsync("model", "claude-haiku-4-5-20251001");

        Assert.True(spent.Cost > 0 && spent.Requests == 1, spent.ToString());
        Assert.Equal(spent, await SpendAsync("resource", "sim-anthropic"));
        Assert.Equal(spent, await SpendAsync("person", null));
        Assert.Equal(spent, await SpendAsync("key", null));
        Assert.DoesNotContain("developer@", await DoneAsync("cost", "--by", "person"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_guide_says_works()
    {
        var made = await JsonAsync("key", "create", "--user", "developer@demarc.example", "--name", "guide");
        await RunGuideAsync(
            "administer.md",
            script => script.Replace("apikey_…", made.GetProperty("id").GetString(), StringComparison.Ordinal),
            _ => { },
            (folder, _) => Assert.Matches("^demarc_key_[0-9A-Za-z]{72}\n$", File.ReadAllText(Path.Combine(folder, "ci.key"))));
    }

    [Fact]
    public Task What_the_page_on_costs_says_works() => RunGuideAsync(
        "costs.md",
        script => script,
        folder => File.WriteAllText(
            Path.Combine(folder, "cost-export.csv"),
            "date,productName,costInUsd,resourceId\n10/05/2026,Claude in Microsoft Foundry,12.5,/subscriptions/1/providers/Microsoft.CognitiveServices/accounts/shadow\n"),
        (folder, output) =>
        {
            // Nothing of it came through here.
            Assert.Contains("\"bypass_usd\": \"12.50\"", output, StringComparison.Ordinal);
            Assert.Contains("accounts/shadow is no resource", output, StringComparison.Ordinal);
            Assert.StartsWith("AvailabilityZone,BilledCost,", File.ReadAllText(Path.Combine(folder, "october.csv")), StringComparison.Ordinal);
        });

    private async Task RunGuideAsync(string page, Func<string, string> fill, Action<string> prepare, Action<string, string> check)
    {
        Component.Require(File.Exists("/usr/bin/curl") || File.Exists("/bin/curl"), "curl is not installed");
        var script = fill(string.Concat(Fence().Matches(File.ReadAllText(Repository.Path("docs", page))).Select(m => m.Groups[1].Value)));
        Assert.Contains("demarc ", script, StringComparison.Ordinal);
        var folder = Directory.CreateTempSubdirectory("demarc-guide-").FullName;
        try
        {
            prepare(folder);
            var result = await Command.RunAsync(
                "bash",
                ["-euxc", $"demarc() {{ dotnet '{DemarcCommand.Program}' \"$@\" --data '{gateway.DataDirectory}'; }}\n{script}"],
                folder,
                new Dictionary<string, string>(DemarcCommand.Environment) { ["DEMARC_URL"] = gateway.Url.AbsoluteUri.TrimEnd('/'), ["DEMARC_ADMIN_KEY"] = gateway.AdminKey },
                TestContext.Current.CancellationToken);

            Assert.True(result.ExitCode == 0, result.ToString());
            check(folder, result.ToString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<(long Requests, long Cost)> SpendAsync(string by, string? name)
    {
        var found = default((long, long));
        // Totals follow the log within about a second.
        await GatewayPlace.UntilAsync(Limit, async () =>
        {
            var rows = (await JsonAsync("cost", "--by", by)).EnumerateArray().Where(r => name is null || r.GetProperty("name").GetString() == name).ToArray();
            found = (rows.Sum(r => r.GetProperty("requests").GetInt64()), rows.Sum(r => r.GetProperty("nano_usd").GetInt64()));
            return rows.Length > 0;
        });
        return found;
    }

    private async Task<HttpStatusCode> ModelsAsync(string key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway.Url, "/v1/models"));
        request.Headers.Add("x-api-key", key);
        using var response = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private async Task<HttpStatusCode> AskAsync(string model)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(gateway.Url, "/v1/messages"));
        request.Headers.Add("x-api-key", gateway.DeveloperKey);
        request.Headers.Add("anthropic-version", "2023-06-01");
        request.Content = new StringContent(
            $$"""{"model":"{{model}}","max_tokens":16,"messages":[{"role":"user","content":"hi"}]}""", Encoding.UTF8, "application/json");
        using var response = await gateway.Http.SendAsync(request, TestContext.Current.CancellationToken);
        return response.StatusCode;
    }

    private Task<string> DoneAsync(params string[] arguments) => DemarcCommand.DoneAsync(gateway.DataDirectory, [.. arguments, "--data", gateway.DataDirectory]);

    private Task<JsonElement> JsonAsync(params string[] arguments) => DemarcCommand.JsonAsync(gateway.DataDirectory, [.. arguments, "--data", gateway.DataDirectory]);

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Fence();
}
