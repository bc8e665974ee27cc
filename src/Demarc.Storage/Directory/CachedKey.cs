using System.Runtime.InteropServices;
using System.Security.Cryptography;
using Demarc.Governance;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;

namespace Demarc.Storage.Directory;

/// <summary>The SHA-256 of a whole key, as a cache key.</summary>
[StructLayout(LayoutKind.Sequential)]
internal readonly record struct KeyHash(ulong A, ulong B, ulong C, ulong D)
{
    public static KeyHash Of(ReadOnlySpan<byte> hash) => MemoryMarshal.Read<KeyHash>(hash);
}

/// <summary>A key or a sign-in, and its principal, as the store has them.</summary>
internal sealed record KeyRow
{
    public required string Id { get; init; }

    public required string OrganizationId { get; init; }

    /// <summary>Of a key; null for a sign-in, whose tokens are signed.</summary>
    public byte[]? Hash { get; init; }

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

    /// <summary>The principal's role in the directory.</summary>
    public string? Role { get; init; }

    /// <summary>The roles assigned to it, as <see cref="MemberRoles"/> has them; null for none.</summary>
    public string? Roles { get; init; }
}

/// <summary>A presented credential that was verified, of which the store has not been asked yet.</summary>
/// <param name="Id"><c>apikey_…</c>, or <c>signin_…</c> or <c>fedt_…</c> for an access token.</param>
/// <param name="Hash">Of a key; null for an access token.</param>
/// <param name="ExpiresAt">Of an access token; a key's is in the store.</param>
internal sealed record PresentedKey(string Id, ApiKeyKind Kind, byte[]? Hash, DateTimeOffset? ExpiresAt)
{
    /// <summary>What it stands for, where another issuer made it; then the id is the principal's.</summary>
    public ForeignToken? Foreign { get; init; }
}

/// <summary>What is known of one presented key or access token.</summary>
internal sealed class CachedKey
{
    private readonly Lock _turn = new();
    private readonly PresentedKey _presented;
    private volatile Answer _answer = new(KeyStatus.Unknown, null);
    private CancellationTokenSource _revocation;
    private long _lastUsed;

    public CachedKey(PresentedKey presented)
    {
        _presented = presented;
        _revocation = NewRevocation();
    }

    public string Id => _presented.Id;

    /// <summary>What it stands for, where another issuer made it.</summary>
    public ForeignToken? Foreign => _presented.Foreign;

    /// <summary>Whether it is a token rather than a key.</summary>
    public bool IsToken => _presented.Hash is null;

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
    public Task Apply(KeyRow? row, RoleBook roles, DateTimeOffset now, TimeSpan unknownFor)
    {
        lock (_turn)
            return ApplyInTurn(row, roles, now, unknownFor);
    }

    /// <summary>Whether a role of it has ended since it was read.</summary>
    public bool IsRoleOver(DateTimeOffset now) => _answer.Principal?.Access.NextEnd <= now;

    /// <summary>Ends what runs under the key, until the store says again that it may.</summary>
    public Task LetGo()
    {
        lock (_turn)
            return End(KeyStatus.Unavailable);
    }

    /// <summary>Ends what still runs under a key that is past its end.</summary>
    public Task EndExpired(DateTimeOffset now) =>
        _answer.Principal is { } principal && principal.ExpiresAt <= now && !principal.Revoked.IsCancellationRequested
            ? _revocation.CancelAsync()
            : Task.CompletedTask;

    private Task ApplyInTurn(KeyRow? row, RoleBook roles, DateTimeOffset now, TimeSpan unknownFor)
    {
        if (row == null || !CryptographicOperations.FixedTimeEquals(row.Hash, _presented.Hash))
        {
            UnknownUntil = (now + unknownFor).ToUnixTimeMilliseconds();
            return End(KeyStatus.Unknown);
        }
        UnknownUntil = 0;
        if (row.Status != "active" || row.PrincipalStatus != "active")
            return End(KeyStatus.Revoked);

        var groups = row.Groups?.Split('\n') ?? [];
        if (_presented.Foreign is { Groups.Length: > 0 } told)
            groups = [.. groups.Union(told.Groups)];
        var access = CredentialAccess.Of(_presented, row, groups, roles);
        // Models that could be asked and now cannot: what runs ends, and is decided anew when it is asked again.
        var ended = _answer.Principal is { } before && access.AsksLessThan(before.Access) ? Interlocked.Exchange(ref _revocation, NewRevocation()) : null;
        _answer = new(KeyStatus.Active, new Principal
        {
            OrganizationId = row.OrganizationId,
            Type = row.PrincipalType,
            Id = row.PrincipalId,
            Email = row.Email,
            Name = row.Name!,
            Groups = groups,
            Workspace = row.WorkspaceId is null ? null : new WorkspaceSnapshot(row.WorkspaceId, row.WorkspaceName!),
            Projects = MemberProjects.Read(row.Projects),
            KeyProjectId = row.ProjectId,
            KeyId = _presented.Foreign?.TokenId ?? row.Id,
            KeyKind = _presented.Kind,
            ExpiresAt = Earlier(Time(row.ExpiresAt), _presented.ExpiresAt),
            ReadExemptUntil = Time(row.ReadExemptUntil),
            Revoked = _revocation.Token,
            Access = access,
        });
        return ended is null ? EndExpired(now) : Task.WhenAll(ended.CancelAsync(), EndExpired(now));
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

    private static DateTimeOffset? Earlier(DateTimeOffset? one, DateTimeOffset? other) => one < other ? one : other ?? one;

    private sealed record Answer(KeyStatus Status, Principal? Principal);
}
