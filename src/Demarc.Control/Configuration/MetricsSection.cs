using System.Globalization;
using Demarc.Control.Telemetry;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>metrics</c>.</summary>
internal static class MetricsSection
{
    private static readonly TimeSpan DefaultEvery = TimeSpan.FromSeconds(60);

    public static MetricsConfig? Read(ConfigNode? node, ConfigReading reading) =>
        MapReader.Open(node, reading, ["public", "otlp"]) is { } map ? new MetricsConfig(Vocabulary.Flag(map.Get("public"), reading), Otlp(map.Get("otlp"), reading)) : null;

    private static OtlpConfig? Otlp(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["endpoint", "headers", "every", "traces", "proxy", "certificate_authorities"]) is not { } map)
            return null;
        var endpoint = UrlRules.Read(reading.Text(map.Required("endpoint", "the https:// address of a collector, without /v1/metrics")), reading);
        var headers = ExportSection.Headers(map.Get("headers"), reading);
        var every = Every(map.Text("every"), reading);
        var traces = Vocabulary.Flag(map.Get("traces"), reading);
        var (proxy, authorities) = (EgressSection.Proxy(map.Text("proxy"), reading), EgressSection.CertificateAuthorities(map.Text("certificate_authorities"), reading));
        return endpoint is null ? null : new OtlpConfig(endpoint, headers, every, traces, proxy, authorities);
    }

    private static TimeSpan Every(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return DefaultEvery;
        if (node.Value.EndsWith('s') && int.TryParse(node.Value.AsSpan(0, node.Value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds is >= 1 and <= 3600)
            return TimeSpan.FromSeconds(seconds);
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no interval; accepted: 1s to 3600s");
        return DefaultEvery;
    }
}
