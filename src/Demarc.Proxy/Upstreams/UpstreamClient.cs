using System.Net;
using System.Text;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Demarc.Proxy.Refusals;
using Demarc.Proxy.Upstreams.Aws;
using Demarc.Proxy.Upstreams.Tokens;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace Demarc.Proxy.Upstreams;

/// <summary>
/// Sends requests to every platform, with the resource's credential. Whatever the platform, what comes back is the
/// Messages API's: server-sent events, a message, or an error in its envelope.
/// </summary>
public sealed partial class UpstreamClient(TimeProvider time, ILogger<UpstreamClient> log) : IDisposable
{
    private const int MaxError = 1 << 20;

    private readonly UpstreamHandlers _handlers = new();
    private readonly UpstreamAddress _address = new();
    private UpstreamTokens? _tokens;

    private UpstreamTokens Tokens => LazyInitializer.EnsureInitialized(ref _tokens, () => new UpstreamTokens(_handlers, time, log));

    /// <param name="isPrivate">To private addresses only.</param>
    /// <exception cref="CredentialException">The resource's own credential cannot be had; nothing was sent.</exception>
    internal Task<HttpResponseMessage> SendAsync(
        HttpRequest client, Operation operation, DeploymentSnapshot deployment, RequestFacts facts, SplicedContent content, string requestId, bool isPrivate, CancellationToken stop)
    {
        var resource = deployment.Resource;
        if (!UpstreamBody.IsPlain(deployment, facts))
            return SendBridgedAsync(client, operation, deployment, facts, content, requestId, isPrivate, stop);
        var request = Request(client, _address.Of(deployment, operation, facts.Stream, client.QueryString.Value)!, content);
        request.Headers.TryAddWithoutValidation("x-api-key", ((KeyCredential)resource.Credential).Key.Reveal());
        return _handlers.For(resource, isPrivate).SendAsync(request, stop);
    }

    /// <summary>Puts a provider's error into the Anthropic envelope, and the words of a cloud's own format into the operator's log.</summary>
    internal async Task EnvelopeAsync(HttpResponseMessage response, DeploymentSnapshot deployment, string requestId, CancellationToken stop)
    {
        await response.Content.LoadIntoBufferAsync(MaxError, stop);
        var words = ProviderErrors.Envelope(response, await response.Content.ReadAsByteArrayAsync(stop), deployment.FullName, requestId);
        if (words is not null)
            LogProviderError(requestId, deployment.FullName, (int)response.StatusCode, words.Length > 2000 ? words[..2000] : words);
    }

    public void Dispose()
    {
        _tokens?.Dispose();
        _handlers.Dispose();
    }

    private async Task<HttpResponseMessage> SendBridgedAsync(
        HttpRequest client, Operation operation, DeploymentSnapshot deployment, RequestFacts facts, SplicedContent content, string requestId, bool isPrivate, CancellationToken stop)
    {
        if (operation == Operation.Messages && UpstreamBody.Geo(deployment) is { } geo && facts.InferenceGeo is { } asked && asked != geo)
            return Refuse(HttpStatusCode.BadRequest, "invalid_request_error", $"inference_geo: \"{deployment.FullName}\" runs in \"{geo}\" only. Leave inference_geo out, or ask for another deployment.", requestId);
        if (_address.Of(deployment, operation, facts.Stream, client.QueryString.Value) is not { } address)
            return Refuse(HttpStatusCode.NotImplemented, "not_supported", $"Tokens cannot be counted on \"{deployment.FullName}\": its name is no model's.", requestId);

        for (var isRetry = false; ; isRetry = true)
        {
            var request = Request(client, address, content);
            Dialect(request, client, deployment.Resource, facts);
            var forget = await CredentialAsync(request, deployment.Resource, content, stop);
            var response = await _handlers.For(deployment.Resource, isPrivate).SendAsync(request, stop);
            // A token can end before its time. Once, with a new one; what is refused for other reasons would be refused again.
            if (!isRetry && IsTokenRefused(response) && forget())
            {
                response.Dispose();
                continue;
            }
            return await AdaptAsync(response, operation, deployment, requestId, stop);
        }
    }

    private static HttpRequestMessage Request(HttpRequest client, Uri address, SplicedContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Post, address)
        {
            Content = content,
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        ForwardedHeaders.ToUpstream(client.Headers, request);
        return request;
    }

