using System.Net;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Demarc.Tests.Proxy;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.Compliance;

/// <summary>Reads a gateway's Compliance API as a tool would.</summary>
internal static class ComplianceReader
{
    public const string Activities = "/v1/compliance/activities";
    public const string Sessions = "/v1/compliance/apps/sessions/local";

    // Activities follow the log within a second; a machine that runs every test at once gets more.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Sends a GET with a key from the quickstart's, or the key itself; null for none.</summary>
    public static async Task<(HttpStatusCode Status, JsonElement Json)> ReadAsync(this ProxyPlace place, string url, string? key = "compliance_key")
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        if (key is not null)
            request.Headers.Add("x-api-key", place.Keys.GetValueOrDefault(key, key));
        var (response, body) = await place.SendAsync(request);
        if (response.StatusCode < HttpStatusCode.InternalServerError)
            Assert.StartsWith("req_", response.Headers.GetValues("request-id").Single(), StringComparison.Ordinal);
        return (response.StatusCode, JsonDocument.Parse(body).RootElement);
    }

    /// <summary>A GET that has to succeed.</summary>
    public static async Task<JsonElement> GetAsync(this ProxyPlace place, string url, string key = "compliance_key")
    {
        var (status, json) = await place.ReadAsync(url, key);
        Assert.True(status == HttpStatusCode.OK, $"{url}: {status} {json}");
        return json;
    }

    /// <summary>A GET that has to be refused.</summary>
    public static async Task<(int Status, string Type, string Message)> RefusedAsync(this ProxyPlace place, string url, string? key = "compliance_key")
    {
        var (status, json) = await place.ReadAsync(url, key);
        Assert.Equal("error", json.GetProperty("type").GetString());
        return ((int)status, json.GetProperty("error").GetProperty("type").GetString()!, json.GetProperty("error").GetProperty("message").GetString()!);
    }

    /// <summary>Reads until what is awaited is there.</summary>
    public static async Task<JsonElement> AwaitAsync(this ProxyPlace place, string url, Func<JsonElement, bool> there)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var json = await place.GetAsync(url);
            if (there(json))
                return json;
            Assert.True(TimeProvider.System.GetElapsedTime(began) < Patience, $"{url} still answers {json}");
            await Task.Delay(20, Stop);
        }
    }

    /// <summary>The activities of these types, once there are so many of them, newest first.</summary>
    public static async Task<JsonElement[]> ActivitiesAsync(this ProxyPlace place, int count, params string[] types)
    {
        var query = string.Join('&', types.Select(t => $"activity_types[]={t}"));
        var json = await place.AwaitAsync($"{Activities}?limit=5000&{query}", j => j.Data().Length >= count);
        Assert.Equal(count, json.Data().Length);
        return json.Data();
    }

    /// <summary>Every object of a listing by page tokens.</summary>
    public static async Task<List<JsonElement>> WalkAsync(this ProxyPlace place, string url)
    {
        var all = new List<JsonElement>();
        var page = await place.GetAsync(url);
        while (true)
        {
            all.AddRange(page.Data());
            if (page.Text("next_page") is not { } next)
                return all;
            Assert.NotEmpty(page.Data());
            page = await place.GetAsync($"{url}{(url.Contains('?', StringComparison.Ordinal) ? '&' : '?')}page={next}");
        }
    }

    public static JsonElement[] Data(this JsonElement json) => [.. json.GetProperty("data").EnumerateArray()];

    public static string? Text(this JsonElement json, string name) => json.GetProperty(name).GetString();

    /// <summary>The place's store, opened as the command line opens it beside a serving gateway.</summary>
    public static async Task<Store> OpenStoreAsync(this ProxyPlace place) =>
        await Store.OpenAsync(place.Store.Url, Master(place), TimeProvider.System, NullLoggerFactory.Instance);

    public static MasterKey Master(ProxyPlace place) => new(Convert.FromBase64String(File.ReadAllText(Path.Combine(place.Folder, "master.key"))));

    /// <summary>Another compliance key of the quickstart's administrator.</summary>
    public static async Task<string> NewComplianceKeyAsync(this ProxyPlace place, DateTimeOffset? exempt)
    {
        await using var store = await place.OpenStoreAsync();
        var organization = (await store.Organizations.ListAsync())[0];
        var admin = (await store.Users.ListAsync(organization.Id, new PageRequest())).Data.First(u => u.Role == "admin");
        var created = await store.ApiKeys.CreateAsync(
            new NewApiKey(organization.Id, ApiKeyKind.Compliance, "test", "user", admin.Id, ReadExemptUntil: exempt), new ActorRecord("cli", "test"));
        return created.Secret.Reveal();
    }

    /// <summary>Asks as Claude Code does, in a session of the client's.</summary>
    public static async Task<JsonElement> AskAsync(this ProxyPlace place, string session, string messages, string more = "")
    {
        using var request = place.Ask($$"""{"model":"sonnet","max_tokens":64,{{more}}"messages":[{{messages}}]}""");
        request.Headers.Add("x-claude-code-session-id", session);
        request.Headers.TryAddWithoutValidation("user-agent", "claude-cli/2.1.0 (external, cli)");
        var (response, body) = await place.SendAsync(request);
        Assert.True(response.IsSuccessStatusCode, body);
        return body.StartsWith('{') ? JsonDocument.Parse(body).RootElement : default;
    }

    public static string User(string text) => $$"""{"role":"user","content":{{JsonSerializer.Serialize(text)}}}""";
}
