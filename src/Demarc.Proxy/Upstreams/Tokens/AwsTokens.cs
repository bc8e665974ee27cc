using Amazon.Runtime;
using Amazon.Runtime.CredentialManagement;
using Amazon.Runtime.Credentials;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Proxy.Upstreams.Aws;

namespace Demarc.Proxy.Upstreams.Tokens;

/// <summary>AWS keys by the default chain: environment, web identity, profile, container, instance; then a role, if one is named.</summary>
internal static class AwsTokens
{
    // Keys that name no end are looked up again after this: their source may have changed.
    private static readonly TimeSpan s_unlimited = TimeSpan.FromMinutes(15);

    public static async Task<(AwsKeys Keys, DateTimeOffset Expires)> FetchAsync(AwsCredential credential, string region, HttpMessageInvoker http, TimeProvider time, CancellationToken stop)
    {
        var sts = new Sts(http, region, time);
        var (keys, expires) = await ChainAsync(sts, time, stop);
        return credential.RoleArn is { } role ? await sts.AssumeRoleAsync(keys, role, credential.ExternalId, stop) : (keys, expires);
    }

    private static async Task<(AwsKeys Keys, DateTimeOffset Expires)> ChainAsync(Sts sts, TimeProvider time, CancellationToken stop)
    {
        // The SDK's core asks another package for this link of the chain.
        if (Variable("AWS_ACCESS_KEY_ID") is null && Variable("AWS_WEB_IDENTITY_TOKEN_FILE") is { } file && Variable("AWS_ROLE_ARN") is { } role)
            return await sts.AssumeRoleWithWebIdentityAsync(role, (await File.ReadAllTextAsync(file, stop)).Trim(), stop);
        if (Unsupported() is { } unsupported)
            throw new CredentialException(unsupported);
        try
        {
            var chain = await new DefaultAWSCredentialsIdentityResolver().ResolveIdentityAsync(null, stop);
            var keys = await chain.GetCredentialsAsync().WaitAsync(stop);
            var expires = chain.Expiration is { } end ? new DateTimeOffset(end.ToUniversalTime()) : time.GetUtcNow() + s_unlimited;
            return (new AwsKeys(keys.AccessKey, new Secret(keys.SecretKey), keys.UseToken ? new Secret(keys.Token) : null), expires);
        }
        catch (AmazonClientException e)
        {
            throw new CredentialException($"The AWS chain has no credentials: {e.Message}", e);
        }
    }

    // The SDK's core leaves these to packages that are not here, and says no more than that they are missing.
    private static string? Unsupported()
    {
        var name = Variable("AWS_PROFILE") ?? "default";
        if (Variable("AWS_ACCESS_KEY_ID") is not null || !new CredentialProfileStoreChain().TryGetProfile(name, out var profile))
            return null;
        var way = profile.Options is { SsoSession: not null } or { SsoStartUrl: not null } ? "signs in by SSO"
            : profile.Options.RoleArn is not null ? "assumes a role"
            : null;
        return way is null ? null
            : $"The AWS profile \"{name}\" {way}, which is not supported. Supported are AWS_ACCESS_KEY_ID, AWS_WEB_IDENTITY_TOKEN_FILE with AWS_ROLE_ARN, a profile with keys or a credential_process, and the roles of containers and instances; a role to assume with them is named in the configuration: credential: {{ aws: {{ role_arn: ARN }} }}.";
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
