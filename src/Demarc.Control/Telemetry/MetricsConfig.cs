using Demarc.Governance.Identity;

namespace Demarc.Control.Telemetry;

/// <summary>That metrics are counted, shown, and sent.</summary>
/// <param name="IsPublic">Whether <c>/metrics</c> answers without a key.</param>
/// <param name="Otlp">Where they are sent as well; null for nowhere.</param>
public sealed record MetricsConfig(bool IsPublic, OtlpConfig? Otlp);

/// <summary>An OpenTelemetry collector that takes OTLP over HTTP, as protobuf.</summary>
/// <param name="Endpoint">Without <c>/v1/metrics</c> and <c>/v1/traces</c>, and without a trailing slash.</param>
/// <param name="Every">How often metrics go.</param>
/// <param name="Traces">Whether each request is a span too.</param>
public sealed record OtlpConfig(Uri Endpoint, KeyValuePair<string, Secret>[] Headers, TimeSpan Every, bool Traces, Uri? Proxy, string? CertificateAuthorities);
