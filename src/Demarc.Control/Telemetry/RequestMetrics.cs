using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using Demarc.Governance.Evidence;

namespace Demarc.Control.Telemetry;

/// <summary>
/// Counts of requests since the start of this process, from their records: names and buckets are those of OpenTelemetry's
/// semantic conventions for generative AI (gen_ai.server.request.duration, gen_ai.server.time_to_first_token,
/// gen_ai.client.token.usage). Never content, never a person.
/// </summary>
public sealed class RequestMetrics(TelemetryExport? export = null)
{
    // Buckets as the conventions advise.
    internal static readonly double[] Seconds = [0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92];
    internal static readonly double[] FirstToken = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];
    internal static readonly double[] Tokens = [1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864];

    // Those that begin beyond these are not kept: their ends are counted without where they ran.
    private const int MostOpen = 100_000;

    private const int MaxCode = 40;

    private sealed record Series(string Operation, string Platform, string Model, string Deployment, string Error)
    {
        public Histogram Duration { get; } = new(Seconds);

        public Histogram FirstByte { get; } = new(FirstToken);

        public string Labels { get; } =
            $"gen_ai_operation_name=\"{Operation}\",gen_ai_provider_name=\"{Platform}\",gen_ai_request_model=\"{Escape(Model)}\",demarc_deployment=\"{Escape(Deployment)}\"{(Error.Length > 0 ? $",error_type=\"{Escape(Error)}\"" : "")}";
    }

    private sealed class Usage
    {
        public Histogram Input { get; } = new(Tokens);

        public Histogram Output { get; } = new(Tokens);

        public long NanoUsd;
    }

    private readonly ConcurrentDictionary<Guid, BegunRecord> _open = new();
    private readonly ConcurrentDictionary<(string Operation, string Platform, string Model, string Deployment, string Error), Series> _series = new();
    private readonly ConcurrentDictionary<(string Platform, string Model, string Deployment), Usage> _usage = new();
    private readonly ConcurrentDictionary<string, long> _refused = new();
    private long _failedRecords;

    /// <summary>Counts a record that is about to be written.</summary>
    public void Count(EvidenceRecord record)
    {
        switch (record.Document)
        {
            case BegunRecord begun:
                if (_open.Count < MostOpen)
                    _open[record.RequestId] = begun;
                break;
            case FinishedRecord finished:
                Finish(finished, _open.TryRemove(record.RequestId, out var began) ? began : null, record);
                break;
            case EventRecord { Type: "demarc_inference_refused" } refused:
                var reason = refused.Fields.GetValueOrDefault("reason") ?? "other";
                _refused.AddOrUpdate(reason, 1, static (_, n) => n + 1);
                export?.Refused(reason);
                break;
        }
    }

    /// <summary>A record could not be written.</summary>
    public void Failed()
    {
        Interlocked.Increment(ref _failedRecords);
        export?.RecordFailed();
    }

    /// <summary>Requests under way.</summary>
    public int Open => _open.Count;

    public void Write(StringBuilder text)
    {
        Head(text, "gen_ai_server_request_duration_seconds", "histogram", "Arrival of a request to the end of its answer.");
        foreach (var series in _series.Values)
            series.Duration.Write(text, "gen_ai_server_request_duration_seconds", series.Labels);
        Head(text, "gen_ai_server_time_to_first_token_seconds", "histogram", "Arrival of a request to the provider's first byte.");
        foreach (var series in _series.Values.Where(s => s.Error.Length == 0))
            series.FirstByte.Write(text, "gen_ai_server_time_to_first_token_seconds", series.Labels);
        Head(text, "gen_ai_client_token_usage", "histogram", "Tokens of a request, as the provider counted them; cached input included.");
        foreach (var (key, usage) in _usage)
        {
            usage.Input.Write(text, "gen_ai_client_token_usage", Labels(key) + ",gen_ai_token_type=\"input\"");
            usage.Output.Write(text, "gen_ai_client_token_usage", Labels(key) + ",gen_ai_token_type=\"output\"");
        }
        Head(text, "demarc_cost_usd_total", "counter", "What settled requests cost.");
        foreach (var (key, usage) in _usage)
            Line(text, "demarc_cost_usd_total", Labels(key), Volatile.Read(ref usage.NanoUsd) / 1e9);
        Head(text, "demarc_refusals_total", "counter", "Requests that were refused, by reason code.");
        foreach (var (reason, count) in _refused)
            Line(text, "demarc_refusals_total", $"reason=\"{Escape(reason)}\"", count);
        Head(text, "demarc_requests_open", "gauge", "Requests under way.");
        Line(text, "demarc_requests_open", "", _open.Count);
        Head(text, "demarc_records_failed_total", "counter", "Records that the store did not take; their requests were not answered.");
        Line(text, "demarc_records_failed_total", "", Volatile.Read(ref _failedRecords));
    }

    /// <summary>The lines before a metric's values.</summary>
    public static void Head(StringBuilder text, string name, string type, string help) => text.Append($"# HELP {name} {help}\n# TYPE {name} {type}\n");

    /// <param name="labels">Without braces; may be empty.</param>
    public static void Line(StringBuilder text, string name, string labels, double value) =>
        text.Append(name).Append(labels.Length > 0 ? $"{{{labels}}}" : "").Append(' ').Append(value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');

    /// <summary>A value of a label.</summary>
    public static string Escape(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);

    private void Finish(FinishedRecord finished, BegunRecord? begun, EvidenceRecord record)
    {
        var attempt = finished.AnsweredBy ?? begun?.Attempt;
        var key = (attempt?.Platform ?? "unknown", attempt?.Model ?? "unknown", attempt is null ? "unknown" : $"{attempt.Resource}/{attempt.Deployment}");
        // The conventions' word for a turn of messages; counting tokens has none of its own.
        var operation = begun?.Operation == "count_tokens" ? "count_tokens" : "chat";
        // The provider's words: those that are no code of its are not repeated.
        var error = finished.Result == "answered" ? "" : finished.ErrorType is { Length: <= MaxCode } type && type.All(c => char.IsAsciiLetterLower(c) || c == '_') ? type : finished.Result;
        var series = _series.GetOrAdd((operation, key.Item1, key.Item2, key.Item3, error), static k => new Series(k.Operation, k.Platform, k.Model, k.Deployment, k.Error));
        series.Duration.Add(finished.LatencyUs / 1e6);
        if (finished.FirstByteUs > 0)
            series.FirstByte.Add(finished.FirstByteUs / 1e6);
        export?.Finished(new ServedRequest(record.RequestId, record.At, operation, key.Item1, key.Item2, key.Item3, error), finished);
        if (finished.Usage is not { } usage)
            return;
        var sums = _usage.GetOrAdd(key, static _ => new Usage());
        sums.Input.Add(usage.InputTokens + usage.CacheRead + usage.CacheWrite5m + usage.CacheWrite1h);
        sums.Output.Add(usage.OutputTokens);
        Interlocked.Add(ref sums.NanoUsd, finished.CostNanoUsd);
    }

    private static string Labels((string Platform, string Model, string Deployment) key) =>
        $"gen_ai_provider_name=\"{key.Platform}\",gen_ai_request_model=\"{Escape(key.Model)}\",demarc_deployment=\"{Escape(key.Deployment)}\"";
}