    private static void Dialect(HttpRequestMessage request, HttpRequest client, ResourceSnapshot resource, RequestFacts facts)
    {
        const string version = "anthropic-version", workspace = "anthropic-workspace-id";
        var betas = (string?)client.Headers[Betas.Header];
        // InvokeModel reads neither header; its body has both.
        Set(request, Betas.Header, resource.Form switch
        {
            BodyForm.Bedrock => null,
            BodyForm.Vertex => Betas.ForVertexHeader(facts.Betas, betas),
            _ => Betas.ForHeader(facts.Betas, betas),
        });
        if (resource.Form == BodyForm.Bedrock)
            request.Headers.Remove(version);
        else if (resource.Form == BodyForm.Anthropic && !client.Headers.ContainsKey(version))
            request.Headers.TryAddWithoutValidation(version, "2023-06-01");
        if (resource.Platform == Platform.AnthropicAws)
            Set(request, workspace, resource.Workspace);
    }

    /// <summary>Adds the credential; the result forgets it if it was refused, and says whether there may be a better one.</summary>
    private async ValueTask<Func<bool>> CredentialAsync(HttpRequestMessage request, ResourceSnapshot resource, SplicedContent content, CancellationToken stop)
    {
        switch (resource.Credential)
        {
            case KeyCredential key:
                request.Headers.TryAddWithoutValidation("x-api-key", key.Key.Reveal());
                return static () => false;
            case BearerCredential bearer:
                Bearer(request, bearer.Token.Reveal());
                return static () => false;
            case AwsCredential:
                var cachedKeys = Tokens.Keys(resource);
                var keys = await cachedKeys.GetAsync(stop);
                SigV4.Sign(request, content.Hash(), keys, resource.Region!, Service(resource), time.GetUtcNow());
                return () => cachedKeys.Forget(keys);
            default:
                var cached = Tokens.Bearer(resource);
                var token = await cached.GetAsync(stop);
                Bearer(request, token);
                return () => cached.Forget(token);
        }
    }

    // Pages "Claude Platform on AWS" and "Claude in Amazon Bedrock"; AWS's own name for bedrock-runtime.
    private static string Service(ResourceSnapshot resource) => resource switch
    {
        { Platform: Platform.AnthropicAws } => "aws-external-anthropic",
        { Form: BodyForm.Anthropic } => "bedrock-mantle",
        _ => "bedrock",
    };

    private static bool IsTokenRefused(HttpResponseMessage response) =>
        response.StatusCode == HttpStatusCode.Unauthorized
        || (response.StatusCode is HttpStatusCode.Forbidden or HttpStatusCode.BadRequest
            && response.Headers.NonValidated.TryGetValues("x-amzn-errortype", out var exception)
            && exception.ToString().Split(':')[0] is "ExpiredTokenException" or "UnrecognizedClientException" or "InvalidSignatureException");

    private async Task<HttpResponseMessage> AdaptAsync(HttpResponseMessage response, Operation operation, DeploymentSnapshot deployment, string requestId, CancellationToken stop)
    {
        if (response.Headers.NonValidated.TryGetValues("x-amzn-requestid", out var id) && !response.Headers.Contains("request-id"))
            response.Headers.TryAddWithoutValidation("request-id", id.ToString());
        if (!response.IsSuccessStatusCode || deployment.Resource.Form != BodyForm.Bedrock)
            return response;
        if (response.Content.Headers.ContentType?.MediaType == "application/vnd.amazon.eventstream")
        {
            var source = await response.Content.ReadAsStreamAsync(stop);
            response.Content = new StreamContent(new BedrockSseStream(source, requestId, deployment.FullName, time, log));
            response.Content.Headers.TryAddWithoutValidation("content-type", "text/event-stream; charset=utf-8");
        }
        else if (operation == Operation.CountTokens)
        {
            await response.Content.LoadIntoBufferAsync(MaxError, stop);
            response.Content = Json(TokenCount.FromBedrock(await response.Content.ReadAsByteArrayAsync(stop)));
        }
        return response;
    }

    private static HttpResponseMessage Refuse(HttpStatusCode status, string type, string message, string requestId)
    {
        var response = new HttpResponseMessage(status) { Content = Json(ErrorEnvelope.Json(type, message, requestId)) };
        response.Headers.TryAddWithoutValidation("x-should-retry", "false");
        return response;
    }

    private static ByteArrayContent Json(byte[] json)
    {
        var content = new ByteArrayContent(json);
        content.Headers.TryAddWithoutValidation("content-type", "application/json");
        return content;
    }

    private static void Bearer(HttpRequestMessage request, string token) =>
        request.Headers.TryAddWithoutValidation("authorization", "Bearer " + token);

    private static void Set(HttpRequestMessage request, string name, string? value)
    {
        request.Headers.Remove(name);
        if (!string.IsNullOrEmpty(value))
            request.Headers.TryAddWithoutValidation(name, value);
    }

    [LoggerMessage(1112, LogLevel.Warning, "{Request}: {Deployment} answered HTTP {Status}: {Words}")]
    private partial void LogProviderError(string request, string deployment, int status, string words);
}
