using System.Net;
using System.Security.Cryptography;
using System.Text;
using Demarc.Control.Configuration;
using Demarc.Control.Exports;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Proxy.Upstreams;
using Demarc.Serving;
using Demarc.Storage.Directory;
using Demarc.Tests.Exports;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.Proofs;

/// <summary>Checkpoints as objects that are written once, with the real azurite and s3rver.</summary>
public sealed class ObjectWitnessTests
{
    private const string Organization = "org_1";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_container_of_Azure_gets_each_checkpoint_once_and_none_is_written_over()
    {
        var key = RandomNumberGenerator.GetBytes(64);
        await using var azurite = await ObjectStore.AzuriteAsync(ArchiveExportTests.Account, key);
        var container = new Uri($"http://127.0.0.1:{azurite.Port}/{ArchiveExportTests.Account}/witness");
        using var client = new HttpClient(new SocketsHttpHandler());
        await ArchiveExportTests.BlobAsync(client, HttpMethod.Put, new Uri(container + "?restype=container"), key, "\nrestype:container");
        var store = new BlobDestination("log/", ArchiveExportTests.Account, key) { Name = "witness", Url = container, Place = ExportPlace.Out() };

        await WitnessAsync(new WitnessObjects(store, null), async name => Encoding.UTF8.GetString(await ArchiveExportTests.BlobAsync(client, HttpMethod.Get, new Uri($"{container}/{name}"), key, "")));

        // What two replicas of one log may do at once: the second finds nothing when it looks, and is refused when it writes.
        using var outbound = new OutboundClient(TimeProvider.System, NullLogger<OutboundClient>.Instance);
        var blind = new ExportWays(
            async (request, place, stop) => request.Method == HttpMethod.Get ? new HttpResponseMessage(HttpStatusCode.NotFound) : await outbound.SendAsync(request, place, stop),
            OutboundClient.ConnectAsync);
        var refused = await Assert.ThrowsAsync<IOException>(() => new ObjectWitness(new WitnessObjects(store, null), blind, TimeProvider.System).GiveAsync(Organization, 1, "other"u8.ToArray(), Stop));
        Assert.Contains("HTTP 409", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bucket_of_S3_gets_each_checkpoint_once()
    {
        await using var s3 = await ObjectStore.S3Async();

        await WitnessAsync(
            new WitnessObjects(s3.Bucket("log/"), TimeSpan.FromDays(3650)), async name => Encoding.UTF8.GetString((await s3.ObjectsAsync())[name]));
    }

    [Theory]
    [InlineData(true, "x-ms-immutability-policy-mode: locked", "x-ms-immutability-policy-until-date: Wed, 20 Nov 2030 10:00:00 GMT")]
    [InlineData(false, "x-amz-object-lock-mode: COMPLIANCE", "x-amz-object-lock-retain-until-date: 2030-11-20T10:00:00Z")]
    public async Task The_store_is_told_how_long_to_keep_each_and_to_write_over_none(bool isBlob, string mode, string until)
    {
        var puts = new List<string>();
        var ways = new ExportWays(
            (request, _, _) =>
            {
                if (request.Method == HttpMethod.Put)
                    puts.Add(request.Headers.ToString());
                return Task.FromResult(new HttpResponseMessage(request.Method == HttpMethod.Put ? HttpStatusCode.Created : HttpStatusCode.NotFound));
            },
            OutboundClient.ConnectAsync);
        var (url, out1) = (new Uri("https://store.example/witness"), ExportPlace.Out());
        var store = isBlob ? (WebDestination)new BlobDestination("", "account", new byte[64]) { Name = "w", Url = url, Place = out1 } : new S3Destination("") { Name = "w", Url = url, Place = out1 };

        await new ObjectWitness(new WitnessObjects(store, TimeSpan.FromDays(1459)), ways, new Clock()).GiveAsync(Organization, 1, "note"u8.ToArray(), Stop);

        var put = Assert.Single(puts);
        Assert.Contains("If-None-Match: *", put, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(mode, put, StringComparison.Ordinal);
        Assert.Contains(until, put, StringComparison.Ordinal);
    }

    private static async Task WitnessAsync(WitnessObjects objects, Func<string, Task<string>> read)
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        var time = new SteppedTime();
        var store = await place.OpenAsync(time);
        // Stores hold the clock against what is signed.
        using var client = new OutboundClient(TimeProvider.System, NullLogger<OutboundClient>.Instance);
        using var handler = new SocketsHttpHandler();
        var witness = new Witness(handler, new ExportWays(client.SendAsync, OutboundClient.ConnectAsync), TimeProvider.System);
        using var schedule = new WitnessSchedule(
            new LogConfig(false, objects, TimeSpan.FromHours(1)), store, new Organization { Id = Organization, Name = "", CreatedAt = 0 },
            new LogSigner(store, StorePlace.Master), witness, time, NullLogger<WitnessSchedule>.Instance);
        // The first makes the key that signs, which is a record of its own.
        for (var i = 0; i < 2; i++)
        {
            await store.AppendAsync(StorePlace.Event(Organization));
            await place.ProjectAsync(store);
            await schedule.RunOnceAsync(Stop);
            time.Step(TimeSpan.FromHours(1));
        }

        var last = SignedNote.Parse(await read($"log/{Organization}/000000000003.txt"))!;
        Assert.Equal(3, Checkpoint.Parse(last.Text)!.Size);
        Assert.Equal(1, Checkpoint.Parse(SignedNote.Parse(await read($"log/{Organization}/000000000001.txt"))!.Text)!.Size);
        // Given again, it is what is there; another log's is not.
        await witness.GiveAsync(objects, Organization, 3, last.ToString(), Stop);
        var other = await Assert.ThrowsAsync<IOException>(() => witness.GiveAsync(objects, Organization, 3, "another\n", Stop));
        Assert.Contains("holds another checkpoint of this size", other.Message, StringComparison.Ordinal);
        Assert.Equal(last.ToString(), await read($"log/{Organization}/000000000003.txt"));
    }

    private sealed class Clock : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => new(2026, 11, 22, 10, 0, 0, TimeSpan.Zero);
    }
}
