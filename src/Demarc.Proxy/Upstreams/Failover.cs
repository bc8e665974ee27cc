namespace Demarc.Proxy.Upstreams;

/// <summary>Which answers of a provider are about the deployment and not about the request: another one may do better.</summary>
internal static class Failover
{
    /// <summary>Why to ask another deployment, as <c>status_529</c>; null for an answer that is the client's.</summary>
    public static string? Reason(HttpResponseMessage response) =>
        (int)response.StatusCode is (>= 500 and <= 599) or 429 or 401 or 403 or 404
            ? string.Create(System.Globalization.CultureInfo.InvariantCulture, $"status_{(int)response.StatusCode}")
            : null;

    /// <summary>Why a call without an answer ended.</summary>
    public static string Reason(Exception e) => e switch
    {
        OperationCanceledException => "timeout",
        CredentialException => "no_credential",
        { InnerException: PublicAddressException } => "network_public",
        HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse } => "invalid_answer",
        HttpRequestException { HttpRequestError: HttpRequestError.Unknown or HttpRequestError.ResponseEnded } => "connection_lost",
        _ => "unreachable",
    };

    /// <summary>Tells the deployment's health what an answer means.</summary>
    public static void Note(UpstreamHealth health, Demarc.Governance.Boundaries.DeploymentSnapshot deployment, HttpResponseMessage response, DateTimeOffset now)
    {
        switch ((int)response.StatusCode)
        {
            case 429 or 529:
                health.Overloaded(deployment, Patience(response, now));
                break;
            case 401 or 403 or 404:
                health.Failed(deployment, lasting: true);
                break;
            case >= 500:
                health.Failed(deployment, lasting: false);
                break;
            default:
                health.Succeeded(deployment);
                break;
        }
    }

    private static TimeSpan? Patience(HttpResponseMessage response, DateTimeOffset now) =>
        response.Headers.RetryAfter is not { } retry ? null : retry.Delta ?? (retry.Date - now);
}
