using Demarc.Control.Receipts;
using Demarc.Governance.Evidence;
using Demarc.Governance.Evidence.Merkle;
using Demarc.Storage;
using Demarc.Storage.Evidence.Merkle;

namespace Demarc.Control.Proofs;

/// <summary>Signs checkpoints of the log with the installation's key, and rotates that key.</summary>
public sealed class LogSigner(Store store, MasterKey master)
{
    private static readonly ActorRecord Demarc = new("system", "signing");

    /// <summary>A checkpoint of the tree as it is now.</summary>
    public async Task<SignedNote> CheckpointAsync(string organizationId)
    {
        var size = await store.Tree.SizeAsync(organizationId);
        var checkpoint = new Checkpoint(Checkpoint.OriginOf(organizationId), size, await store.Tree.RootAsync(organizationId, size));
        using var key = await CurrentKeyAsync(organizationId);
        return SignedNote.Sign(checkpoint.Text(), NoteKeyOf(organizationId, key), text => key.Sign(text));
    }

    /// <summary>A report with the signature of the key that signs now, as <see cref="SignedReceipt"/> has it.</summary>
    public async Task<byte[]> SignAsync(string organizationId, byte[] payload)
    {
        using var key = await CurrentKeyAsync(organizationId);
        return SignedReceipt.Sign(payload, key);
    }

    /// <summary>The key that signs now, made known when it is the first.</summary>
    public async Task<SigningKey> CurrentKeyAsync(string organizationId)
    {
        var generation = (await store.Checkpoints.KeysAsync(organizationId)).LastOrDefault()?.Generation;
        var key = new SigningKey(master, generation ?? 1);
        if (generation is null)
            await store.Checkpoints.AddKeyAsync(organizationId, new StoredSigningKey(1, NoteKeyOf(organizationId, key).ToString(), null), Demarc);
        return key;
    }

    /// <summary>Makes the next key the one that signs; the old one's last signature is under the new one's name.</summary>
    public async Task<NoteKey> RotateAsync(string organizationId, ActorRecord actor)
    {
        using var old = await CurrentKeyAsync(organizationId);
        var generation = (await store.Checkpoints.KeysAsync(organizationId))[^1].Generation + 1;
        using var next = new SigningKey(master, generation);
        var key = NoteKeyOf(organizationId, next);
        var endorsement = SignedNote.Sign(KeyEndorsement.Text(key), NoteKeyOf(organizationId, old), text => old.Sign(text));
        await store.Checkpoints.AddKeyAsync(organizationId, new StoredSigningKey(generation, key.ToString(), endorsement.ToString()), actor);
        return key;
    }

    public static NoteKey NoteKeyOf(string organizationId, SigningKey key) => new(Checkpoint.OriginOf(organizationId), key.PublicKeyInfo);
}
