using System.Collections.Concurrent;
using System.Net;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Microsoft.Extensions.Logging;

namespace Demarc.Storage.Directory;

/// <summary>
/// Principals by key or access token, for the request path: a bounded cache that follows the directory (see <see cref="Changes"/>).
/// A forged key never reaches the store; a revoked one ends its running requests within a second or two.
/// </summary>
public sealed partial class PrincipalDirectory
{
    /// <summary>Keys held; beyond it the least recently used tenth goes.</summary>
    internal const int Capacity = 50_000;

    private static readonly TimeSpan UnknownFor = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LastUsedEvery = TimeSpan.FromMinutes(1);

    private static readonly string Select =
        $"""
        SELECT k.id, k.organization_id, k.hash, k.status, k.expires_at, k.read_exempt_until, k.principal_type, k.principal_id,
          k.workspace_id, w.name AS workspace_name, k.project_id, {MemberProjects.Of("k.principal_id")} AS projects,
          u.email, coalesce(u.name, s.name) AS name, coalesce(u.status, s.status) AS principal_status,
          coalesce(u.role, s.role) AS role, {MemberRoles.Of("k.principal_id")} AS roles,
          {GroupsOf("k.principal_id")} AS groups
        FROM api_keys k
        LEFT JOIN users u ON k.principal_type = 'user' AND u.id = k.principal_id
        LEFT JOIN service_accounts s ON k.principal_type = 'service_account' AND s.id = k.principal_id
        LEFT JOIN workspaces w ON w.id = k.workspace_id
        """;

    private static readonly string SelectSignIn =
        $"""
        SELECT i.id, i.organization_id, i.status, i.expires_at, 'user' AS principal_type, i.user_id AS principal_id,
          {MemberProjects.Of("i.user_id")} AS projects, u.email, u.name, u.status AS principal_status,
          u.role, {MemberRoles.Of("i.user_id")} AS roles,
          {GroupsOf("i.user_id")} AS groups
        FROM sign_ins i JOIN users u ON u.id = i.user_id
        """;

    private static readonly string SelectFederated =
        $"""
        SELECT f.id, f.organization_id, f.status, f.expires_at, 'service_account' AS principal_type, f.service_account_id AS principal_id,
          f.workspace_id, w.name AS workspace_name, {MemberProjects.Of("f.service_account_id")} AS projects, s.name, s.status AS principal_status,
          s.role, {MemberRoles.Of("f.service_account_id")} AS roles, {GroupsOf("f.service_account_id")} AS groups
        FROM federated_tokens f JOIN service_accounts s ON s.id = f.service_account_id LEFT JOIN workspaces w ON w.id = f.workspace_id
        """;

    // What a credential's id stands for, and where the store has it.
    private static (string Prefix, string Select, string Column)[] Kinds =>
    [
        (Ids.ApiKey, Select, "k.id"), (Ids.SignIn, SelectSignIn, "i.id"), (FederatedTokens.IdPrefix, SelectFederated, "f.id"),
        (Ids.User, SelectUser, "u.id"), (Ids.ServiceAccount, SelectServiceAccount, "s.id"),
    ];

    private readonly Store _store;
    private readonly ILogger _log;
    private readonly byte[] _macKey;
    private readonly AccessTokens _tokens;
    private readonly ConcurrentDictionary<KeyHash, CachedKey> _keys = new();
    private readonly ConcurrentDictionary<KeyHash, Lazy<Task<CachedKey>>> _loading = new();

    // Requests may still run under a key that made room for others: they keep its cancellation alive.
    private readonly ConcurrentDictionary<KeyHash, WeakReference<CachedKey>> _evicted = new();
    private RoleBook _roles = RoleBook.BuiltIn;
    private volatile Func<string, Task<ForeignToken?>>? _foreign;
    private long _generation;
    private long _lastUsedWritten;

    internal PrincipalDirectory(Store store, MasterKey master, ILogger log)
    {
        _store = store;
        _log = log;
        _macKey = master.Derive("demarc api key");
        _tokens = new AccessTokens(master, store.Time);
        _lastUsedWritten = store.Time.GetTimestamp();
    }

    /// <summary>
    /// Whom a presented key stands for. Completes synchronously when the key is cached, malformed or forged;
    /// <see cref="KeyStatus.Unavailable"/> when the store would have to be asked and does not answer.
    /// </summary>
    /// <param name="from">The address that presents it, whose wrong keys are counted; null where none is known.</param>
    public ValueTask<(KeyStatus Status, Principal? Principal)> AuthenticateAsync(string presentedKey, IPAddress? from = null)
    {
        if (_store.Changes.IsAway)
            return new((KeyStatus.Unavailable, null));
        if (AccessTokens.IsToken(presentedKey))
            return AuthenticateTokenAsync(presentedKey, from);
        if (presentedKey.Length is 0 or > ApiKey.MaxLength)
            return new((KeyStatus.Unknown, null));
        var now = _store.Time.GetUtcNow();
        var bytes = ApiKey.Hash(presentedKey);
        var hash = KeyHash.Of(bytes);
        if (Cached(hash, now) is { } cached)
            return new(cached.Use(now));
        // What carries this installation's MAC was made here, and is nobody's guess: it is looked at from any address.
        if (!ApiKey.TryRead(presentedKey, _macKey, out var id, out var kind))
            return new(_store.Abuse.AreKeysSpent(from) ? (KeyStatus.Guessing, null) : Guessed(from, bytes));
        return new(LoadedAsync(hash, new PresentedKey(id, kind, bytes, null)));
    }

