using System.Net;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Proxy;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Proofs;

/// <summary>The log as others see it: over HTTP, and by command.</summary>
public sealed class LogServingTests
{
    private static readonly string[] At = ["--config", "demarc.yaml", "--data", "."];

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whoever_may_read_activities_can_follow_the_tree_from_its_tiles()
    {
        await using var gateway = await GatewayFixture.StartAsync();
        var checkpoint = await FollowAsync(gateway, gateway.ComplianceKey);
        Assert.True(checkpoint.Size > 0);

        foreach (var key in new[] { null, gateway.DeveloperKey })
            Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(gateway, "/log/checkpoint", key)).StatusCode);
        foreach (var path in new[] { "/log/tile/0/999", "/log/tile/0/000.p/255", "/log/tile/zero/000", "/log/tile/entries/x001/000", "/log/tile/" })
            Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(gateway, path, gateway.ComplianceKey)).StatusCode);
    }

    [Fact]
    public async Task A_log_that_is_public_answers_without_a_key()
    {
        await using var gateway = await GatewayFixture.StartAsync(
            """
            log: { public: true }
            resources: []
            """);
        Assert.True((await FollowAsync(gateway, null)).Size > 0);
    }

    [Theory, InlineData(StoreKind.Sqlite), InlineData(StoreKind.Postgres)]
    public async Task A_store_is_verified_and_a_request_proven_by_who_holds_a_checkpoint_and_the_keys(StoreKind kind)
    {
        await using var place = await ProxyPlace.StartAsync(kind);
        var (response, _) = await place.SendAsync(place.Ask(ProxyPlace.Body("my-opus")));
        var id = response.RequestId();
        await place.FinishedAsync(id);
        var elsewhere = Directory.CreateTempSubdirectory("demarc-auditor-").FullName;
        try
        {
            string Kept(string name) => Path.Combine(elsewhere, name);
            string[] against = ["--checkpoint", Kept("checkpoint.txt"), "--keys", Kept("keys.txt"), .. At];
            string proof;
            // The tree follows within a second: until it has the whole request, the proof has not all of it.
            do
            {
                await File.WriteAllTextAsync(Kept("checkpoint.txt"), await DemarcCommand.DoneAsync(place.Folder, ["log", "checkpoint", .. At]) + "\n", Stop);
                await File.WriteAllTextAsync(Kept("keys.txt"), await DemarcCommand.DoneAsync(place.Folder, ["log", "keys", .. At]), Stop);
                proof = (await DemarcCommand.RunAsync(place.Folder, ["log", "prove", id, "--checkpoint", Kept("checkpoint.txt"), .. At])).Output;
            }
            while (!proof.Contains("\"finished\"", StringComparison.Ordinal));
            await File.WriteAllTextAsync(Kept("proof.json"), proof, Stop);

            Assert.Contains("records are as 1 checkpoints say", await DemarcCommand.DoneAsync(place.Folder, ["verify", .. against]), StringComparison.Ordinal);
            Assert.Contains($"2 records of {id} are as they were signed", await DemarcCommand.DoneAsync(place.Folder, ["verify", id, .. against]), StringComparison.Ordinal);
            string[] alone = ["verify", "--proof", "proof.json", "--keys", "keys.txt", "--checkpoint", "checkpoint.txt"];
            Assert.Contains("2 records are in the log", await DemarcCommand.DoneAsync(elsewhere, alone), StringComparison.Ordinal);

            // Rotated: what the old key signed still holds, and what the new one signs for who trusts the old.
            await DemarcCommand.DoneAsync(place.Folder, ["log", "rotate-key", .. At]);
            await DemarcCommand.DoneAsync(place.Folder, ["verify", .. against]);
            await File.AppendAllTextAsync(Kept("checkpoint.txt"), "\n" + await DemarcCommand.DoneAsync(place.Folder, ["log", "checkpoint", .. At]) + "\n", Stop);
            Assert.Equal(2, (await DemarcCommand.JsonAsync(place.Folder, ["verify", .. against])).GetProperty("found").GetProperty("checkpoints").GetInt32());

            // A bundle of today leads to the checkpoint that was kept, and is checked where no store is.
            var today = TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
            await DemarcCommand.DoneAsync(place.Folder, ["export", "audit", "--from", today, "--to", today, "--checkpoint", Kept("checkpoint.txt"), Kept("bundle"), .. At]);
            Assert.Contains("records of the bundle are as they were signed", await DemarcCommand.DoneAsync(elsewhere, "verify", "--export", "bundle", "--keys", "keys.txt", "--checkpoint", "checkpoint.txt"), StringComparison.Ordinal);

            // Changed: the whole store and the one request say so, and the proof in the auditor's hands still tells what was.
            await place.Store.SqlAsync<int>("UPDATE records SET at = at + 1 WHERE kind = 3");
            Assert.Contains($"(finished {id}): was changed", await DemarcCommand.FailsAsync(1, place.Folder, ["verify", .. against]), StringComparison.Ordinal);
            Assert.Contains($"(finished {id}): is not as it was signed", await DemarcCommand.FailsAsync(1, place.Folder, ["verify", id, .. against]), StringComparison.Ordinal);
            await DemarcCommand.DoneAsync(elsewhere, alone);
            await File.WriteAllTextAsync(Kept("proof.json"), proof.Replace("my-opus", "my-haiku", StringComparison.Ordinal), Stop);
            Assert.Contains("was changed", await DemarcCommand.FailsAsync(1, elsewhere, alone), StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(elsewhere, recursive: true);
        }
    }

    /// <summary>Reads the checkpoint and what it takes to grow its tree, as a monitor does.</summary>
    private static async Task<Checkpoint> FollowAsync(GatewayFixture gateway, string? key)
    {
        SignedNote note;
        Checkpoint checkpoint;
        // The tree follows the log within a second of the start.
        do
        {
            var answer = await GetAsync(gateway, "/log/checkpoint", key);
            Assert.Equal((HttpStatusCode.OK, "text/plain; charset=utf-8"), (answer.StatusCode, answer.Content.Headers.ContentType!.ToString()));
            note = SignedNote.Parse(await answer.Content.ReadAsStringAsync(Stop))!;
            checkpoint = Checkpoint.Parse(note.Text)!;
        }
        while (checkpoint.Size == 0);
        var vkey = NoteKey.Parse((await gateway.SqlAsync<string>("SELECT public_key FROM signing_keys"))!)!;
        Assert.True(note.IsSignedBy([vkey]));
        Assert.Equal(vkey.Name, checkpoint.Origin);

        var edge = new TreeEdge();
        for (var number = 0L; edge.Size < checkpoint.Size; number++)
        {
            var width = (int)Math.Min(Tile.Width, checkpoint.Size - edge.Size);
            var suffix = Tile.Path(number) + (width < Tile.Width ? $".p/{width}" : "");
            var entries = await (await GetAsync(gateway, $"/log/tile/entries/{suffix}", key)).Content.ReadAsByteArrayAsync(Stop);
            var hashes = await (await GetAsync(gateway, $"/log/tile/0/{suffix}", key)).Content.ReadAsByteArrayAsync(Stop);
            Assert.Equal((width * 34, width * 32), (entries.Length, hashes.Length));
            for (var i = 0; i < width; i++)
            {
                Assert.Equal(0x0020, (entries[i * 34] << 8) | entries[(i * 34) + 1]);
                var leaf = MerkleHash.Leaf(entries.AsSpan((i * 34) + 2, 32));
                Assert.Equal(hashes[(i * 32)..((i + 1) * 32)], leaf);
                edge.Append(leaf);
            }
        }
        Assert.Equal(checkpoint.Root, edge.Root());
        return checkpoint;
    }

    private static async Task<HttpResponseMessage> GetAsync(GatewayFixture gateway, string path, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(gateway.Url, path));
        if (key is not null)
            request.Headers.Add("x-api-key", key);
        return await gateway.Http.SendAsync(request, Stop);
    }
}
