using System.Diagnostics.Metrics;
using System.Text;
using Demarc.Control;
using Demarc.Control.AdminApi;
using Demarc.Control.Compliance;
using Demarc.Control.Telemetry;
using Demarc.Governance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Identity.Roles;
using Demarc.Proxy.Admission;
using Demarc.Proxy.Upstreams;
using Demarc.Storage;
using Demarc.Storage.Directory;

namespace Demarc.Serving;

/// <summary>
/// <c>GET /metrics</c> in the Prometheus text format (version 0.0.4), where <c>metrics</c> is configured: without a key where it
/// is public, else for whoever has <c>metrics.read</c>. Counts and names of deployments; never content, never a person.
/// </summary>
internal sealed class MetricsGate(
    MetricsConfig config, RequestMetrics requests, ISnapshotSource snapshots, UpstreamHealth health, Clocks clocks, Store store, Organization organization, TimeProvider time)
{
    private const string Format = "text/plain; version=0.0.4; charset=utf-8";

    private readonly DateTimeOffset _started = time.GetUtcNow();

    public async Task HandleAsync(HttpContext http)
    {
        http.Response.Headers.CacheControl = "no-store";
        await ComplianceGate.WriteAsync(http, null, await RefuseAsync(http) ?? await AnswerAsync());
    }

    /// <summary>Has the values of the moment sent too.</summary>
    public void Send(TelemetryExport export)
    {
        export.Gauge("demarc.requests.open", "{request}", () => [new(requests.Open)]);
        export.Gauge("demarc.deployment.failing", "1", () => Each(d => health.View.IsFailing(d, time.GetUtcNow())));
        export.Gauge("demarc.deployment.mismatch", "1", () => Each(d => d.Mismatch is not null));
        export.Gauge("demarc.clock.skew", "s", () => Skews().Select(s => new Measurement<double>(s.Skew.TotalSeconds, new KeyValuePair<string, object?>("against", s.Against))));

        IEnumerable<Measurement<double>> Each(Func<DeploymentSnapshot, bool> holds) =>
            snapshots.Current.Resources.SelectMany(r => r.Deployments).Select(d => new Measurement<double>(holds(d) ? 1 : 0, new KeyValuePair<string, object?>("demarc.deployment", d.FullName)));
    }

    private IEnumerable<(string Against, TimeSpan Skew)> Skews()
    {
        if (clocks.FromStore is { } fromStore)
            yield return ("store", fromStore);
        if (clocks.FromUpstreams is { } fromUpstreams)
            yield return ("upstreams", fromUpstreams);
    }

    // Scraped every few seconds, and no record of anybody: a reading is no activity.
    private async Task<AdminAnswer?> RefuseAsync(HttpContext http)
    {
        if (snapshots.Current.Network.Refuse(http.Connection.RemoteIpAddress, "this gateway") is { } denied)
            return new(403, null, "permission_error", denied.Message);
        if (config.IsPublic)
            return null;
        if (Credential.Of(http.Request) is not { } key)
            return new(401, null, "authentication_error", Credential.ExplainMissing(http.Request));
        var (status, principal) = await snapshots.AuthenticateAsync(key, http.Connection.RemoteIpAddress);
        if (status != KeyStatus.Active || principal is null)
            return AdminAnswer.Refused(Credential.Answer(status), Credential.Explain(status));
        return principal.Access.Allows(Permission.MetricsRead) ? null
            : new(403, null, "permission_error", "None of your roles has the permission metrics.read: metrics are for admin and compliance keys, for people whose roles permit it, or for everyone with metrics: { public: true }.");
    }

    private async Task<AdminAnswer> AnswerAsync()
    {
        var text = new StringBuilder(16 << 10);
        requests.Write(text);
        Deployments(text);
        await StoreAsync(text);
        RequestMetrics.Head(text, "demarc_clock_skew_seconds", "gauge", "How far this machine's clock is ahead of the store's and of the upstreams'.");
        foreach (var (against, skew) in Skews())
            RequestMetrics.Line(text, "demarc_clock_skew_seconds", $"against=\"{against}\"", skew.TotalSeconds);
        Process(text);
        return new AdminAnswer(200, Encoding.UTF8.GetBytes(text.ToString())) { ContentType = Format };
    }

    private void Deployments(StringBuilder text)
    {
        var (now, view) = (time.GetUtcNow(), health.View);
        var deployments = snapshots.Current.Resources.SelectMany(r => r.Deployments).ToArray();
        RequestMetrics.Head(text, "demarc_deployment_failing", "gauge", "1 while others are asked before this deployment.");
        foreach (var deployment in deployments)
            Line("demarc_deployment_failing", Label(deployment.FullName), view.IsFailing(deployment, now) ? 1 : 0);
        RequestMetrics.Head(text, "demarc_deployment_mismatch", "gauge", "1 while its platform says otherwise than is declared: out of service.");
        foreach (var deployment in deployments)
            Line("demarc_deployment_mismatch", Label(deployment.FullName), deployment.Mismatch is null ? 0 : 1);

        static string Label(string name) => $"demarc_deployment=\"{RequestMetrics.Escape(name)}\"";

        void Line(string name, string labels, double value) => RequestMetrics.Line(text, name, labels, value);
    }

    private async Task StoreAsync(StringBuilder text)
    {
        var now = time.GetUtcNow().ToUnixTimeMilliseconds();
        var up = 0;
        try
        {
            var cursors = await store.Exports.ListAsync(organization.Id);
            var lags = await Task.WhenAll(cursors.Select(c => store.Exports.LagAsync(organization.Id, c)));
            up = 1;
            RequestMetrics.Head(text, "demarc_export_lag_activities", "gauge", "Activities that a destination has not taken yet.");
            Each("demarc_export_lag_activities", i => lags[i].Activities);
            RequestMetrics.Head(text, "demarc_export_lag_seconds", "gauge", "Age of the oldest of them.");
            Each("demarc_export_lag_seconds", i => lags[i].OldestAt is { } oldest ? Math.Max(0, now - oldest) / 1000.0 : 0);
            RequestMetrics.Head(text, "demarc_export_failures", "gauge", "How many times in a row a destination has failed.");
            Each("demarc_export_failures", i => cursors[i].Failures);

            void Each(string name, Func<int, double> value)
            {
                for (var i = 0; i < cursors.Length; i++)
                    RequestMetrics.Line(text, name, $"destination=\"{RequestMetrics.Escape(cursors[i].Name)}\"", value(i));
            }
        }
        catch (Exception e) when (e is System.Data.Common.DbException or StoreException or IOException or TimeoutException)
        {
            // That it cannot be asked is the news.
        }
        RequestMetrics.Head(text, "demarc_store_up", "gauge", "1 while the store answers.");
        RequestMetrics.Line(text, "demarc_store_up", "", up);
    }

    private void Process(StringBuilder text)
    {
        RequestMetrics.Head(text, "demarc_build_info", "gauge", "Version, and hashes of what is in force: replicas are to agree.");
        RequestMetrics.Line(text, "demarc_build_info", $"version=\"{RequestMetrics.Escape(Product.Version)}\",configuration=\"{snapshots.Current.ConfigurationHash}\",catalog=\"{snapshots.Current.Catalog.Hash}\"", 1);
        RequestMetrics.Head(text, "process_start_time_seconds", "gauge", "When this process started, seconds since 1970.");
        RequestMetrics.Line(text, "process_start_time_seconds", "", _started.ToUnixTimeMilliseconds() / 1000.0);
        RequestMetrics.Head(text, "process_resident_memory_bytes", "gauge", "Memory of this process.");
        RequestMetrics.Line(text, "process_resident_memory_bytes", "", Environment.WorkingSet);
        RequestMetrics.Head(text, "process_cpu_seconds_total", "counter", "Time on processors.");
        RequestMetrics.Line(text, "process_cpu_seconds_total", "", Environment.CpuUsage.TotalTime.TotalSeconds);
        RequestMetrics.Head(text, "dotnet_gc_allocated_bytes_total", "counter", "Memory that was taken for objects.");
        RequestMetrics.Line(text, "dotnet_gc_allocated_bytes_total", "", GC.GetTotalAllocatedBytes());
        RequestMetrics.Head(text, "dotnet_gc_pause_seconds_total", "counter", "Time that collecting garbage stood still.");
        RequestMetrics.Line(text, "dotnet_gc_pause_seconds_total", "", GC.GetTotalPauseDuration().TotalSeconds);
    }
}
