using Demarc.Governance.Boundaries;
using Microsoft.Extensions.Logging;

namespace Demarc.Proxy.Upstreams.Tokens;

/// <summary>Entra ID tokens that Azure Database for PostgreSQL takes in the place of a password; renewed ahead of their end.</summary>
public sealed class DatabaseTokens(AzureCredential credential, TimeProvider time, ILogger<DatabaseTokens> log)
{
    // Page "Use Microsoft Entra ID for authentication with Azure Database for PostgreSQL": the resource of each cloud.
    private const string Public = "https://ossrdbms-aad.database.windows.net/.default";
    private const string Government = "https://ossrdbms-aad.database.usgovcloudapi.net/.default";
    private const string China = "https://ossrdbms-aad.database.chinacloudapi.cn/.default";

    private readonly CachedToken<string> _token = new(
        "the store", stop => AzureTokens.FetchAsync(credential, null, null, Scope(credential.Authority), stop), time, log, CancellationToken.None);

    /// <exception cref="HttpRequestException">There is none to be had; the message says why.</exception>
    public ValueTask<string> GetAsync(CancellationToken stop) => _token.GetAsync(stop);

    private static string Scope(Uri? authority) => authority?.Host switch
    {
        "login.microsoftonline.us" => Government,
        "login.chinacloudapi.cn" or "login.partner.microsoftonline.cn" => China,
        _ => Public,
    };
}
