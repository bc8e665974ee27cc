namespace Demarc.Control.Telemetry;

/// <summary>That metrics are counted and shown.</summary>
/// <param name="IsPublic">Whether <c>/metrics</c> answers without a key.</param>
public sealed record MetricsConfig(bool IsPublic);
