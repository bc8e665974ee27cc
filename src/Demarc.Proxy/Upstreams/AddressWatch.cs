using System.Collections.Frozen;
using System.Net;
using System.Net.Sockets;
using Demarc.Governance;
using Demarc.Governance.Policy;
using Microsoft.Extensions.Hosting;

namespace Demarc.Proxy.Upstreams;

/// <summary>
/// Looks up the addresses of the resources while a policy requires a private network: every 30 seconds, and within a second
/// of a new configuration. What cannot be looked up is unknown, which no requirement accepts. A name can lead elsewhere a
/// moment later: what is connected to is checked again as it is connected to (<see cref="PrivateConnections"/>).
/// </summary>
public sealed class AddressWatch(ISnapshotSource snapshots, UpstreamHealth health, TimeProvider time) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);
    private const int TicksBetween = 30;

    // RFC 1918, RFC 4193, loopback and link-local: what no router of the internet carries.
    private static readonly IPNetwork[] Private =
        [.. new[] { "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128" }.Select(n => IPNetwork.Parse(n))];

    /// <summary>Looks all of them up now.</summary>
    public async Task LookAsync(GatewaySnapshot snapshot, CancellationToken stop)
    {
        var hosts = snapshot.Resources.Select(r => r.Host).Distinct().ToArray();
        var reaches = await Task.WhenAll(hosts.Select(h => ReachAsync(h, stop)));
        health.Resolved(hosts.Zip(reaches).ToFrozenDictionary(p => p.First, p => p.Second));
    }

    internal static NetworkReach ReachOf(IReadOnlyCollection<IPAddress> addresses) =>
        addresses.Count == 0 ? NetworkReach.Unknown
        : addresses.All(a => Array.Exists(Private, n => n.Contains(a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a))) ? NetworkReach.Private
        : NetworkReach.Public;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        GatewaySnapshot? looked = null;
        // Names change without telling anybody: the clock decides when they are looked up again.
        using var timer = new PeriodicTimer(Tick, time);
        var left = 0;
        do
        {
            var snapshot = snapshots.Current;
            if ((left-- <= 0 || !ReferenceEquals(snapshot, looked)) && Array.Exists(snapshot.Policies, p => p.Require.PrivateNetwork))
            {
                await LookAsync(snapshot, stoppingToken);
                (looked, left) = (snapshot, TicksBetween);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static async Task<NetworkReach> ReachAsync(string host, CancellationToken stop)
    {
        try
        {
            return ReachOf(await Dns.GetHostAddressesAsync(host, stop));
        }
        catch (Exception e) when (e is SocketException or ArgumentException)
        {
            return NetworkReach.Unknown;
        }
    }
}
