using System.Text;
using Demarc.Control.AdminApi;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;

namespace Demarc.Control.Proofs;

/// <summary><c>/log/checkpoint</c> and <c>/log/tile/…</c> (C2SP tlog-tiles): the tree for whoever watches it; entries are commitments alone.</summary>
public sealed class LogEndpoints(Store store, LogSigner signer, TimeProvider time)
{
    // A checkpoint tells what the tree is within about a second: often enough, and a signature a second is no load.
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(1);

    private Signed? _last;

    /// <summary>The signed note, at most a second old.</summary>
    public async Task<AdminAnswer> CheckpointAsync(string organizationId)
    {
        if (_last is not { } last || last.Organization != organizationId || time.GetElapsedTime(last.At) > Fresh)
            _last = last = new Signed(organizationId, time.GetTimestamp(), Encoding.UTF8.GetBytes((await signer.CheckpointAsync(organizationId)).ToString()));
        return new AdminAnswer(200, last.Note) { ContentType = "text/plain; charset=utf-8" };
    }

    /// <summary>A tile's hashes, or a bundle's entries, each with its length in front.</summary>
    /// <param name="path">What follows <c>/log/tile/</c>.</param>
    public async Task<AdminAnswer> TileAsync(string organizationId, string path)
    {
        if (!Tile.TryParse(path, out var level, out var number, out var width))
            return AdminAnswer.NotFound("This is no path of a tile.");
        var bytes = level is { } l ? await store.Tree.TileAsync(organizationId, new Tile(l, number)) : Entries(await store.Tree.BundleAsync(organizationId, number));
        var length = width * (level is null ? sizeof(ushort) + RecordCommitment.Size : MerkleHash.Size);
        return bytes is null || bytes.Length < length
            ? AdminAnswer.NotFound("The log has no tile of that width there yet.")
            : new AdminAnswer(200, bytes[..length]) { ContentType = "application/octet-stream" };
    }

    private static byte[]? Entries(Storage.Evidence.Merkle.LeafBundle? bundle)
    {
        if (bundle is null)
            return null;
        var entries = new byte[bundle.Count * (sizeof(ushort) + RecordCommitment.Size)];
        for (var place = 0; place < bundle.Count; place++)
        {
            var at = entries.AsSpan(place * (sizeof(ushort) + RecordCommitment.Size));
            System.Buffers.Binary.BinaryPrimitives.WriteUInt16BigEndian(at, RecordCommitment.Size);
            bundle.Entry(place).CopyTo(at[sizeof(ushort)..]);
        }
        return entries;
    }

    private sealed record Signed(string Organization, long At, byte[] Note);
}
