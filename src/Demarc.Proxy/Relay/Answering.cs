using Demarc.Governance.Evidence;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Limits;
using Demarc.Proxy.Refusals;
using Demarc.Proxy.Upstreams;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Relay;

/// <summary>The head of an answer: status, the provider's headers, and the receipt.</summary>
internal static class Answering
{
    private const string EventStream = "text/event-stream";

    /// <summary>Puts the provider's status and headers, and the receipt headers, on the response.</summary>
    public static void Head(Exchange x, HttpResponseMessage from)
    {
        x.Http.Response.StatusCode = CloudErrors.Status(x.Dialect, (int)from.StatusCode);
        ForwardedHeaders.ToClient(from, x.Http.Response);
        if (x.Dialect == Dialect.Bedrock)
            AwsHead(x.Http.Response);
        if (from.IsSuccessStatusCode && x.Spend is { } spend)
            UsageHeaders.Write(x.Http.Response.Headers, spend.Limits);
        Receipt(x);
    }

    /// <summary>Ends a stream with an error in the client's own framing; begins it where nothing was sent yet.</summary>
    public static Task ErrorEventAsync(Exchange x, string type, string message)
    {
        var response = x.Http.Response;
        if (!response.HasStarted)
        {
            Receipt(x);
            response.ContentType = x.Dialect == Dialect.Bedrock ? AwsEventStream.ContentType : EventStream;
        }
        if (x.Dialect != Dialect.Bedrock)
            return response.Body.WriteAsync(ErrorEnvelope.Event(type, message, x.IdText), x.Http.RequestAborted).AsTask();
        AwsEventStream.WriteException(response.BodyWriter, type, message);
        return response.BodyWriter.FlushAsync(x.Http.RequestAborted).AsTask();
    }

    private static void AwsHead(HttpResponse response)
    {
        if (response.ContentType is { } type && type.StartsWith(EventStream, StringComparison.OrdinalIgnoreCase))
        {
            response.ContentType = AwsEventStream.ContentType;
            response.Headers["x-amzn-bedrock-content-type"] = "application/json";
        }
        if (response.StatusCode >= 400)
            response.Headers[CloudErrors.AwsHeader] = CloudErrors.AwsException(response.StatusCode);
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
