using System.Text;
using System.Text.Json;
using Xunit;

namespace Demarc.Tests.AdminApi;

public sealed class KeySecrecyTests : IAsyncLifetime
{
    private readonly GatewayPlace _place = new();

    public ValueTask InitializeAsync() => _place.InitializeAsync();

    public ValueTask DisposeAsync() => _place.DisposeAsync();

    [Fact]
    public async Task A_key_is_shown_once_and_its_use_is_noted()
    {
        var made = await _place.AdminAsync(200, "POST", "/v1/organizations/api_keys", $$"""{"name":"canary","user_id":"{{_place.Admin.Id}}","kind":"inference"}""");
        var (id, key) = (made.GetProperty("id").GetString()!, made.GetProperty("key").GetString()!);

        // Used, misused and mistaken, so that every path has had it in hand.
        Assert.Equal(200, (await _place.AskAsync("GET", "/v1/models", key)).Status);
        await _place.AskAsync("GET", "/v1/models/absent", key, header: "authorization");
        await _place.AskAsync("POST", "/v1/messages", key, """{"model":"pinned","max_tokens":1,"messages":[{"role":"user","content":"hi"}]}""");
        await _place.AskAsync("POST", "/v1/messages", key + "x", "{");
        await _place.AskAsync("GET", "/v1/organizations/users", key);
        await _place.AskAsync("GET", $"/v1/organizations/api_keys/{key}", _place.AdminKey);
        var answers = new List<string>();
        foreach (var path in new[] { "api_keys?limit=1000", $"api_keys/{id}", "users", "aliases", "me" })
            answers.Add((await _place.AdminAsync(200, "GET", "/v1/organizations/" + path)).GetRawText());

        _place.Time.Jump(TimeSpan.FromMinutes(2));
        await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(10), async () => (await _place.Store.ApiKeys.GetAsync(_place.Installation.Organization.Id, id))!.LastUsedAt is not null);

        var secret = key[^40..];
        Assert.Contains(answers, a => a.Contains("canary", StringComparison.Ordinal));
        Assert.DoesNotContain(answers, a => a.Contains(secret, StringComparison.Ordinal));
        Assert.Contains("127.0.0.1:9", _place.Log, StringComparison.Ordinal);
        Assert.DoesNotContain(secret, _place.Log, StringComparison.Ordinal);
        // Locks are the serving process's alone, and empty.
        var files = Directory.GetFiles(_place.Root, "*", SearchOption.AllDirectories).Where(f => new FileInfo(f).Length > 0).ToDictionary(f => f, ReadShared);
        Assert.Contains(files.Values, bytes => bytes.AsSpan().IndexOf("canary"u8) >= 0);
        foreach (var (file, bytes) in files)
            Assert.True(bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(secret)) < 0, file);
    }

    /// <summary>A file that the gateway may have open.</summary>
    internal static byte[] ReadShared(string file)
    {
        using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    }
}
