using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using Demarc.Serving;
using Demarc.Storage;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Demarc.Tests.Identity.Scim;

/// <summary>A gateway with SCIM on a store of either kind, as a directory sees it.</summary>
internal sealed class ScimPlace : IAsyncDisposable
{
    public const string Token = "scim-token-of-the-test-0123456789abcdef";

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false });
    private readonly string _folder;

    private ScimPlace(StorePlace store, Gateway gateway, Store opened, string folder, Uri url) => (Store, Gateway, Opened, _folder, Url) = (store, gateway, opened, folder, url);

    public StorePlace Store { get; }

    public Gateway Gateway { get; }

    /// <summary>The same store, opened as a command opens it.</summary>
    public Store Opened { get; }

    /// <summary>Where SCIM answers, with a slash at the end.</summary>
    public Uri Url { get; }

    /// <param name="apart">Whether SCIM has a listener of its own.</param>
    /// <param name="rest">More of <c>scim</c>, a line each.</param>
    public static async Task<ScimPlace> StartAsync(StoreKind kind, bool apart = false, string rest = "")
    {
        var store = await StorePlace.CreateAsync(kind);
        var folder = Directory.CreateTempSubdirectory("demarc-scim-").FullName;
        Directory.CreateDirectory(Path.Combine(folder, "data"));
        await File.WriteAllTextAsync(Path.Combine(folder, "master.key"), StorePlace.MasterKeyText);
        await File.WriteAllTextAsync(Path.Combine(folder, "scim.token"), Token);
        await File.WriteAllTextAsync(Path.Combine(folder, "demarc.yaml"), $$"""
            listen: 127.0.0.1:0
            store: {{store.Url}}
            master_key: "${file:master.key}"
            scim:
              tokens: ["${file:scim.token}"]
              {{(apart ? "listen: 127.0.0.1:0" : "")}}
              {{rest}}
            """);
        var gateway = await Gateway.StartAsync(new ServeOptions { ConfigPath = Path.Combine(folder, "demarc.yaml"), DataDirectory = Path.Combine(folder, "data") }, logging: logging => logging.ClearProviders());
        return new ScimPlace(store, gateway, await store.OpenAsync(), folder, new Uri(gateway.Addresses[^1], "/scim/v2/"));
    }

    /// <summary>Asks with the token.</summary>
    /// <param name="headers">For example <c>If-Match</c> and its value.</param>
    public async Task<(HttpStatusCode Status, JsonObject? Json, HttpResponseMessage Answer)> AskAsync(
        string method, string path, string? body = null, string? token = Token, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(new HttpMethod(method), new Uri(Url, path));
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/scim+json");
        var answer = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (answer.StatusCode, text.Length == 0 ? null : (JsonObject)JsonNode.Parse(text)!, answer);
    }

    /// <summary>Asks; the answer has to have the status.</summary>
    public async Task<JsonObject> DoneAsync(int status, string method, string path, string? body = null)
    {
        var (came, json, _) = await AskAsync(method, path, body);
        Assert.True((int)came == status, $"{method} {path} {body}: {(int)came} {json}");
        return json ?? [];
    }

    /// <summary>Makes a person; the id.</summary>
    public async Task<string> UserAsync(string name, string more = "") =>
        (await DoneAsync(201, "POST", "Users", $$"""{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"{{name}}@corp.example"{{more}}}"""))["id"]!.GetValue<string>();

    public async Task<string> GroupAsync(string name, params string[] members) =>
        (await DoneAsync(201, "POST", "Groups", $$"""{"displayName":"{{name}}","members":[{{string.Join(',', members.Select(m => $$"""{"value":"{{m}}"}"""))}}]}"""))["id"]!.GetValue<string>();

    /// <summary>What a patch answers.</summary>
    public Task<JsonObject> PatchAsync(int status, string path, params string[] operations) =>
        DoneAsync(status, "PATCH", path, $$"""{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{{string.Join(',', operations)}}]}""");

    /// <summary>The user names of a listing, in its order.</summary>
    public async Task<string> NamesAsync(string filter, string more = "") =>
        string.Join(' ', (await DoneAsync(200, "GET", $"Users?filter={Uri.EscapeDataString(filter)}{more}"))["Resources"]!.AsArray().Select(u => u!["userName"]!.GetValue<string>().Split('@')[0]));

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await Gateway.DisposeAsync();
        await Store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