    /// <summary>Takes the roles of another configuration; what nobody may any longer ends.</summary>
    public async Task UseAsync(RoleBook roles)
    {
        if (Interlocked.Exchange(ref _roles, roles) != roles)
            await RevalidateAsync().ConfigureAwait(false);
    }

    private ValueTask<(KeyStatus Status, Principal? Principal)> AuthenticateTokenAsync(string token, IPAddress? from)
    {
        if (token.Length > AccessTokens.MaxLength)
            return new((KeyStatus.Unknown, null));
        var now = _store.Time.GetUtcNow();
        Span<byte> bytes = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(MemoryMarshal.AsBytes(token.AsSpan()), bytes);
        var hash = KeyHash.Of(bytes);
        if (Cached(hash, now) is { } cached)
            return new(cached.Use(now));
        if (_store.Abuse.AreKeysSpent(from))
            return new((KeyStatus.Guessing, null));
        if (_tokens.Read(token) is not { } claims)
            return _foreign is null ? new(Guessed(from, bytes)) : new(ForeignAsync(hash, token, from));
        var end = DateTimeOffset.FromUnixTimeSeconds(claims.ExpiresAt);
        return end <= now ? new((KeyStatus.Expired, null)) : new(LoadedAsync(hash, new PresentedKey(claims.SessionId, ApiKeyKind.Inference, null, end)));
    }

    private (KeyStatus Status, Principal? Principal) Guessed(IPAddress? from, ReadOnlySpan<byte> key)
    {
        if (_store.Abuse.TakeKey(from, key))
            Guessing(AbuseLimits.Of(from));
        return (KeyStatus.Unknown, null);
    }

    private async Task<(KeyStatus Status, Principal? Principal)> ForeignAsync(KeyHash hash, string token, IPAddress? from)
    {
        var verify = _foreign;
        ForeignToken? found;
        try
        {
            found = verify is null ? null : await verify(token).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            NotAsked(e, "of another issuer");
            return (KeyStatus.Unavailable, null);
        }
        if (found is null)
            return Guessed(from, SHA256.HashData(MemoryMarshal.AsBytes(token.AsSpan())));
        if (found.ExpiresAt <= _store.Time.GetUtcNow())
            return (KeyStatus.Expired, null);
        // Kept under the hash of all of it, and not before it was verified.
        var known = await LoadedAsync(hash, new PresentedKey(found.PrincipalId, ApiKeyKind.Inference, null, found.ExpiresAt) { Foreign = found }).ConfigureAwait(false);
        if (verify == _foreign)
            return known;
        // By rules that are no longer in force: it is kept by none, and read by those that are.
        _keys.TryRemove(hash, out _);
        return await ForeignAsync(hash, token, from).ConfigureAwait(false);
    }

    private CachedKey? Cached(KeyHash hash, DateTimeOffset now) =>
        _keys.TryGetValue(hash, out var cached) && (cached.UnknownUntil == 0 || now.ToUnixTimeMilliseconds() < cached.UnknownUntil) ? cached : null;

    /// <summary>Takes the tokens of others, and ends those that no longer hold.</summary>
    /// <param name="verify">Whom a token that Demarc did not make stands for; null for nobody. Null where none are taken.</param>
    /// <param name="holds">Whether one that was verified before would be verified alike.</param>
    public async Task UseForeignAsync(Func<string, Task<ForeignToken?>>? verify, Func<ForeignToken, bool> holds)
    {
        _foreign = verify;
        foreach (var (hash, key) in Entries())
        {
            if (key.Foreign is not { } token || holds(token))
                continue;
            _keys.TryRemove(hash, out _);
            _evicted.TryRemove(hash, out _);
            await key.LetGo().ConfigureAwait(false);
        }
    }

    /// <summary>Called by <see cref="Changes"/> each second, and after each change.</summary>
    internal async Task FollowAsync(bool changed)
    {
        if (changed)
            await RevalidateAsync().ConfigureAwait(false);
        var now = _store.Time.GetUtcNow();
        foreach (var key in _keys.Values)
            await key.EndExpired(now).ConfigureAwait(false);
        if (_keys.Values.Any(key => key.IsRoleOver(now)))
            await RevalidateAsync().ConfigureAwait(false);
        if (_store.Time.GetElapsedTime(_lastUsedWritten) >= LastUsedEvery)
            await WriteLastUsedAsync().ConfigureAwait(false);
    }

    /// <summary>Ends all that is under way: whether it still may be is not known.</summary>
    internal Task LetGoAsync() => Task.WhenAll(Known().Select(key => key.LetGo()));

