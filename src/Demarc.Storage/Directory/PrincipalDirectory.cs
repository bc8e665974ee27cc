using System.Collections.Concurrent;
using System.Text.Json;
using Demarc.Governance;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Microsoft.Extensions.Logging;

namespace Demarc.Storage.Directory;

/// <summary>
/// Principals by key, for the request path: a bounded cache that follows the directory (see <see cref="Changes"/>).
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
          (SELECT string_agg(g.name, @separator) FROM group_members m JOIN groups g ON g.id = m.group_id
            WHERE m.member_id = k.principal_id) AS groups
        FROM api_keys k
        LEFT JOIN users u ON k.principal_type = 'user' AND u.id = k.principal_id
        LEFT JOIN service_accounts s ON k.principal_type = 'service_account' AND s.id = k.principal_id
        LEFT JOIN workspaces w ON w.id = k.workspace_id
        """;

    private readonly Store _store;
    private readonly ILogger _log;
    private readonly byte[] _macKey;
    private readonly ConcurrentDictionary<KeyHash, CachedKey> _keys = new();
    private readonly ConcurrentDictionary<KeyHash, Lazy<Task<CachedKey>>> _loading = new();

    // Requests may still run under a key that made room for others: they keep its cancellation alive.
    private readonly ConcurrentDictionary<string, WeakReference<CachedKey>> _evicted = new();
    private long _generation;
    private long _lastUsedWritten;

    internal PrincipalDirectory(Store store, MasterKey master, ILogger log)
    {
        _store = store;
        _log = log;
        _macKey = master.Derive("demarc api key");
        _lastUsedWritten = store.Time.GetTimestamp();
    }

    /// <summary>
    /// Whom a presented key stands for. Completes synchronously when the key is cached, malformed or forged;
    /// <see cref="KeyStatus.Unavailable"/> when the store would have to be asked and does not answer.
    /// </summary>
    public ValueTask<(KeyStatus Status, Principal? Principal)> AuthenticateAsync(string presentedKey)
    {
        if (presentedKey.Length is 0 or > ApiKey.MaxLength)
            return new((KeyStatus.Unknown, null));
        var now = _store.Time.GetUtcNow();
        var bytes = ApiKey.Hash(presentedKey);
        var hash = KeyHash.Of(bytes);
        if (_keys.TryGetValue(hash, out var cached) && (cached.UnknownUntil == 0 || now.ToUnixTimeMilliseconds() < cached.UnknownUntil))
            return new(cached.Use(now));
        if (!ApiKey.TryRead(presentedKey, _macKey, out var id, out var kind))
            return new((KeyStatus.Unknown, null));
        return new(LoadedAsync(hash, bytes, id, kind));
    }

    /// <summary>Called by <see cref="Changes"/> each second, and after each change.</summary>
    internal async Task FollowAsync(bool changed)
    {
        if (changed)
            await RevalidateAsync().ConfigureAwait(false);
        var now = _store.Time.GetUtcNow();
        foreach (var key in _keys.Values)
            await key.EndExpired(now).ConfigureAwait(false);
        if (_store.Time.GetElapsedTime(_lastUsedWritten) >= LastUsedEvery)
            await WriteLastUsedAsync().ConfigureAwait(false);
    }

    private async Task<(KeyStatus Status, Principal? Principal)> LoadedAsync(KeyHash hash, byte[] bytes, string id, ApiKeyKind kind)
    {
        // One look at the store, however many requests present the key at once.
        var loading = _loading.GetOrAdd(hash, _ => new(() => LoadAsync(hash, bytes, id, kind)));
        try
        {
            var key = await loading.Value.ConfigureAwait(false);
            return key.Use(_store.Time.GetUtcNow());
        }
        catch (Exception e)
        {
            NotAsked(e, id);
            return (KeyStatus.Unavailable, null);
        }
        finally
        {
            _loading.TryRemove(new KeyValuePair<KeyHash, Lazy<Task<CachedKey>>>(hash, loading));
        }
    }

    private async Task<CachedKey> LoadAsync(KeyHash hash, byte[] bytes, string id, ApiKeyKind kind)
    {
        var key = _evicted.TryRemove(id, out var evicted) && evicted.TryGetTarget(out var alive)
            ? alive
            : new CachedKey(id, kind, bytes);
        while (true)
        {
            var generation = Volatile.Read(ref _generation);
            var row = await _store.FindAsync<KeyRow>(Select + " WHERE k.id = @id", new { id, separator = "\n", field = "\t" }).ConfigureAwait(false);
            await key.Apply(row, _store.Time.GetUtcNow(), UnknownFor).ConfigureAwait(false);
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
        foreach (var (id, reference) in _evicted)
            if (!reference.TryGetTarget(out _))
                _evicted.TryRemove(id, out _);
        var keys = _keys.Values.Concat(_evicted.Values.Select(r => r.TryGetTarget(out var key) ? key : null).OfType<CachedKey>()).ToArray();
        if (keys.Length == 0)
            return;
        var rows = await _store.QueryAsync<KeyRow>(
            $"{Select} WHERE k.id IN {_store.TextsOfJson("ids")}",
            new { ids = JsonSerializer.Serialize(keys.Select(key => key.Id)), separator = "\n", field = "\t" }).ConfigureAwait(false);
        var byId = rows.ToDictionary(row => row.Id);
        var now = _store.Time.GetUtcNow();
        await Task.WhenAll(keys.Select(key => key.Apply(byId.GetValueOrDefault(key.Id), now, UnknownFor))).ConfigureAwait(false);
    }

    private void Evict()
    {
        foreach (var (hash, key) in _keys.OrderBy(pair => pair.Value.LastUsed).Take(Capacity / 10))
        {
            _keys.TryRemove(hash, out _);
            if (key.UnknownUntil == 0)
                _evicted[key.Id] = new(key);
        }
    }

    private async Task WriteLastUsedAsync()
    {
        _lastUsedWritten = _store.Time.GetTimestamp();
        // In small transactions: on SQLite they run between others' commits.
        foreach (var keys in _keys.Values.Where(key => key.LastUsed > key.LastUsedWritten).Chunk(200))
        {
            var used = keys.Select(key => new { id = key.Id, at = key.LastUsed }).ToArray();
            await _store.WriteAsync(transaction => transaction.ExecuteAsync(
                "UPDATE api_keys SET last_used_at = @at WHERE id = @id AND (last_used_at IS NULL OR last_used_at < @at)", used)).ConfigureAwait(false);
            for (var i = 0; i < keys.Length; i++)
                keys[i].LastUsedWritten = used[i].at;
        }
    }

    [LoggerMessage(3003, LogLevel.Error, "The store could not be asked for key {KeyId}")]
    private partial void NotAsked(Exception e, string keyId);
}
