using System.Globalization;
using Demarc.Governance.Spend;
using Demarc.Storage;
using Demarc.Tests.Commands;
using Demarc.Tests.Harness;
using Demarc.Tests.Storage;
using Xunit;

namespace Demarc.Tests.Faults;

/// <summary>Lines to the store and to the provider that are cut, slow or silent.</summary>
[Trait("suite", "faults")]
public sealed class NetworkFaultTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static TheoryData<string, int, bool> Faults => new()
    {
        { "cut", 5, true }, { "cut", 5, false },
        { "silent for 2 s", 3, true }, { "silent for 2 s", 3, false },
        { "50 ms slower each way", 1, true }, { "50 ms slower each way", 1, false },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task A_bad_line_loses_nothing(string fault, int runs, bool toStore)
    {
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Replicas = 2 });
        await using var callers = place.Call(8);
        var line = toStore ? place.StoreLine! : place.Upstream;
        for (var run = 0; run < runs; run++)
        {
            await callers.MoreAsync(40);
            if (fault == "cut")
            {
                line.Cut();
                await callers.TurnsAsync(20);
                line.Mend();
            }
            else if (fault.StartsWith("silent", StringComparison.Ordinal))
            {
                line.Hold();
                // As long as the fault is to last.
                await Task.Delay(TimeSpan.FromSeconds(2), Stop);
                line.Release();
            }
            else
            {
                line.Delay = TimeSpan.FromMilliseconds(50);
            }
            await callers.MoreAsync(40);
        }
        await place.HoldsAsync($"line to {(toStore ? "the store" : "the provider")}: {fault}", runs, callers);
    }

    /// <summary>As when a machine with PostgreSQL on it vanishes, and another takes its address: nobody ends the connections to the first.</summary>
    [Fact]
    public async Task Connections_that_fall_silent_for_good_are_given_up_for_new_ones()
    {
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Replicas = 2 });
        await using var callers = place.Call(8);
        for (var run = 0; run < 3; run++)
        {
            await callers.MoreAsync(40);
            place.StoreLine!.Strand();
            await callers.MoreAsync(400, within: 30);
        }
        await place.HoldsAsync("line to the store: silent for good, but for new connections", 3, callers);
    }

    /// <summary>Requests wait for a lease when theirs is spent: not for as long as a database's library waits by itself, half a minute.</summary>
    [Fact]
    public async Task A_lease_over_a_connection_that_fell_silent_is_given_up_soon()
    {
        await using var place = await StorePlace.CreateAsync(StoreKind.Postgres);
        var port = new Uri(place.Url).Port;
        await using var line = Line.To(port);
        await using var over = StorePlace.At(place.Url.Replace($":{port}/", $":{line.Port}/", StringComparison.Ordinal));
        var store = await over.OpenAsync();
        var meter = new Meter("org_1", LimitScope.Organization, null, null, null, SpendPeriod.Of(LimitPeriod.Monthly, TimeProvider.System.GetUtcNow()));
        Assert.True((await store.Budgets.LeaseAsync(meter, 1_000_000, 1000, isRenewal: false)).Granted >= 1000);

        line.Hold();
        var asked = TimeProvider.System.GetTimestamp();
        await Assert.ThrowsAsync<StoreException>(() => store.Budgets.LeaseAsync(meter, 1_000_000, 1000, isRenewal: true));
        var took = TimeProvider.System.GetElapsedTime(asked);
        line.Release();

        Assert.InRange(took.TotalSeconds, 4, 10);
        await store.Budgets.LeaseAsync(meter, 1_000_000, 1000, isRenewal: true);
    }

    /// <summary>With the kernel's own network: packets vanish, and neither side is told.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public async Task A_network_that_drops_every_packet_loses_nothing(bool toStore)
    {
        await using var network = await Network.StartAsync();
        await using var server = await PostgresServer.StartOwnAsync(host: Network.StoreHost);
        await using var place = await FaultPlace.StartAsync(new FaultSetup { Server = server, Host = Network.StoreHost, UpstreamHost = Network.UpstreamHost, GatewayHost = Network.GatewayHost, Prefix = network.Prefix });
        await using var callers = place.Call(8);
        for (var run = 0; run < 3; run++)
        {
            await callers.MoreAsync(40);
            await network.SetAsync(toStore, up: false);
            // As long as the fault is to last: longer than a gateway serves without the store's word.
            await Task.Delay(TimeSpan.FromSeconds(6), Stop);
            await network.SetAsync(toStore, up: true);
        }
        await callers.MoreAsync(40);
        await place.HoldsAsync($"network namespace: no packets to {(toStore ? "the store" : "the provider")}, 6 s", 3, callers);
    }

    /// <summary>A network namespace for a gateway, with a wire for each of clients, store and provider.</summary>
    private sealed class Network : IAsyncDisposable
    {
        // Addresses for measuring networks, which no network has (RFC 2544); those of documentation some virtual machines do have.
        public const string GatewayHost = "198.18.71.2";
        public const string StoreHost = "198.18.72.1";
        public const string UpstreamHost = "198.18.73.1";

        private readonly string _name = $"demarc{Environment.ProcessId.ToString(CultureInfo.InvariantCulture)}";

        private Network()
        {
        }

        public string[] Prefix => ["ip", "netns", "exec", _name];

        public static async Task<Network> StartAsync()
        {
            var network = new Network();
            var wires = string.Join('\n', new[] { ("c", "198.18.71"), ("s", "198.18.72"), ("u", "198.18.73") }.Select(w =>
                $"""
                ip link add {w.Item1}{network._name} type veth peer name {w.Item1}0 netns {network._name}
                ip addr add {w.Item2}.1/24 dev {w.Item1}{network._name}
                ip link set {w.Item1}{network._name} up
                ip -n {network._name} addr add {w.Item2}.2/24 dev {w.Item1}0
                ip -n {network._name} link set {w.Item1}0 up
                """));
            var made = await RunAsync($"ip netns add {network._name}\nip -n {network._name} link set lo up\n{wires}");
            if (made.ExitCode != 0)
                await network.DisposeAsync();
            Component.Require(made.ExitCode == 0, $"No network namespace can be made here: {made.Errors}");
            return network;
        }

        public async Task SetAsync(bool toStore, bool up)
        {
            var set = await RunAsync($"ip link set {(toStore ? 's' : 'u')}{_name} {(up ? "up" : "down")}");
            Assert.True(set.ExitCode == 0, set.Errors);
        }

        public async ValueTask DisposeAsync() => await RunAsync($"ip netns del {_name}; for w in c s u; do ip link del $w{_name}; done");

        private static Task<CommandResult> RunAsync(string script) => Command.RunAsync("sh", ["-ec", script], "/", new Dictionary<string, string> { ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin" }, Stop);
    }
}
