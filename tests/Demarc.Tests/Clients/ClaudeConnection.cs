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

    /// <summary><c>CLAUDE_CODE_USE_BEDROCK</c>, base <c>/bedrock</c>, the key as <c>ANTHROPIC_AUTH_TOKEN</c>.</summary>
    Bedrock,

    /// <summary><c>CLAUDE_CODE_USE_VERTEX</c>, base <c>/vertex</c>, the key as <c>ANTHROPIC_AUTH_TOKEN</c>.</summary>
    Vertex,
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
            ClaudeConnection.Bedrock => new()
            {
                ["CLAUDE_CODE_USE_BEDROCK"] = "1",
                ["CLAUDE_CODE_SKIP_BEDROCK_AUTH"] = "1",
                ["ANTHROPIC_BEDROCK_BASE_URL"] = url + "/bedrock",
                ["ANTHROPIC_AUTH_TOKEN"] = key,
            },
            ClaudeConnection.Vertex => new()
            {
                ["CLAUDE_CODE_USE_VERTEX"] = "1",
                ["CLAUDE_CODE_SKIP_VERTEX_AUTH"] = "1",
                ["ANTHROPIC_VERTEX_BASE_URL"] = url + "/vertex",
                ["ANTHROPIC_VERTEX_PROJECT_ID"] = "any",
                ["CLOUD_ML_REGION"] = "global",
                ["ANTHROPIC_AUTH_TOKEN"] = key,
            },
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
