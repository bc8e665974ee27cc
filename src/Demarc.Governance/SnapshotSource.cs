using System.Net;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Policy;

namespace Demarc.Governance;

/// <summary>The outcome of looking a key up.</summary>
public enum KeyStatus
{
    Active,

    /// <summary>Not ours, or deleted: the answer says no more than that.</summary>
    Unknown,

    Expired,

    /// <summary>Made inactive or archived, or its owner is no longer active.</summary>
    Revoked,

    /// <summary>The store cannot be asked and the key is not cached.</summary>
    Unavailable,

    /// <summary>Too many keys that do not hold came from the address: none but those in use is looked at (<see cref="AbuseLimits"/>).</summary>
    Guessing,
}

/// <summary>What the request path reads: the immutable snapshot, and principals by key.</summary>
public interface ISnapshotSource
{
    /// <summary>The snapshot in force; read once per request.</summary>
    GatewaySnapshot Current { get; }

    /// <summary>
    /// The principal of a presented key. Completes synchronously when it is cached or forged;
    /// the store is asked only for keys whose MAC holds.
    /// </summary>
    /// <param name="from">The address that presents it; null where none is known.</param>
    ValueTask<(KeyStatus Status, Principal? Principal)> AuthenticateAsync(string presentedKey, IPAddress? from = null);

    /// <summary>
    /// An answer says that inference ran where the deployment's boundary does not allow it: it goes out of service. Returns
    /// at once, and may be called again for the same.
    /// </summary>
    /// <param name="geography">The answer's <c>usage.inference_geo</c>.</param>
    void Contradicted(DeploymentSnapshot deployment, string geography);
}
