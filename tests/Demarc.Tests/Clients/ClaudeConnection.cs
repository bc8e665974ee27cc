namespace Demarc.Tests.Clients;

/// <summary>The ways to point Claude Code at a gateway without signing in.</summary>
public enum ClaudeConnection
{
    /// <summary><c>ANTHROPIC_BASE_URL</c> and <c>ANTHROPIC_AUTH_TOKEN</c>.</summary>
    AuthToken,

    /// <summary><c>ANTHROPIC_BASE_URL</c> and <c>ANTHROPIC_API_KEY</c>.</summary>
    ApiKey,

    /// <summary><c>CLAUDE_CODE_USE_FOUNDRY</c>, base <c>/anthropic</c>.</summary>
    Foundry,

    /// <summary><c>CLAUDE_CODE_USE_FOUNDRY</c>, base <c>/{resource}/anthropic</c>.</summary>
    FoundryResource,
}

internal static class ClaudeConnections
{
    /// <summary>The environment variables that connect to <paramref name="gateway"/>.</summary>
    public static Dictionary<string, string> Environment(this ClaudeConnection connection, Uri gateway, string key)
    {
        var url = gateway.AbsoluteUri.TrimEnd('/');
        return connection switch
        {
            ClaudeConnection.AuthToken => new() { ["ANTHROPIC_BASE_URL"] = url, ["ANTHROPIC_AUTH_TOKEN"] = key },
            ClaudeConnection.ApiKey => new() { ["ANTHROPIC_BASE_URL"] = url, ["ANTHROPIC_API_KEY"] = key },
            ClaudeConnection.Foundry => Foundry("/anthropic"),
            ClaudeConnection.FoundryResource => Foundry("/sim-foundry/anthropic"),
            _ => throw new ArgumentOutOfRangeException(nameof(connection)),
        };

        Dictionary<string, string> Foundry(string path) => new()
        {
            ["CLAUDE_CODE_USE_FOUNDRY"] = "1",
            ["ANTHROPIC_FOUNDRY_BASE_URL"] = url + path,
            ["ANTHROPIC_FOUNDRY_API_KEY"] = key,
        };
    }
}
