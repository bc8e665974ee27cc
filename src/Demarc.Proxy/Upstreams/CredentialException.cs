namespace Demarc.Proxy.Upstreams;

/// <summary>The gateway has no credential to send: nothing left. Its words are for the operator.</summary>
internal sealed class CredentialException(string message, Exception? inner = null) : HttpRequestException(message, inner);
