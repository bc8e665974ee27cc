namespace Demarc.Governance.Boundaries;

/// <summary>A place of the operator's that records are sent to and that serves no models: the way there, and how Demarc proves itself.</summary>
/// <param name="Name">For the operator's log.</param>
/// <param name="Credential">Null where the request carries its own.</param>
/// <param name="Service">What the credential is for: a scope of Entra ID, or a service of AWS.</param>
/// <param name="Region">AWS alone.</param>
/// <param name="Proxy">The HTTP proxy on the way; null for none.</param>
/// <param name="CertificateAuthorities">PEM certificates trusted beside the system's; null for none.</param>
public sealed record OutboundPlace(
    string Name, UpstreamCredential? Credential = null, string? Service = null, string? Region = null, Uri? Proxy = null, string? CertificateAuthorities = null);
