using Demarc.Control.Configuration;
using Demarc.Governance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Storage.Directory;
using Microsoft.Extensions.Logging;

namespace Demarc.Control.Resources;

/// <summary>
/// The snapshot in force: the configuration's resources, aliases and policies, with the aliases that are data. What
/// the configuration names wins; the store's aliases follow its changes within a second.
/// </summary>
public sealed partial class Snapshots : ISnapshotSource, IDisposable
{
    private readonly Store _store;
    private readonly string _organizationId;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _building = new(1, 1);

    private GatewaySnapshot _configured;
    private GatewaySnapshot _current;

    /// <param name="configured">The configuration's own part; see <see cref="ConfigSnapshot"/>.</param>
    public Snapshots(Store store, string organizationId, GatewaySnapshot configured, ILogger<Snapshots> log)
    {
        (_store, _organizationId, _configured, _current, _log) = (store, organizationId, configured, configured, log);
        store.Changes.Subscribe(RefreshAsync);
    }

    public GatewaySnapshot Current => Volatile.Read(ref _current);

    public ValueTask<(KeyStatus Status, Principal? Principal)> AuthenticateAsync(string presentedKey) => _store.Principals.AuthenticateAsync(presentedKey);

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
            var limits = await _store.SpendLimits.AllAsync(_organizationId);
            Volatile.Write(ref _configured, configured);
            Volatile.Write(ref _current, Merge(configured, aliases, limits));
        }
        finally
        {
            _building.Release();
        }
    }

    public void Dispose() => _building.Dispose();

    private GatewaySnapshot Merge(GatewaySnapshot configured, StoredAlias[] stored, StoredLimit[] limits)
    {
        var deployments = configured.Resources.SelectMany(r => r.Deployments).ToDictionary(d => d.FullName, StringComparer.Ordinal);
        var aliases = new List<AliasSnapshot>(configured.Aliases);
        foreach (var alias in stored)
        {
            if (configured.Aliases.Any(a => a.Name == alias.Name))
                continue;
            var targets = alias.Targets.Where(deployments.ContainsKey).Select((t, i) => new AliasTarget(deployments[t], i, 1)).ToArray();
            if (targets.Length < alias.Targets.Length)
                LogMissingTargets(alias.Name, string.Join(", ", alias.Targets.Where(t => !deployments.ContainsKey(t))));
            if (targets.Length > 0)
                aliases.Add(new AliasSnapshot(alias.Name, targets));
        }
        return configured.With([.. aliases], limits);
    }

    [LoggerMessage(2201, LogLevel.Warning, "Alias {Alias} names deployments that the configuration does not have: {Missing}")]
    private partial void LogMissingTargets(string alias, string missing);
}
