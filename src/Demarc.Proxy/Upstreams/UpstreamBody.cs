using System.Text;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Wire;
using Demarc.Proxy.Ingress;
using Microsoft.AspNetCore.Http;

namespace Demarc.Proxy.Upstreams;

/// <summary>The body that a deployment is sent: the client's, spliced into the form of its platform.</summary>
internal static class UpstreamBody
{
    /// <summary>True where the model's name is all that can differ, and a key all that is needed.</summary>
    public static bool IsPlain(DeploymentSnapshot deployment, RequestFacts facts) =>
        deployment.Resource is { Credential: KeyCredential, Platform: Platform.Foundry or Platform.Anthropic }
        && facts.Form == BodyForm.Anthropic
        && Geo(deployment) is null;

    /// <param name="maxTokens">Less output than was asked for; null to leave it as it is.</param>
    public static SplicedContent For(
        IHeaderDictionary headers, Operation operation, DeploymentSnapshot deployment, RequestFacts facts, ReadOnlyMemory<byte> body, long? maxTokens = null)
    {
        if (maxTokens is { } fewer)
            return Cut(headers, operation, deployment, facts, body, fewer);
        if (IsPlain(deployment, facts))
            return new SplicedContent(body, facts.Model == deployment.Name ? null : Splice.Text(Splice.Model, facts.ModelToken, deployment.Name));
        var splices = DialectSplices.For(body.Span, facts, Target(headers, operation, deployment, facts));
        return deployment.Resource.Form == BodyForm.Bedrock && operation == Operation.CountTokens
            ? new SplicedContent(CountTokens(Splice.Apply(body.Span, splices)), splice: null)
            : new SplicedContent(body, splices);
    }

    /// <summary>The <c>inference_geo</c> that the deployment's scope stands for where the request itself says it; null elsewhere (page "Data residency").</summary>
    public static string? Geo(DeploymentSnapshot deployment)
    {
        const string zone = "data-zone:";
        return deployment.Resource.Platform is Platform.Anthropic or Platform.AnthropicAws && deployment.Scope.StartsWith(zone, StringComparison.Ordinal)
            ? deployment.Scope[zone.Length..]
            : null;
    }

    private static SplicedContent Cut(
        IHeaderDictionary headers, Operation operation, DeploymentSnapshot deployment, RequestFacts facts, ReadOnlyMemory<byte> body, long maxTokens)
    {
        var cut = new Splice(Splice.MaxTokens, facts.MaxTokensToken, Encoding.ASCII.GetBytes(maxTokens.ToString(System.Globalization.CultureInfo.InvariantCulture)));
        var splices = DialectSplices.For(body.Span, facts, Target(headers, operation, deployment, facts));
        return new SplicedContent(body, [.. splices.Append(cut).OrderBy(s => s.At.Start)]);
    }

    private static DialectTarget Target(IHeaderDictionary headers, Operation operation, DeploymentSnapshot deployment, RequestFacts facts)
    {
        var form = deployment.Resource.Form;
        return form switch
        {
            BodyForm.Bedrock => new DialectTarget(form, null, null, Betas.ForBedrockBody(facts.Betas, headers[Betas.Header])),
            // Its address has no place for the model where tokens are counted.
            BodyForm.Vertex => new DialectTarget(form, operation == Operation.CountTokens ? deployment.Name : null, facts.Stream, []),
            _ => new DialectTarget(form, deployment.Name, facts.Stream, [], operation == Operation.Messages ? Geo(deployment) : null),
        };
    }

    // Amazon Bedrock API reference, CountTokens: the body of the call that is asked about, in base64.
    private static byte[] CountTokens(byte[] body) =>
        [.. "{\"input\":{\"invokeModel\":{\"body\":\""u8, .. Encoding.ASCII.GetBytes(Convert.ToBase64String(body)), .. "\"}}}"u8];
}
