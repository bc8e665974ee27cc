using Demarc.Simulator.Platforms;
using Microsoft.AspNetCore.Http;

namespace Demarc.Simulator.Messages;

/// <summary>
/// What the platforms refuse in a Messages request: a missing required field, or one that belongs to another dialect
/// (Bedrock and Vertex AI name the model in the path and the version in the body, the others the reverse).
/// </summary>
internal static class RequestCheck
{
    public static Refusal? Find(ApiRoute route, in MessageFacts facts, IHeaderDictionary headers)
    {
        // Bedrock wraps the body to be counted; what is inside is not looked at.
        if (route is { Platform: Platform.Bedrock, Operation: Operation.CountTokens })
            return null;
        var message = InDialect(route, facts, headers);
        if (message is null && !facts.HasMessages)
            message = "messages: Field required";
        if (message is null && facts.MaxTokens is null && route.Operation == Operation.Messages)
            message = "max_tokens: Field required";
        if (message is null && facts.MaxTokens < 1)
            message = "max_tokens: Input should be greater than or equal to 1";
        return message is null ? null : Refusal.Invalid(message);
    }

    private static string? InDialect(ApiRoute route, in MessageFacts facts, IHeaderDictionary headers)
    {
        if (route.Platform is Platform.Anthropic or Platform.Foundry)
        {
            if (!headers.ContainsKey("anthropic-version"))
                return "anthropic-version: header is required";
            if (facts.HasVersion)
                return "anthropic_version: Extra inputs are not permitted";
            if (facts.HasBetas)
                return "anthropic_beta: Extra inputs are not permitted";
            return facts.HasModel ? null : "model: Field required";
        }

        // Counting on Vertex AI names the model in the body, having no place for it in the path.
        if (route.Operation == Operation.CountTokens)
            return facts.HasModel ? null : "model: Field required";
        if (facts.HasModel)
            return "model: Extra inputs are not permitted";
        if (route.Platform == Platform.Bedrock && facts.HasStream)
            return "stream: Extra inputs are not permitted";
        return facts.HasVersion ? null : "anthropic_version: Field required";
    }
}
