using Demarc.Governance.Evidence;
using Demarc.Proxy.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Relay;

/// <summary>The head of an answer: status, the provider's headers, and the receipt.</summary>
internal static class Answering
{
    /// <summary>Puts the provider's status and headers, and the receipt headers, on the response.</summary>
    public static void Head(Exchange x, HttpResponseMessage from)
    {
        x.Http.Response.StatusCode = (int)from.StatusCode;
        ForwardedHeaders.ToClient(from, x.Http.Response);
        Receipt(x);
    }

    /// <summary>Says where the request ran.</summary>
    public static void Receipt(Exchange x)
    {
        var headers = x.Http.Response.Headers;
        headers["demarc-request-id"] = x.IdText;
        if (x.Deployment is not { } deployment)
            return;
        headers["demarc-resource"] = deployment.Resource.Name;
        headers["demarc-deployment"] = deployment.Name;
        headers["demarc-processor"] = deployment.Boundary.Processor;
        headers["demarc-inference"] = deployment.Boundary.Inference;
        headers["demarc-retention"] = deployment.Boundary.Retention;
    }

    /// <summary>The provider's own ids, worth keeping: they are what its support asks for.</summary>
    public static ProviderRecord Provider(HttpResponseMessage from) => new()
    {
        RequestId = Header(from, "request-id"),
        ApimRequestId = Header(from, "apim-request-id"),
    };

    private static string? Header(HttpResponseMessage from, string name) =>
        from.Headers.NonValidated.TryGetValues(name, out var values) ? values.ToString() : null;
}
