using System.Net;
using Demarc.Control.Configuration;
using Demarc.Control.Exports;
using Demarc.Control.Proofs;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Serving;
using Demarc.Storage.Directory;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.Proofs;

public sealed class WitnessTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_witness_gets_each_checkpoint_in_turn_also_those_that_it_would_not_take_at_first(StoreKind kind)
    {
        await using var place = await StorePlace.CreateAsync(kind);
        var time = new SteppedTime();
        var store = await place.OpenAsync(time);
        using var handler = new Handler();
        using var witness = new WitnessSchedule(
            new LogConfig(false, new WitnessAddress(new Uri("https://witness.example/log")), TimeSpan.FromHours(1)),
            store, new Organization { Id = "org_1", Name = "", CreatedAt = 0 }, new LogSigner(store, StorePlace.Master), new Witness(handler, NoWays, time), time, NullLogger<WitnessSchedule>.Instance);

        await GrowAsync();
        handler.Status = HttpStatusCode.ServiceUnavailable;
        await Assert.ThrowsAsync<HttpRequestException>(() => witness.RunOnceAsync(Stop));
        time.Step(TimeSpan.FromHours(1));
        await GrowAsync();
        handler.Status = HttpStatusCode.NoContent;
        await witness.RunOnceAsync(Stop);
        // Nothing new, or not yet an hour: nothing is due.
        await witness.RunOnceAsync(Stop);
        time.Step(TimeSpan.FromMinutes(59));
        await GrowAsync();
        await witness.RunOnceAsync(Stop);

        Assert.Equal([1, 1, 3], handler.Notes.Select(n => Checkpoint.Parse(SignedNote.Parse(n)!.Text)!.Size));
        Assert.Equal(2, await place.SqlAsync<long>("SELECT count(*) FROM checkpoints WHERE witnessed_at IS NOT NULL"));

        async Task GrowAsync()
        {
            await store.AppendAsync(StorePlace.Event("org_1"));
            await place.ProjectAsync(store);
        }
    }

    [Fact]
    public async Task A_file_takes_checkpoints_one_after_another()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Sqlite);
        var store = await place.OpenAsync();
        using var handler = new Handler();
        var folder = Directory.CreateTempSubdirectory("demarc-witness-").FullName;
        try
        {
            var file = new WitnessFile(Path.Combine(folder, "new", "checkpoints.txt"));
            foreach (var _ in new[] { 1, 2 })
            {
                await store.AppendAsync(StorePlace.Event("org_1"));
                await place.ProjectAsync(store);
                await new Witness(handler, NoWays, TimeProvider.System).GiveAsync(file, "org_1", 1, (await new LogSigner(store, StorePlace.Master).CheckpointAsync("org_1")).ToString(), Stop);
            }

            var sizes = SignedNote.ParseAll(await File.ReadAllTextAsync(file.Path, Stop)).Select(n => Checkpoint.Parse(n.Text)!.Size).ToArray();
            Assert.Equal(2, sizes.Length);
            Assert.True(sizes[0] < sizes[1]);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Neither files nor web addresses want a credential of Demarc's.
    private static readonly ExportWays NoWays = new((_, _, _) => throw new InvalidOperationException(), (_, _, _, _, _) => throw new InvalidOperationException());

    private sealed class Handler : HttpMessageHandler
    {
        public HttpStatusCode Status { get; set; }

        public List<string> Notes { get; } = [];

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Notes.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
            return new HttpResponseMessage(Status);
        }
    }
}
