using Demarc.Governance.Identity;

namespace Demarc.Proxy.Upstreams.Aws;

/// <summary>An access key; with a session token when it is temporary.</summary>
internal sealed record AwsKeys(string AccessKey, Secret SecretKey, Secret? SessionToken);
