using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Demarc.Governance;
using Demarc.Governance.Identity;

namespace Demarc.Storage.Directory;

/// <summary>The SHA-256 of a whole key, as a cache key.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct KeyHash(ulong A, ulong B, ulong C, ulong D)
{
    public static KeyHash Of(byte[] hash) => MemoryMarshal.Read<KeyHash>(hash);
}

/// <summary>A key and its principal as the store has them.</summary>
internal sealed record KeyRow
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    public required byte[] Hash { get; init; }

    public required string Status { get; init; }

    public long? ExpiresAt { get; init; }

    public long? ReadExemptUntil { get; init; }

    public required string PrincipalType { get; init; }

    public required string PrincipalId { get; init; }

    public string? Email { get; init; }

    public string? Name { get; init; }

    public string? PrincipalStatus { get; init; }

    public string? WorkspaceId { get; init; }

    public string? WorkspaceName { get; init; }

    public string? ProjectId { get; init; }

    /// <summary>The projects it is a member of, one a line, as <see cref="MemberProjects"/> has them; null for none.</summary>
    public string? Projects { get; init; }

    /// <summary>Names of the groups, one a line; null for none.</summary>
    public string? Groups { get; init; }
}

/// <summary>What is known of one presented key.</summary>
internal sealed class CachedKey
{
    private readonly Lock _turn = new();
    private readonly ApiKeyKind _kind;
    private readonly byte[] _hash;
    private volatile Answer _answer = new(KeyStatus.Unknown, null);
    private CancellationTokenSource _revocation;
    private long _lastUsed;

    public CachedKey(string id, ApiKeyKind kind, byte[] hash)
    {
        Id = id;
        _kind = kind;
        _hash = hash;
        _revocation = NewRevocation();
    }

    public string Id { get; }

    /// <summary>Unix milliseconds until when a key that the store does not know is not asked for again; 0 for a key it knows.</summary>
    public long UnknownUntil { get; private set; }

    /// <summary>Unix milliseconds.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>What was last written to the store of <see cref="LastUsed"/>.</summary>
    public long LastUsedWritten { get; set; }

    public (KeyStatus Status, Principal? Principal) Use(DateTimeOffset now)
    {
        var answer = _answer;
        if (answer.Principal is not { } principal)
            return (answer.Status, null);
        if (principal.ExpiresAt <= now)
            return (KeyStatus.Expired, null);
        Volatile.Write(ref _lastUsed, now.ToUnixTimeMilliseconds());
        return (KeyStatus.Active, principal);
    }

    /// <summary>Takes the store's word. Returns the cancellation of requests that no longer hold, to be awaited.</summary>
    public Task Apply(KeyRow? row, DateTimeOffset now, TimeSpan unknownFor)
    {
        lock (_turn)
            return ApplyInTurn(row, now, unknownFor);
    }

    /// <summary>Ends what still runs under a key that is past its end.</summary>
    public Task EndExpired(DateTimeOffset now) =>
        _answer.Principal is { } principal && principal.ExpiresAt <= now && !principal.Revoked.IsCancellationRequested
            ? _revocation.CancelAsync()
            : Task.CompletedTask;

    private Task ApplyInTurn(KeyRow? row, DateTimeOffset now, TimeSpan unknownFor)
    {
        if (row == null || !CryptographicOperations.FixedTimeEquals(row.Hash, _hash))
        {
            UnknownUntil = (now + unknownFor).ToUnixTimeMilliseconds();
            return End(KeyStatus.Unknown);
        }
        UnknownUntil = 0;
        if (row.Status != "active" || row.PrincipalStatus != "active")
            return End(KeyStatus.Revoked);

        _answer = new(KeyStatus.Active, new Principal
        {
            OrganizationId = row.OrganizationId,
            Type = row.PrincipalType,
            Id = row.PrincipalId,
            Email = row.Email,
            Name = row.Name!,
            Groups = row.Groups?.Split('\n') ?? [],
            Workspace = row.WorkspaceId is null ? null : new WorkspaceSnapshot(row.WorkspaceId, row.WorkspaceName!),
            Projects = MemberProjects.Read(row.Projects),
            KeyProjectId = row.ProjectId,
            KeyId = row.Id,
            KeyKind = _kind,
            ExpiresAt = Time(row.ExpiresAt),
            ReadExemptUntil = Time(row.ReadExemptUntil),
            Revoked = _revocation.Token,
        });
        return EndExpired(now);
    }

    private Task End(KeyStatus status)
    {
        var held = _answer.Principal != null;
        _answer = new(status, null);
        if (!held)
            return Task.CompletedTask;
        // A key made active again must not revive what was ended.
        var ended = _revocation;
        _revocation = NewRevocation();
        return ended.CancelAsync();
    }

    /// <summary>Whoever holds a principal, and so its token, keeps the entry alive: it can be told though it made room in the cache.</summary>
    private CancellationTokenSource NewRevocation()
    {
        var revocation = new CancellationTokenSource();
        revocation.Token.Register(static _ => { }, this);
        return revocation;
    }

    private static DateTimeOffset? Time(long? milliseconds) =>
        milliseconds is { } value ? DateTimeOffset.FromUnixTimeMilliseconds(value) : null;

    private sealed record Answer(KeyStatus Status, Principal? Principal);
}
