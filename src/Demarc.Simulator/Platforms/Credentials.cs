using Microsoft.AspNetCore.Http;

namespace Demarc.Simulator.Platforms;

/// <summary>
/// Which credentials pass when keys are configured. Signatures and cloud tokens are not verified: on Bedrock and Vertex AI
/// any <c>Authorization</c> header passes.
/// </summary>
internal sealed class Credentials(IReadOnlyList<string> keys)
{
    private const string Bearer = "Bearer ";

    private readonly HashSet<string> _keys = new(keys, StringComparer.Ordinal);

    public bool Pass(Platform platform, IHeaderDictionary headers)
    {
        if (_keys.Count == 0)
            return true;
        var authorization = headers.Authorization.ToString();
        return platform switch
        {
            Platform.Bedrock or Platform.Vertex => authorization.Length > 0,
            _ => Known(headers["x-api-key"])
                || (platform == Platform.Foundry && Known(headers["api-key"]))
                || (authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase) && Known(authorization[Bearer.Length..])),
        };
    }

    private bool Known(string? key) => key is not null && _keys.Contains(key);
}
