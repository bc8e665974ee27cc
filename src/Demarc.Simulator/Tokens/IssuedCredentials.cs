using Demarc.Simulator.Platforms;

namespace Demarc.Simulator.Tokens;

/// <summary>What the platforms want to see when <see cref="SimulatorTokens.Required"/> is set.</summary>
internal static class IssuedCredentials
{
    private const string Bearer = "Bearer ";

    /// <summary>Null when the request carries a credential that holds, or the platform's refusal.</summary>
    public static Refusal? Find(Exchange exchange, ApiRoute route, SimulatorTokens tokens)
    {
        var headers = exchange.Http.Request.Headers;
        var authorization = headers.Authorization.ToString();
        if (authorization.StartsWith("AWS4-", StringComparison.Ordinal))
            return SigV4Check.Find(exchange, tokens, Service(route));
        string? token = authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) ? authorization[Bearer.Length..] : headers["x-api-key"];
        if (token is not null && tokens.IsGood(token))
            return null;
        if (route.Platform == Platform.Bedrock)
            return new Refusal(403, "permission_error", "Authentication failed: Please make sure your API Key is valid.", AtEdge: true);
        return token is not null && tokens.Knows(token)
            ? new Refusal(401, "authentication_error", "The token has expired.", AtEdge: true)
            : Refusal.WrongKey;
    }

    // By its path, as the simulator has one host: Mantle's is Foundry's, and Claude Platform on AWS has the Anthropic API's.
    private static string Service(ApiRoute route) => route.Platform switch
    {
        Platform.Bedrock => "bedrock",
        Platform.Foundry => "bedrock-mantle",
        _ => "aws-external-anthropic",
    };
}
