using System.Security.Cryptography;
using System.Text;
using Demarc.Governance.Evidence;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Compliance;

/// <summary>What the gateway itself does, and what administrators try in vain, is on record.</summary>
public sealed class LifeRecordTests
{
    [Fact]
    public async Task A_changed_configuration_that_cannot_be_used_is_on_record_and_the_one_before_stays()
    {
        await using var place = await ProxyPlace.StartAsync();
        var config = Path.Combine(place.Folder, "demarc.yaml");
        var good = await File.ReadAllBytesAsync(config, TestContext.Current.CancellationToken);

        await File.WriteAllTextAsync(config, "resuorces: []\n", TestContext.Current.CancellationToken);
        var refused = await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_configuration_refused");

        Assert.Equal((Hash(Encoding.UTF8.GetBytes("resuorces: []\n")), Hash(good)), (refused.Fields["configuration"], refused.Fields["configuration_in_force"]));
        Assert.Contains("unknown key 'resuorces'; did you mean 'resources'?", refused.Fields["problem"], StringComparison.Ordinal);
        Assert.Equal("system", refused.Actor.Type);
    }

    [Fact]
    public async Task An_administrators_request_that_fails_is_on_record_without_what_it_said()
    {
        await using var place = await ProxyPlace.StartAsync();

        await place.AdminAsync(HttpMethod.Post, "/v1/organizations/users", """{"email":"canary-of-the-body"}""", status: 400);
        await place.AdminAsync(HttpMethod.Get, "/v1/organizations/users/canary-of-the-path", status: 404);

        var failed = await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_admin_request_failed" && e.Fields["status_code"] == "404");
        Assert.Equal(("GET", "/v1/organizations/users/{id}", "not_found_error"), (failed.Fields["method"], failed.Fields["route"], failed.Fields["error_type"]));
        Assert.Equal(("user", "admin"), (failed.Actor.Type, failed.Actor.KeyKind));
        await place.RecordAsync<EventRecord>(RecordKind.Event, e => e.Type == "demarc_admin_request_failed" && e.Fields["status_code"] == "400");
        Assert.Equal(0, await place.Store.SqlAsync<long>("SELECT count(*) FROM records WHERE CAST(body AS text) LIKE '%canary%'"));
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_start_and_a_stop_say_which_version_and_which_configuration(StoreKind kind)
    {
        await using var store = await StorePlace.CreateAsync(kind);
        var folder = Directory.CreateTempSubdirectory("demarc-life-").FullName;
        var config = Path.Combine(folder, "demarc.yaml");
        await File.WriteAllTextAsync(config, $"store: {store.Url}\n", TestContext.Current.CancellationToken);
        using (var process = await ServingProcess.StartAsync(config, folder))
        {
            Assert.Equal(1, await CountAsync("demarc_gateway_started"));
            Assert.Equal(0, await CountAsync("demarc_gateway_stopped"));
            await process.SignalAsync("TERM");
            await GatewayPlace.UntilAsync(TimeSpan.FromSeconds(30), async () => await CountAsync("demarc_gateway_stopped") == 1);
        }
        Directory.Delete(folder, recursive: true);

        Task<long> CountAsync(string type) => store.SqlAsync<long>(
            $"SELECT count(*) FROM records WHERE kind = 4 AND {(kind == StoreKind.Sqlite ? "CAST(body AS text)" : "convert_from(body, 'UTF8')")} LIKE @like",
            new { like = $"%{type}%\"version\":\"%{Hash(File.ReadAllBytes(config))}%" })!;
    }

    private static string Hash(byte[] bytes) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes));
}
