using Demarc.Control.AdminApi;
using Demarc.Control.Alerts;
using Demarc.Control.Compliance;
using Demarc.Control.Configuration;
using Demarc.Control.Exports;
using Demarc.Control.Identity.Roles;
using Demarc.Control.Identity.SignIn;
using Demarc.Control.Increases;
using Demarc.Control.Resources;
using Demarc.Control.Telemetry;
using Demarc.Governance;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Governance.Spend;
using Demarc.Proxy;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Refusals;
using Demarc.Proxy.Upstreams;
using Demarc.Proxy.Upstreams.Management;
using Demarc.Storage;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Demarc.Serving;

/// <summary>A running gateway: configuration, store, request path and control plane, wired and listening.</summary>
public sealed class Gateway : IAsyncDisposable
{
    // As long without the store's word as a replica may decide by what it knew.
    private static readonly TimeSpan MaxUnconfirmed = TimeSpan.FromSeconds(4);

    private readonly WebApplication _app;
    private readonly Store _store;

    private Gateway(WebApplication app, Store store, Uri url) => (_app, _store, Url) = (app, store, url);

    /// <summary>Where it listens, or <c>public_url</c> when one is configured.</summary>
    public Uri Url { get; }

    /// <summary>Starts; returns when it answers.</summary>
    /// <exception cref="ServeException">The configuration or the catalog cannot be used; the message says why and where.</exception>
    public static async Task<Gateway> StartAsync(ServeOptions options, TimeProvider? clock = null, Action<ILoggingBuilder>? logging = null)
    {
        var time = clock ?? TimeProvider.System;

        // 1 configuration and catalog
        var files = InstallationFiles.Load(options.ConfigPath ?? Quickstart.WriteConfiguration(options), options.DataDirectory);
        var config = files.Config;

        var waived = ZeroRetention.Enforce(files.Snapshot, config.ZeroRetention, Environment.GetEnvironmentVariable);

        // 2 the host
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ApplicationName = "demarc", ContentRootPath = AppContext.BaseDirectory });
        builder.Configuration.Sources.Clear();
        builder.Logging.ClearProviders();
        (logging ?? DefaultLogging)(builder.Logging);
        var loggers = LoggerFactory.Create(logging ?? DefaultLogging);
        var log = loggers.CreateLogger<Gateway>();

        // 3 the store and the snapshot
        var installation = await Installation.OpenAsync(files, time, loggers);
        var (store, organization) = (installation.Store, installation.Organization);
        var inForce = config;
        Func<DemarcConfig, Task>? useIdentity = null;
        try
        {
            await ServeFromAsync(store, config);
            var snapshots = new Snapshots(store, organization.Id, files.Snapshot, loggers.CreateLogger<Snapshots>(), new ActorRecord("system", store.Replica));
            await snapshots.ApplyAsync(snapshots.Current);
            await ZeroRetention.RecordAsync(store, organization.Id, config.ZeroRetention, waived);

            var life = new LifeRecord(store, organization.Id, snapshots, loggers.CreateLogger<LifeRecord>());
            builder.Services.AddHostedService(_ => life);
            builder.Services.AddSingleton(time);
            builder.Services.AddSingleton(store);
            var export = config.Metrics?.Otlp is { } otlp ? new TelemetryExport(otlp, store.Replica, () => OutboundClient.Handler(otlp.Proxy, otlp.CertificateAuthorities)) : null;
            if (export is not null)
                builder.Services.AddSingleton(_ => export);
            var metrics = new RequestMetrics(export);
            // Who configures no metrics pays for none.
            IEvidenceSink sink = config.Metrics is null ? store : new MeteredSink(store, metrics);
            if (config.Metrics is not null)
                builder.Services.AddSingleton(config.Metrics).AddSingleton(metrics).AddSingleton<MetricsGate>();
            builder.Services.AddSingleton(sink);
            builder.Services.AddSingleton(snapshots);
            builder.Services.AddSingleton<ISnapshotSource>(snapshots);
            builder.Services.AddSingleton(organization);
            builder.Services.AddSingleton(installation.Master);
            builder.Services.AddSingleton<UpstreamClient>();
            builder.Services.AddSingleton<UpstreamHealth>();
            builder.Services.AddSingleton<Clocks>();
            builder.Services.AddHostedService<AddressWatch>();
            builder.Services.AddHostedService(s => new BreakerExchange(store, organization.Id, s.GetRequiredService<UpstreamHealth>(), s.GetRequiredService<ILogger<BreakerExchange>>()));
            builder.Services.AddSingleton<ManagementClient>();
            var verification = new Verification(config.VerifyEvery);
            builder.Services.AddHostedService(s => new VerificationSchedule(
                verification, new Verifier(store, organization.Id, s.GetRequiredService<ManagementClient>(), time, loggers.CreateLogger<Verifier>()), snapshots, time,
                s.GetRequiredService<ILogger<VerificationSchedule>>()));
            builder.Services.AddSingleton(new SessionNames(installation.Master.Derive("demarc session")));
            builder.Services.AddSingleton<ModelsEndpoints>();
            builder.Services.AddSingleton<CloudEndpoints>();
            builder.Services.AddSingleton<ProfilesEndpoints>();
            var drain = new Drain(config.Shutdown, time);
            builder.Services.AddSingleton(drain);
            builder.Services.AddHostedService(_ => drain);
            builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = config.Shutdown.Notice + config.Shutdown.Streams);
            builder.Services.AddSingleton<Health>();
            builder.Services.AddSingleton<RouteTable>();
            builder.Services.AddSingleton<AdminGate>();
            builder.Services.AddSingleton<RoleAssignmentEndpoints>();
            builder.Services.AddSingleton<RoleRequestEndpoints>();
            builder.Services.AddSingleton<AccessReviewEndpoints>();
            builder.Services.AddSingleton<SecondAdministrator>();
            builder.Services.AddSingleton<ChangeEndpoints>();
            builder.Services.AddSingleton<OrganizationEndpoints>();
            builder.Services.AddSingleton<ApiKeyEndpoints>();
            builder.Services.AddSingleton<UserEndpoints>();
            builder.Services.AddSingleton<GroupMemberEndpoints>();
            builder.Services.AddSingleton<WorkspaceEndpoints>();
            builder.Services.AddSingleton<ProjectEndpoints>();
            builder.Services.AddSingleton<AliasEndpoints>();
            builder.Services.AddSingleton<SpendLimitEndpoints>();
            builder.Services.AddSingleton<SpendLimitViews>();
            builder.Services.AddSingleton<IncreaseRequestEndpoints>();
            builder.Services.AddSingleton(new IncreaseLinks(config.PublicUrl, installation.Master.Derive("demarc increase link")));
            builder.Services.AddSingleton<IncreasePage>();
            builder.Services.AddSingleton<UsageEndpoints>();
            builder.Services.AddSignIn(config, store, organization.Id, installation.Master, time);
            builder.Services.AddTokens(config, store, organization.Id, installation.Master, loggers);
            builder.Services.AddScim(config.Scim, organization.Id);
            if (store.Guesses is { } guesses)
                builder.Services.AddHostedService(_ => new GuessExchange(store, guesses, organization.Id, loggers.CreateLogger<GuessExchange>()));
            var seats = new SeatFollower(store, organization.Id, config.Seats);
            builder.Services.AddSingleton<UsageReportEndpoints>();
            builder.Services.AddSingleton<CostReportEndpoints>();
            builder.Services.AddSingleton<ClaudeCodeReportEndpoints>();
            builder.Services.AddSingleton(new PageTokens(installation.Master.Derive("demarc cursor")));
            builder.Services.AddSingleton<ComplianceGate>();
            builder.Services.AddSingleton<DataPaths>();
            builder.Services.AddSingleton<ActivityEndpoints>();
            builder.Services.AddSingleton<TranscriptReader>();
            builder.Services.AddSingleton<SessionAccess>();
            builder.Services.AddSingleton<SessionEndpoints>();
            builder.Services.AddSingleton<AttachmentReader>();
            builder.Services.AddSingleton<AttachmentEndpoints>();
            builder.Services.AddSingleton<MeEndpoints>();
            builder.Services.AddSingleton<RoleEndpoints>();
            builder.Services.AddSingleton<DirectoryEndpoints>();
            builder.Services.AddSingleton(new SettingsEndpoints(store, snapshots, () => config.Identity is null ? null : inForce.Identity, config.Scim is not null));
            builder.Services.AddEvidenceLog(config.Log, store, installation.Master);
            builder.Services.AddRetention(config.Retention, installation);
            builder.Services.AddSingleton(new Escrow(store.Budgets, time));
            builder.Services.AddSingleton(s => new LeaseFollower(s.GetRequiredService<Escrow>(), store.Budgets, time));
            builder.Services.AddHostedService<EscrowFollower>();
            builder.Services.AddSingleton(new RateSharing(store.RateShares, time));
            builder.Services.AddHostedService<RateFollower>();
            builder.Services.AddSingleton(s => new MessagesPipeline(
                snapshots, sink, s.GetRequiredService<UpstreamClient>(), s.GetRequiredService<UpstreamHealth>(), s.GetRequiredService<SessionNames>(), s.GetRequiredService<Escrow>(), s.GetRequiredService<RateSharing>(), s.GetRequiredService<IncreaseLinks>(), store.Replica, time,
                s.GetRequiredService<ILogger<MessagesPipeline>>()));
            builder.Services.AddHostedService(_ => new StoreFollowers(store, snapshots));
            var alerts = new AlertDelivery(store, organization.Id, loggers.CreateLogger<AlertDelivery>());
            alerts.Use(config.Alerts);
            builder.Services.AddSingleton(_ => alerts);
            builder.Services.AddHostedService<AlertService>();
            var outbound = new OutboundClient(time, loggers.CreateLogger<OutboundClient>());
            builder.Services.AddSingleton(_ => outbound);
            var ways = new ExportWays(outbound.SendAsync, OutboundClient.ConnectAsync);
            builder.Services.AddSingleton(ways);
            var exporter = new Exporter(store, organization.Id, ways, new DataPaths(store), loggers.CreateLogger<Exporter>());
            exporter.Use(config.Exports);
            builder.Services.AddSingleton(_ => exporter);
            builder.Services.AddHostedService<ExportService>();
            var tls = config.Tls is null ? null : new TlsCertificate(config.Tls, time, loggers.CreateLogger<TlsCertificate>());
            builder.Services.AddHostedService(_ => new ConfigWatch(files.Path, files.Sources, files.Read, async (next, result) =>
            {
                if (next.Tls is not null)
                    tls?.Use(next.Tls);
                verification.Every = next.VerifyEvery;
                alerts.Use(next.Alerts);
                exporter.Use(next.Exports);
                var waiting = StartKeys.Changed(files.Read, result);
                await ReloadAsync(store, snapshots, organization.Id, files.Shipped, next, result, waiting, async () =>
                {
                    await useIdentity!(next);
                    inForce = next;
                    await seats.UseAsync(next.Seats);
                });
                if (waiting.Length > 0)
                    ServeLog.WaitsForStart(log, string.Join(", ", waiting));
            }, time, loggers.CreateLogger<ConfigWatch>())
            { Refused = life.ConfigurationRefusedAsync });
            Listen(builder, config, options, tls);

            // 4 the routes
            var app = builder.Build();
            useIdentity = app.UseIdentityAsync;
            await app.UseTokensAsync(config);
            UseTrustedProxies(app, config);
            store.Changes.SubscribeEach(app.Services.GetRequiredService<Clocks>().LookAsync);
            if (export is not null)
                app.Services.GetRequiredService<MetricsGate>().Send(app.Services.GetRequiredService<TelemetryExport>());
            app.UseExceptionHandler(new ExceptionHandlerOptions { ExceptionHandler = FailedAsync });
            app.Use(Listeners.HandleAsync);
            app.Use(app.Services.GetRequiredService<RouteTable>().HandleAsync);
            app.MapDemarc();
            await app.StartAsync();

            var url = config.PublicUrl ?? new Uri(app.Urls.First());
            if (options.Quickstart)
                await Quickstart.PrepareAsync(store, organization.Id, options, new Uri(app.Urls.First()), time);
            Announce(log, files, snapshots.Current, time);
            return new Gateway(app, store, url);
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }

    /// <summary>Every address that is listened on: those for clients, then those for administration alone.</summary>
    internal Uri[] Addresses => [.. _app.Urls.Select(url => new Uri(url))];

    /// <summary>What the request path knows of the upstreams' state.</summary>
    internal UpstreamHealth Health => _app.Services.GetRequiredService<UpstreamHealth>();

    /// <summary>Asks issuers again about those who signed in.</summary>
    internal SignInRecheck Recheck => _app.Services.GetRequiredService<SignInRecheck>();

    internal Store Store => _store;

    /// <summary>Every route that is mapped, as <c>METHOD /pattern</c>.</summary>
    internal IEnumerable<string> Routes => _app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .SelectMany(e => (e.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? []).Select(m => $"{m} {e.RoutePattern.RawText}"));

    /// <summary>Completes when the process is asked to end.</summary>
    public Task WaitForShutdownAsync() => _app.WaitForShutdownAsync();

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
        await _store.DisposeAsync();
    }

    // A store of this process's own is away only with it.
    private static async Task ServeFromAsync(Store store, DemarcConfig config)
    {
        if (config.JournalDirectory is { } journal)
            await store.UseJournalAsync(journal);
        if (config.Store is PostgresStoreConfig && !config.ServesInOutage)
            store.Changes.RefuseAfter = MaxUnconfirmed;
    }

    private static void DefaultLogging(ILoggingBuilder logging) => logging
        .AddSimpleConsole(o => (o.SingleLine, o.TimestampFormat, o.UseUtcTimestamp) = (true, "yyyy-MM-ddTHH:mm:ss.fffZ ", true))
        .AddFilter("Microsoft", LogLevel.Warning)
        // Enabled at any level, it makes an Activity and a log scope for each request; the server itself logs what was not caught.
        .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None);

    private static void Listen(WebApplicationBuilder builder, DemarcConfig config, ServeOptions options, TlsCertificate? tls)
    {
        if (tls is not null)
            builder.Services.AddHostedService(_ => tls);
        // What a socket has read is handled where it was read, a worker of the pool as well: no second one is woken for it.
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.UnsafePreferInlineScheduling = true);
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            // The request path answers what is too large itself, in the envelope that clients read.
            kestrel.Limits.MaxRequestBodySize = null;
            kestrel.Limits.MaxRequestHeadersTotalSize = 256 << 10;
            kestrel.Limits.MaxRequestHeaderCount = 500;
            Listeners.Add(kestrel, config, options.Listen, tls);
        });
    }

    private static void UseTrustedProxies(WebApplication app, DemarcConfig config)
    {
        if (config.TrustedProxies.Length == 0)
            return;
        var options = new ForwardedHeadersOptions { ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto, ForwardLimit = null };
        options.KnownProxies.Clear();
        options.KnownIPNetworks.Clear();
        foreach (var network in config.TrustedProxies)
            options.KnownIPNetworks.Add(network);
        app.UseForwardedHeaders(options);
    }

    private static async Task ReloadAsync(Store store, Snapshots snapshots, string organizationId, Catalog catalog, DemarcConfig config, ConfigResult result, string[] waiting, Func<Task> use)
    {
        // A policy that comes while the process runs finds what the process began with.
        var next = ConfigSnapshot.Build(config, config.CatalogPath is null ? catalog : InstallationFiles.LoadCatalog(config.CatalogPath), result.Hash);
        var waived = ZeroRetention.Enforce(next, config.ZeroRetention, Environment.GetEnvironmentVariable);
        var before = snapshots.Current.ConfigurationHash;
        await snapshots.ApplyAsync(next);
        await use();
        await store.RecordAsync(organizationId, new ActorRecord("system", store.Replica), "demarc_configuration_loaded", new()
        {
            ["configuration"] = result.Hash,
            ["previous_configuration"] = before,
            ["policy"] = next.PolicyHash,
            ["needs_restart"] = waiting.Length == 0 ? null : string.Join(", ", waiting),
        });
        await ZeroRetention.RecordAsync(store, organizationId, config.ZeroRetention, waived);
    }

    // A bug, or the store refusing a record: the client learns that it was not its fault, the log has the rest. But a body that
    // cannot be read is the client's.
    private static async Task FailedAsync(HttpContext http)
    {
        if (http.Features.Get<IExceptionHandlerFeature>()?.Error is BadHttpRequestException bad)
        {
            await ErrorEnvelope.WriteAsync(http, bad.StatusCode, "invalid_request_error", "The request body could not be read. Send it whole.");
            return;
        }
        var id = http.Response.Headers["demarc-request-id"].ToString();
        var ofStore = http.Features.Get<IExceptionHandlerFeature>()?.Error is StoreException or System.Data.Common.DbException;
        await ErrorEnvelope.WriteAsync(
            http, ofStore ? 503 : 500, "api_error",
            ofStore
                ? "The gateway's store cannot be reached, or takes no more records: nothing was changed. Your administrator finds the reason in its log; try again."
                : "The gateway failed to handle the request. Your administrator finds the reason in its log.",
            id.Length > 0 ? id : null, retry: true);
    }

    private static void Announce(ILogger log, InstallationFiles files, GatewaySnapshot snapshot, TimeProvider time)
    {
        var catalog = snapshot.Catalog;
        var deployed = snapshot.Resources.SelectMany(r => r.Deployments).Select(d => catalog.FindModel(d.Model)?.Id ?? d.Model).ToHashSet();
        var reviewed = InstallationFiles.Review(files.Read, catalog, time);
        if (reviewed.Problems.Count > 0)
            ServeLog.ConfigWarnings(log, ConfigReport.Text(files.Path, reviewed));
        foreach (var warning in catalog.Warnings(DateOnly.FromDateTime(time.GetUtcNow().UtcDateTime)).Where(w => w.Subject is null || (deployed.Contains(w.Subject) && !ModelReview.IsOfRetirement(w))))
            ServeLog.CatalogWarning(log, warning.Text);
    }
}

/// <summary>The start cannot go on; the message is for the operator.</summary>
public sealed class ServeException(string message) : Exception(message);

internal static partial class ServeLog
{
    [LoggerMessage(5001, LogLevel.Warning, "The configuration has warnings.\n{Problems}")]
    public static partial void ConfigWarnings(ILogger log, string problems);

    [LoggerMessage(5004, LogLevel.Warning, "These keys of the configuration have changed and hold as they were until this process is started anew: {Keys}")]
    public static partial void WaitsForStart(ILogger log, string keys);

    [LoggerMessage(5002, LogLevel.Warning, "Catalog: {Warning}")]
    public static partial void CatalogWarning(ILogger log, string warning);
}
