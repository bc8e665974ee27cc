using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Demarc.Control.Clients;

/// <summary>One thing to deploy to machines.</summary>
/// <param name="Name">As <c>--for</c> names it.</param>
/// <param name="Place">The file, or where else it goes.</param>
public sealed record ClientDeployment(string Name, string Place, string Content);

/// <summary>
/// What makes Claude Code on a machine use a gateway: managed settings for people who sign in (page "Deploy managed settings"),
/// variables for each mode with a key, and the settings of a helper that fetches the key.
/// </summary>
public static class ClientConfiguration
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Every name that <see cref="Of"/> gives.</summary>
    public static readonly string[] Names = ["linux", "macos", "windows", "anthropic", "foundry", "bedrock", "vertex", "api-key-helper"];

    /// <param name="url">The gateway's address.</param>
    public static ClientDeployment[] Of(Uri url)
    {
        var at = url.AbsoluteUri.TrimEnd('/');
        var signIn = Json(new JsonObject { ["forceLoginMethod"] = "gateway", ["forceLoginGatewayUrl"] = at, ["parentSettingsBehavior"] = "merge" });
        return
        [
            new("linux", "/etc/claude-code/managed-settings.json", signIn),
            new("macos", "/Library/Application Support/ClaudeCode/managed-settings.json", signIn),
            new("windows", @"C:\Program Files\ClaudeCode\managed-settings.json", signIn),
            Variables("anthropic", ("ANTHROPIC_BASE_URL", at), ("ANTHROPIC_AUTH_TOKEN", "$DEMARC_KEY")),
            Variables("foundry", ("CLAUDE_CODE_USE_FOUNDRY", "1"), ("ANTHROPIC_FOUNDRY_BASE_URL", at + "/anthropic"), ("ANTHROPIC_FOUNDRY_API_KEY", "$DEMARC_KEY")),
            Variables(
                "bedrock", ("CLAUDE_CODE_USE_BEDROCK", "1"), ("CLAUDE_CODE_SKIP_BEDROCK_AUTH", "1"), ("ANTHROPIC_BEDROCK_BASE_URL", at + "/bedrock"),
                ("ANTHROPIC_AUTH_TOKEN", "$DEMARC_KEY")),
            Variables(
                "vertex", ("CLAUDE_CODE_USE_VERTEX", "1"), ("CLAUDE_CODE_SKIP_VERTEX_AUTH", "1"), ("ANTHROPIC_VERTEX_BASE_URL", at + "/vertex"),
                ("ANTHROPIC_VERTEX_PROJECT_ID", "any"), ("CLOUD_ML_REGION", "global"), ("ANTHROPIC_AUTH_TOKEN", "$DEMARC_KEY")),
            // The helper's command prints the key and nothing else; where it is kept is the organization's own.
            new("api-key-helper", "~/.claude/settings.json, or managed settings", Json(new JsonObject
            {
                ["apiKeyHelper"] = "cat ~/.config/demarc/key",
                ["env"] = new JsonObject { ["ANTHROPIC_BASE_URL"] = at },
            })),
        ];
    }

    private static string Json(JsonObject settings) => settings.ToJsonString(Indented);

    private static ClientDeployment Variables(string name, params (string Name, string Value)[] variables) =>
        new(name, "the environment, with the developer's key in DEMARC_KEY", string.Join('\n', variables.Select(v => $"export {v.Name}={v.Value}")));
}
