using System.Diagnostics;
using System.Diagnostics.Metrics;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Demarc.Control.Telemetry;

/// <summary>One request that has ended, as far as telemetry tells of it.</summary>
/// <param name="At">Unix milliseconds of its end.</param>
/// <param name="Error">Empty for an answer.</param>
public readonly record struct ServedRequest(Guid Id, long At, string Operation, string Platform, string Model, string Deployment, string Error);

/// <summary>
/// Sends what <c>/metrics</c> shows to an OpenTelemetry collector, and each request as a span where that is configured: counts,
/// names of deployments, sizes and times. Never content, never a person.
/// </summary>
public sealed class TelemetryExport : IDisposable
{
    private const string Name = "demarc";
    private const int FlushMilliseconds = 3000;

    private readonly Meter _meter = new(Name, Product.Version);
    private readonly ActivitySource? _spans;
    private readonly MeterProvider _metrics;
    private readonly TracerProvider? _traces;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _firstToken;
    private readonly Histogram<long> _tokens;
    private readonly Counter<double> _cost;
    private readonly Counter<long> _refused;
    private readonly Counter<long> _failedRecords;

    /// <param name="replica">Tells this process from the others.</param>
    /// <param name="way">Makes the handler by which the collector is reached; disposed with the export.</param>
    public TelemetryExport(OtlpConfig config, string replica, Func<HttpMessageHandler> way)
    {
        _duration = Histogram<double>("gen_ai.server.request.duration", "s", RequestMetrics.Seconds);
        _firstToken = Histogram<double>("gen_ai.server.time_to_first_token", "s", RequestMetrics.FirstToken);
        _tokens = Histogram("gen_ai.client.token.usage", "{token}", Array.ConvertAll(RequestMetrics.Tokens, t => (long)t));
        _cost = _meter.CreateCounter<double>("demarc.cost", "USD");
        _refused = _meter.CreateCounter<long>("demarc.refusals", "{request}");
        _failedRecords = _meter.CreateCounter<long>("demarc.records.failed", "{record}");

        var resource = ResourceBuilder.CreateEmpty().AddService(Name, serviceVersion: Product.Version, autoGenerateServiceInstanceId: false, serviceInstanceId: replica);
        _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Name).AddOtlpExporter((exporter, reader) =>
        {
            Use(exporter, "/v1/metrics");
            reader.PeriodicExportingMetricReaderOptions.ExportIntervalMilliseconds = (int)config.Every.TotalMilliseconds;
        }).Build();
        if (!config.Traces)
            return;
        _spans = new ActivitySource(Name, Product.Version);
        _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Name).SetSampler(new AlwaysOnSampler()).AddOtlpExporter(exporter => Use(exporter, "/v1/traces")).Build();

        void Use(OtlpExporterOptions options, string path)
        {
            options.Endpoint = new Uri(config.Endpoint.AbsoluteUri.TrimEnd('/') + path);
            options.Protocol = OtlpExportProtocol.HttpProtobuf;
            options.HttpClientFactory = () =>
            {
                var client = new HttpClient(way()) { Timeout = TimeSpan.FromMilliseconds(options.TimeoutMilliseconds) };
                foreach (var (name, value) in config.Headers)
                    client.DefaultRequestHeaders.TryAddWithoutValidation(name, value.Reveal());
                return client;
            };
        }
    }

    /// <summary>Adds a value that is read when metrics go.</summary>
    public void Gauge(string name, string unit, Func<IEnumerable<Measurement<double>>> read) => _meter.CreateObservableGauge(name, read, unit);

    public void Finished(in ServedRequest request, FinishedRecord finished)
    {
        var where = new TagList
        {
            { "gen_ai.provider.name", request.Platform },
            { "gen_ai.request.model", request.Model },
            { "demarc.deployment", request.Deployment },
        };
        if (finished.Usage is { } usage)
        {
            _tokens.Record(usage.InputTokens + usage.CacheRead + usage.CacheWrite5m + usage.CacheWrite1h, With(where, "gen_ai.token.type", "input"));
            _tokens.Record(usage.OutputTokens, With(where, "gen_ai.token.type", "output"));
            _cost.Add(finished.CostNanoUsd / 1e9, where);
        }
        where.Add("gen_ai.operation.name", request.Operation);
        if (request.Error.Length > 0)
            where.Add("error.type", request.Error);
        _duration.Record(finished.LatencyUs / 1e6, where);
        if (finished.FirstByteUs > 0)
            _firstToken.Record(finished.FirstByteUs / 1e6, where);
        if (_spans is not null)
            Span(request, finished, where);
    }

    public void Refused(string reason) => _refused.Add(1, new KeyValuePair<string, object?>("reason", reason));

    public void RecordFailed() => _failedRecords.Add(1);

    /// <summary>Sends what is left, within some seconds.</summary>
    public void Dispose()
    {
        _traces?.Shutdown(FlushMilliseconds);
        _metrics.Shutdown(FlushMilliseconds);
        _traces?.Dispose();
        _metrics.Dispose();
        _spans?.Dispose();
        _meter.Dispose();
    }

    // Made when the request has ended, with the times that are on record.
    private void Span(in ServedRequest request, FinishedRecord finished, in TagList where)
    {
        var end = DateTimeOffset.FromUnixTimeMilliseconds(request.At);
        using var span = _spans!.StartActivity(
            $"{request.Operation} {request.Model}", ActivityKind.Server, default(ActivityContext), where, links: null, startTime: end - TimeSpan.FromMicroseconds(finished.LatencyUs));
        if (span is null)
            return;
        span.SetTag("demarc.request_id", Ids.From(Ids.Request, request.Id));
        if (finished.Usage is { } usage)
        {
            span.SetTag("gen_ai.usage.input_tokens", usage.InputTokens);
            span.SetTag("gen_ai.usage.output_tokens", usage.OutputTokens);
        }
        if (request.Error.Length > 0)
            span.SetStatus(ActivityStatusCode.Error);
        span.SetEndTime(end.UtcDateTime);
    }

    private static TagList With(TagList tags, string name, string value)
    {
        tags.Add(name, value);
        return tags;
    }

    private Histogram<T> Histogram<T>(string name, string unit, T[] bounds)
        where T : struct =>
        _meter.CreateHistogram<T>(name, unit, null, null, new InstrumentAdvice<T> { HistogramBucketBoundaries = bounds });
}
