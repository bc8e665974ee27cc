using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;

namespace Demarc.Control.Exports;

/// <summary>Where activities are sent, as the configuration has it.</summary>
public abstract record ExportDestination
{
    /// <summary>Unique; its cursor goes by it.</summary>
    public required string Name { get; init; }

    /// <summary>The types that it takes; empty for all but <see cref="ExcludedTypes"/>.</summary>
    public string[] Types { get; init; } = [];

    public string[] ExcludedTypes { get; init; } = [];

    /// <summary>Where a new destination starts, Unix milliseconds; null for the log's start.</summary>
    public long? From { get; init; }

    /// <summary>The kind as the configuration writes it.</summary>
    public abstract string Kind { get; }

    /// <summary>Host or path, for records.</summary>
    public abstract string Address { get; }
}

/// <summary>A destination over HTTP.</summary>
public abstract record WebDestination : ExportDestination
{
    /// <summary>Without a query.</summary>
    public required Uri Url { get; init; }

    public required OutboundPlace Place { get; init; }

    public override string Address => Url.GetLeftPart(UriPartial.Path);
}

/// <summary>OCSF JSON to any collector.</summary>
/// <param name="IsArray">A JSON array; else a line for each event.</param>
/// <param name="Headers">What the collector wants beside it, such as an authorization.</param>
public sealed record HttpDestination(bool IsArray, KeyValuePair<string, Secret>[] Headers) : WebDestination
{
    public override string Kind => "http";
}

/// <summary>Splunk's HTTP Event Collector.</summary>
/// <param name="Acknowledged">Whether the collector's indexer acknowledgement is waited for.</param>
public sealed record SplunkDestination(Secret Token, string? Index, bool Acknowledged) : WebDestination
{
    public override string Kind => "splunk";
}

/// <summary>The Logs Ingestion API of Azure Monitor.</summary>
/// <param name="Rule">The immutable id of the data collection rule, <c>dcr-…</c>.</param>
/// <param name="Stream"><c>Custom-…</c>.</param>
public sealed record MonitorDestination(string Rule, string Stream) : WebDestination
{
    public override string Kind => "azure-monitor";
}

/// <summary>Objects by the hour in a container of Azure Blob Storage.</summary>
/// <param name="Prefix">Empty, or ends with a slash.</param>
/// <param name="Account">Whose key that is.</param>
/// <param name="AccountKey">Null where Entra ID vouches for Demarc.</param>
public sealed record BlobDestination(string Prefix, string Account, byte[]? AccountKey) : WebDestination
{
    public override string Kind => "azure-blob";

    // Bytes would be shown.
    public override string ToString() => $"{Kind} {Address}";
}

/// <summary>Objects by the hour in a bucket of S3, or of a store that speaks its protocol.</summary>
/// <param name="Prefix">Empty, or ends with a slash.</param>
public sealed record S3Destination(string Prefix) : WebDestination
{
    public override string Kind => "s3";
}

/// <summary>RFC 5424 over TCP with octet counting (RFC 6587), or over TLS (RFC 5425).</summary>
/// <param name="IsCef">The message is CEF; else OCSF JSON.</param>
public sealed record SyslogDestination(string Host, int Port, bool IsTls, bool IsCef, string? CertificateAuthorities) : ExportDestination
{
    public override string Kind => IsCef ? "cef" : "syslog";

    public override string Address => $"{(IsTls ? "tls" : "tcp")}:{Host}:{Port}";
}

/// <summary>A file of OCSF JSON lines on this machine.</summary>
/// <param name="Path">Absolute.</param>
/// <param name="RotateAt">Bytes.</param>
/// <param name="Keep">How many rotated files stay.</param>
public sealed record FileDestination(string Path, long RotateAt, int Keep) : ExportDestination
{
    public override string Kind => "file";

    public override string Address => "file:" + Path;
}
