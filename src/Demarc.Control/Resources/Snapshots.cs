using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using Demarc.Control.Configuration;
using Demarc.Governance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Storage;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Resources;

/// <summary>
/// The snapshot in force: the configuration's resources, aliases and policies, with the aliases and spend limits that are data. What
/// the configuration names wins; the store's aliases follow its changes within a second.
/// </summary>
public sealed partial class Snapshots : ISnapshotSource, IDisposable
{
    // As many as there are deployments, each once until it is checked again.
    private const int MaxContradictions = 1000;

    private readonly Store _store;
    private readonly string _organizationId;
    private readonly ILogger _log;
    private readonly ActorRecord? _declarer;
    private readonly SemaphoreSlim _building = new(1, 1);
    private readonly HashSet<string> _declared = [];
    private readonly ConcurrentDictionary<string, bool> _contradicted = new(StringComparer.Ordinal);
    private readonly Channel<BoundaryCheck> _contradictions = Channel.CreateBounded<BoundaryCheck>(
        new BoundedChannelOptions(MaxContradictions) { FullMode = BoundedChannelFullMode.DropWrite });

    private GatewaySnapshot _configured;
    private GatewaySnapshot _current;

    /// <param name="configured">The configuration's own part; see <see cref="ConfigSnapshot"/>.</param>
    /// <param name="declarer">Who puts the data paths on record that requests will name; null where none are served.</param>
    public Snapshots(Store store, string organizationId, GatewaySnapshot configured, ILogger<Snapshots> log, ActorRecord? declarer = null)
    {
        (_store, _organizationId, _configured, _current, _log, _declarer) = (store, organizationId, configured, configured, log, declarer);
        store.Changes.Subscribe(RefreshAsync);
    }

    /// <summary>What the configuration declares, without what was checked and without the aliases of the store.</summary>
    public GatewaySnapshot Configured => Volatile.Read(ref _configured);

    public GatewaySnapshot Current => Volatile.Read(ref _current);

    public ValueTask<(KeyStatus Status, Principal? Principal)> AuthenticateAsync(string presentedKey, IPAddress? from = null) => _store.Principals.AuthenticateAsync(presentedKey, from);

    /// <summary>Puts a configuration in force, together with the aliases of the store.</summary>
    public Task ApplyAsync(GatewaySnapshot configured) => BuildAsync(configured);

    /// <summary>Takes the store's aliases now, for an answer that others may act on at once.</summary>
    public Task RefreshAsync() => BuildAsync(null);

    private async Task BuildAsync(GatewaySnapshot? configured)
    {
        await _building.WaitAsync();
        try
        {
            // Read in turn: a refresh that waited for a reload must not put the old configuration back.
            configured ??= _configured;
            var aliases = await _store.Aliases.ListAsync(_organizationId);
            var next = configured.Checked(await _store.Boundaries.ChecksAsync(_organizationId))
                .With(aliases, (alias, missing) => LogMissingTargets(alias, string.Join(", ", missing)))
                .With(await _store.SpendLimits.AllAsync(_organizationId), await _store.IncreaseRequests.RaisesAsync(_organizationId));
            await DeclareAsync(next);
            Volatile.Write(ref _configured, configured);
            Volatile.Write(ref _current, next);
            await _store.Principals.UseAsync(next.Roles);
        }
        finally
        {
            _building.Release();
        }
    }

    public void Dispose() => _building.Dispose();

    public void Contradicted(DeploymentSnapshot deployment, string geography)
    {
        // Requests that began before it went out of service go on saying so.
        if (Array.Exists(Current.Resources, r => Array.Exists(r.Deployments, d => d.Mismatch is not null && d.Declaration == deployment.Declaration)))
            return;
        if (!_contradicted.TryAdd(deployment.Declaration, true))
            return;
        _contradictions.Writer.TryWrite(new BoundaryCheck(
            deployment.FullName, deployment.Declaration, Observed: true, "an answer's usage.inference_geo", _store.Time.GetUtcNow(),
            [new CheckedFact("inference.geography", deployment.Boundary.Inference, geography, Holds: false)]));
    }

    /// <summary>Takes deployments out of service whose answers contradict them, until stopped. Run once in a serving process.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            await foreach (var check in _contradictions.Reader.ReadAllAsync(stop))
                await TakeOutAsync(check, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Stopping is no failure.
        }
    }

    private async Task TakeOutAsync(BoundaryCheck check, CancellationToken stop)
    {
        LogContradicted(check.Deployment, check.Mismatch);
        while (true)
        {
            try
            {
                await _store.Boundaries.KeepAsync(_organizationId, check, new ActorRecord("system", _store.Replica));
                await RefreshAsync();
                _contradicted.TryRemove(check.Declaration, out _);
                return;
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                LogNotTakenOut(e, check.Deployment);
                // The store does not tell when it is back; a second spares it a storm of the same write.
                await Task.Delay(TimeSpan.FromSeconds(1), _store.Time, stop);
            }
        }
    }

    // Before a request can name them: what a receipt refers to is always on record.
    private async Task DeclareAsync(GatewaySnapshot next)
    {
        if (_declarer is null)
            return;
        var fresh = next.Resources.SelectMany(r => r.Deployments).Where(d => !_declared.Contains(d.BoundaryId)).ToArray();
        if (fresh.Length == 0)
            return;
        await _store.Boundaries.DeclareAsync(_organizationId, fresh, new ReceiptRecord(next.PolicyHash, next.Catalog.Hash, next.ConfigurationHash), _declarer);
        _declared.UnionWith(fresh.Select(d => d.BoundaryId));
    }

    [LoggerMessage(2202, LogLevel.Error, "{Deployment} goes out of service: {Mismatch}")]
    private partial void LogContradicted(string deployment, string mismatch);

    [LoggerMessage(2203, LogLevel.Error, "{Deployment} could not be taken out of service; trying again in a second")]
    private partial void LogNotTakenOut(Exception e, string deployment);

    [LoggerMessage(2201, LogLevel.Warning, "Alias {Alias} names deployments that the configuration does not have: {Missing}")]
    private partial void LogMissingTargets(string alias, string missing);
}
