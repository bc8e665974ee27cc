using Demarc.Control.Compliance;
using Demarc.Control.Exports;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Proxy.Upstreams;
using Demarc.Storage;
using Demarc.Storage.Evidence;
using Demarc.Tests.AdminApi;
using Demarc.Tests.Storage;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Demarc.Tests.Exports;

/// <summary>A store whose activities are exported as a gateway does it.</summary>
internal sealed class ExportPlace : IAsyncDisposable
{
    public const string Organization = "org_1";

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Task> _running = [];
    private readonly List<IDisposable> _held = [];

    private ExportPlace(StorePlace place, Store store) => (Place, Store) = (place, store);

    public StorePlace Place { get; }

    public Store Store { get; }

    /// <summary>A store with its projections running.</summary>
    public static async Task<ExportPlace> StartAsync(StoreKind kind = StoreKind.Sqlite, TimeProvider? time = null)
    {
        var place = await StorePlace.CreateAsync(kind);
        var store = await place.OpenAsync(time);
        var exports = new ExportPlace(place, store);
        exports._running.Add(store.Projector.RunAsync(exports._stop.Token));
        return exports;
    }

    /// <summary>An event of a time, Unix milliseconds.</summary>
    public static EvidenceRecord Event(long at)
    {
        var e = StorePlace.Event(Organization);
        return new() { OrganizationId = e.OrganizationId, Kind = e.Kind, RequestId = e.RequestId, At = at, Body = e.Body };
    }

    public static OutboundPlace Out(string name = "siem") => new(name);

    /// <summary>Exports until the place is disposed.</summary>
    public Exporter Export(params ExportDestination[] destinations) => Export(Store, _stop.Token, destinations);

    /// <summary>Exports from a store until it is stopped.</summary>
    public Exporter Export(Store store, CancellationToken stop, params ExportDestination[] destinations)
    {
        var client = new OutboundClient(store.Time, NullLogger<OutboundClient>.Instance);
        var exporter = new Exporter(store, Organization, new ExportWays(client.SendAsync, OutboundClient.ConnectAsync), new DataPaths(store), NullLogger<Exporter>.Instance);
        exporter.Use(destinations);
        _held.AddRange([exporter, client]);
        _running.Add(exporter.RunAsync(stop));
        return exporter;
    }

    /// <summary>Appends events and waits until they are activities; the last one's position.</summary>
    public async Task<long> AppendAsync(int count, string type = "test_event")
    {
        for (var i = 0; i < count; i++)
            await Store.AppendAsync(StorePlace.Event(Organization, type, $"{i}"));
        await Store.SettledAsync();
        var records = await Place.SqlAsync<long>("SELECT count(*) FROM records");
        await UntilAsync(async () => await Place.SqlAsync<long>("SELECT count(*) FROM activities") >= records);
        return await Store.Exports.EndAsync();
    }

    public async Task<ExportCursor> CursorAsync(string name = "siem") => (await Store.Exports.ListAsync(Organization)).Single(c => c.Name == name);

    /// <summary>The events of a type that are on record.</summary>
    public async Task<Activity[]> ActivitiesAsync(string type) =>
        (await Store.Activities.ListAsync(new ActivitiesQuery { OrganizationId = Organization, Types = [type], Limit = 5000 })).Data;

    public static Task UntilAsync(Func<bool> holds) => UntilAsync(() => Task.FromResult(holds()));

    // A machine that runs every test at once gets time.
    public static Task UntilAsync(Func<Task<bool>> holds) => GatewayPlace.UntilAsync(TimeSpan.FromSeconds(60), holds);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running);
        _held.ForEach(h => h.Dispose());
        await Place.DisposeAsync();
        _stop.Dispose();
    }
}