    private async Task<(KeyStatus Status, Principal? Principal)> LoadedAsync(KeyHash hash, PresentedKey presented)
    {
        // One look at the store, however many requests present the key at once.
        var loading = _loading.GetOrAdd(hash, _ => new(() => LoadAsync(hash, presented)));
        try
        {
            var key = await loading.Value.ConfigureAwait(false);
            return key.Use(_store.Time.GetUtcNow());
        }
        catch (Exception e)
        {
            NotAsked(e, presented.Id);
            return (KeyStatus.Unavailable, null);
        }
        finally
        {
            _loading.TryRemove(new KeyValuePair<KeyHash, Lazy<Task<CachedKey>>>(hash, loading));
        }
    }

    private async Task<CachedKey> LoadAsync(KeyHash hash, PresentedKey presented)
    {
        var key = _evicted.TryRemove(hash, out var evicted) && evicted.TryGetTarget(out var alive)
            ? alive
            : new CachedKey(presented);
        while (true)
        {
            var generation = Volatile.Read(ref _generation);
            var rows = await RowsAsync([key]).ConfigureAwait(false);
            await key.Apply(rows.GetValueOrDefault(key.Id), Volatile.Read(ref _roles), _store.Time.GetUtcNow(), UnknownFor).ConfigureAwait(false);
            if (_keys.Count >= Capacity)
                Evict();
            _keys[hash] = key;
            // A change that was followed meanwhile may have missed this entry: look again.
            if (Volatile.Read(ref _generation) == generation)
                return key;
        }
    }

    private async Task RevalidateAsync()
    {
        Interlocked.Increment(ref _generation);
        foreach (var (hash, reference) in _evicted)
            if (!reference.TryGetTarget(out _))
                _evicted.TryRemove(hash, out _);
        var keys = Known();
        var rows = await RowsAsync(keys).ConfigureAwait(false);
        var now = _store.Time.GetUtcNow();
        await Task.WhenAll(keys.Select(key => key.Apply(rows.GetValueOrDefault(key.Id), Volatile.Read(ref _roles), now, UnknownFor))).ConfigureAwait(false);
    }

    private CachedKey[] Known() => [.. Entries().Select(entry => entry.Key)];

    private IEnumerable<(KeyHash Hash, CachedKey Key)> Entries()
    {
        foreach (var (hash, key) in _keys)
            yield return (hash, key);
        foreach (var (hash, reference) in _evicted)
            if (reference.TryGetTarget(out var key))
                yield return (hash, key);
    }

    /// <summary>What the store has of keys and sign-ins, by id.</summary>
    private async Task<Dictionary<string, KeyRow>> RowsAsync(CachedKey[] keys)
    {
        var rows = new Dictionary<string, KeyRow>(StringComparer.Ordinal);
        foreach (var kind in Kinds)
            await ReadAsync(kind.Select, kind.Column, keys.Where(key => key.Id.StartsWith(kind.Prefix, StringComparison.Ordinal))).ConfigureAwait(false);
        return rows;

        async Task ReadAsync(string select, string column, IEnumerable<CachedKey> some)
        {
            string[] ids = [.. some.Select(key => key.Id).Distinct()];
            if (ids.Length == 0)
                return;
            foreach (var row in await _store.QueryAsync<KeyRow>(
                $"{select} WHERE {column} IN {_store.TextsOfJson("ids")}",
                new { ids = JsonSerializer.Serialize(ids), separator = "\n", field = "\t", _store.Now }, within: Store.Soon).ConfigureAwait(false))
                rows[row.Id] = row;
        }
    }

    private void Evict()
    {
        foreach (var (hash, key) in _keys.OrderBy(pair => pair.Value.LastUsed).Take(Capacity / 10))
        {
            _keys.TryRemove(hash, out _);
            if (key.UnknownUntil == 0)
                _evicted[hash] = new(key);
        }
    }

    private async Task WriteLastUsedAsync()
    {
        _lastUsedWritten = _store.Time.GetTimestamp();
        // In small transactions: on SQLite they run between others' commits.
        foreach (var keys in _keys.Values.Where(key => !key.IsToken && key.LastUsed > key.LastUsedWritten).Chunk(200))
        {
            var used = keys.Select(key => new { id = key.Id, at = key.LastUsed }).ToArray();
            await _store.WriteAsync(transaction => transaction.ExecuteAsync(
                "UPDATE api_keys SET last_used_at = @at WHERE id = @id AND (last_used_at IS NULL OR last_used_at < @at)", used)).ConfigureAwait(false);
            for (var i = 0; i < keys.Length; i++)
                keys[i].LastUsedWritten = used[i].at;
        }
    }

    [LoggerMessage(3005, LogLevel.Warning, "Too many different keys that do not hold came from {Address}: for ten minutes no others, and no access tokens but those in use, are looked at from there")]
    private partial void Guessing(string address);

    [LoggerMessage(3003, LogLevel.Error, "The store could not be asked for key {KeyId}")]
    private partial void NotAsked(Exception e, string keyId);
}
