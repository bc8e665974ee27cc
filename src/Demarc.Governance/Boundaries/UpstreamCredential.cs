using Demarc.Governance.Identity;

namespace Demarc.Governance.Boundaries;

/// <summary>
/// How a resource proves itself to its platform. Equal ones share their tokens; none holds a token itself.
/// </summary>
public abstract record UpstreamCredential;

/// <summary>A key in <c>x-api-key</c>: Foundry, Anthropic, Claude Platform on AWS, Bedrock's Messages endpoint.</summary>
public sealed record KeyCredential(Secret Key) : UpstreamCredential;

/// <summary>A token in <c>Authorization: Bearer</c> that somebody else renews: a Bedrock API key, or one from a sidecar.</summary>
public sealed record BearerCredential(Secret Token) : UpstreamCredential;

/// <summary>Entra ID tokens by environment, workload identity or managed identity.</summary>
/// <param name="Authority">The sign-in host in place of <c>AZURE_AUTHORITY_HOST</c>; null for that.</param>
public sealed record AzureCredential(Uri? Authority) : UpstreamCredential;

/// <summary>AWS credentials of the default chain, or of a role assumed with them.</summary>
/// <param name="RoleArn">Null for using the chain's own.</param>
/// <param name="ExternalId">What the role's trust policy may ask for.</param>
public sealed record AwsCredential(string? RoleArn, string? ExternalId) : UpstreamCredential;

/// <summary>An access key of an S3 store that is not AWS's, or of a user of AWS.</summary>
public sealed record AwsKeyCredential(string AccessKey, Secret SecretKey) : UpstreamCredential;

/// <summary>Google tokens by application default credentials, or by a credential file.</summary>
/// <param name="File">The file's absolute path, read at each renewal; null for the defaults.</param>
public sealed record GoogleCredential(string? File) : UpstreamCredential;
