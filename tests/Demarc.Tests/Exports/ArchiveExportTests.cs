using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Xml.Linq;
using Demarc.Control.Exports;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>Against the real azurite and s3rver, which check signatures.</summary>
public sealed class ArchiveExportTests
{
    internal const string Account = "demarctest";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_hour_becomes_an_object_of_Azure_Blob_Storage_and_a_repeat_overwrites_it()
    {
        var key = RandomNumberGenerator.GetBytes(64);
        await using var azurite = await ObjectStore.AzuriteAsync(Account, key);
        var container = new Uri($"http://127.0.0.1:{azurite.Port}/{Account}/audit");
        using var client = new HttpClient(new SocketsHttpHandler());
        await BlobAsync(client, HttpMethod.Put, new Uri(container + "?restype=container"), key, "\nrestype:container");

        await ArchiveAsync(
            new BlobDestination("claude/", Account, key) { Name = "siem", Url = container, Place = ExportPlace.Out(), Types = ["test_event"] },
            async () =>
            {
                var listing = XDocument.Parse(Encoding.UTF8.GetString(await BlobAsync(client, HttpMethod.Get, new Uri(container + "?restype=container&comp=list"), key, "\ncomp:list\nrestype:container")).TrimStart('\uFEFF'));
                var objects = new Dictionary<string, byte[]>();
                foreach (var name in listing.Descendants("Name").Select(n => n.Value))
                    objects[name] = await BlobAsync(client, HttpMethod.Get, new Uri($"{container}/{name}"), key, "");
                return objects;
            });
    }

    [Fact]
    public async Task An_hour_becomes_an_object_of_S3_and_a_repeat_overwrites_it()
    {
        await using var s3 = await ObjectStore.S3Async();

        await ArchiveAsync(s3.Bucket("claude/"), s3.ObjectsAsync);
    }

    [Fact]
    public async Task A_wrong_key_is_refused_and_said()
    {
        await using var s3 = await ObjectStore.S3Async();
        var time = new SteppedTime();
        await using var place = await ExportPlace.StartAsync(time: time);
        await place.AppendAsync(1);
        time.Step(TimeSpan.FromHours(2));
        place.Export(s3.Bucket("", secret: "wrong"));

        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Failures: > 0 }]);

        Assert.Equal("HTTP 403", (await place.CursorAsync()).Problem);
    }

    [Fact]
    public async Task An_hour_that_is_over_does_not_wait_for_what_goes_elsewhere()
    {
        await using var s3 = await ObjectStore.S3Async();
        await using var place = await ExportPlace.StartAsync();
        // That it began is an activity of this hour, and none for this destination.
        place.Export(s3.Bucket(""));
        await ExportPlace.UntilAsync(async () => await place.Place.SqlAsync<long>("SELECT count(*) FROM activities WHERE type = 'demarc_export_started'") == 1);

        await place.Store.AppendAsync(ExportPlace.Event(TimeProvider.System.GetUtcNow().AddHours(-3).ToUnixTimeMilliseconds()));

        await ExportPlace.UntilAsync(async () => (await place.CursorAsync()).Exported == 1);
        Assert.Single(Lines(Assert.Single(await s3.ObjectsAsync()).Value));
    }

    // Two hours' activities; the second hour is not over until the clock says so.
    private static async Task ArchiveAsync(ExportDestination destination, Func<Task<Dictionary<string, byte[]>>> objects)
    {
        await using var place = await ExportPlace.StartAsync();
        var hour = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() / 3_600_000 * 3_600_000;
        foreach (var at in new[] { hour - 10_700_000, hour - 10_600_000, hour - 7_100_000, hour - 7_000_000, hour - 6_900_000 })
            await place.Store.AppendAsync(ExportPlace.Event(at));
        await place.AppendAsync(1);
        place.Export(destination);
        await ExportPlace.UntilAsync(async () => (await place.Store.Exports.ListAsync(ExportPlace.Organization)) is [{ Exported: >= 5 }]);
        var first = await objects();

        Assert.Equal(2, first.Count);
        Assert.Equal(["2", "3"], first.OrderBy(o => o.Key).Select(o => $"{Lines(o.Value).Length}"));
        Assert.All(first, o => Assert.StartsWith($"claude/{DateTimeOffset.FromUnixTimeMilliseconds(Time(o.Value)).ToString("yyyy'/'MM'/'dd'/'HH", CultureInfo.InvariantCulture)}/", o.Key, StringComparison.Ordinal));

        await place.Store.Exports.RewindAsync(ExportPlace.Organization, "siem", 0, StorePlace.Actor);
        await ExportPlace.UntilAsync(async () => (await place.CursorAsync()).Exported >= 10);
        var second = await objects();
        Assert.Equal(first.Keys.Order(), second.Keys.Order());
        Assert.All(first, o => Assert.Equal(Lines(o.Value), Lines(second[o.Key])));

        static long Time(byte[] zipped) => JsonDocument.Parse(Lines(zipped)[0]).RootElement.GetProperty("time").GetInt64();
    }

    internal static string[] Lines(byte[] zipped)
    {
        using var reader = new StreamReader(new GZipStream(new MemoryStream(zipped), CompressionMode.Decompress));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    // As Azure's documentation has it, apart from what is tested.
    internal static async Task<byte[]> BlobAsync(HttpClient client, HttpMethod method, Uri address, byte[] key, string query)
    {
        using var request = new HttpRequestMessage(method, address);
        var date = TimeProvider.System.GetUtcNow().ToString("R", CultureInfo.InvariantCulture);
        request.Headers.Add("x-ms-date", date);
        request.Headers.Add("x-ms-version", "2021-12-02");
        var text = $"{method}\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{date}\nx-ms-version:2021-12-02\n/{Account}{address.AbsolutePath}{query}";
        request.Headers.TryAddWithoutValidation("authorization", $"SharedKey {Account}:{Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)))}");
        using var response = await client.SendAsync(request, Stop);
        Assert.True(response.IsSuccessStatusCode, $"{method} {address}: {response.StatusCode} {await response.Content.ReadAsStringAsync(Stop)}");
        return await response.Content.ReadAsByteArrayAsync(Stop);
    }
}
