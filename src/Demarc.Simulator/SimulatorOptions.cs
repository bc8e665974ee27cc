using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Simulator;

/// <summary>What a simulator is started with.</summary>
public sealed record SimulatorOptions
{
    /// <summary>Address to listen on as <c>IP:PORT</c>; port 0 (the default, on loopback) takes a free one.</summary>
    public string Listen { get; init; } = "127.0.0.1:0";

    /// <summary>Keys and tokens that are accepted; empty (the default) accepts every request, with or without a credential.</summary>
    public IReadOnlyList<string> Keys { get; init; } = [];

    /// <summary>With its private key: serves HTTPS; null (the default) for plain HTTP.</summary>
    public X509Certificate2? Certificate { get; init; }

    /// <summary>Milliseconds waited before the headers of each simulated answer; default 0.</summary>
    public int LatencyMs { get; init; }

    /// <summary>Whether requests are kept in <see cref="SimulatorHost.Log"/>; default true. Benchmarks switch it off.</summary>
    public bool KeepLog { get; init; } = true;

    /// <summary>Requests the log holds before it drops the oldest; default 10,000.</summary>
    public int LogRequests { get; init; } = 10_000;

    /// <summary>Body bytes the log holds before it drops the oldest; default 256 MiB.</summary>
    public long LogBytes { get; init; } = 256L << 20;

    /// <summary>The clock of delays, stamps and rate-limit resets; default the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where the web server reports; default nowhere.</summary>
    public ILoggerFactory Logging { get; init; } = NullLoggerFactory.Instance;
}
