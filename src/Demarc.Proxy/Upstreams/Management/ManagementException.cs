namespace Demarc.Proxy.Upstreams.Management;

/// <summary>The platform did not say what there is: nothing is known better than before. Its words are for the operator.</summary>
public sealed class ManagementException(string message, Exception? inner = null) : Exception(message, inner);
