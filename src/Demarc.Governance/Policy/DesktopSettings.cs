using System.Text.Json.Nodes;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Policy;

/// <summary>What Claude Desktop takes from its gateway (page "Claude apps gateway", Claude Desktop overlay): flat keys of its managed configuration.</summary>
public static class DesktopSettings
{
    /// <summary>JSON; null where no policy of the principal lets Claude Desktop in.</summary>
    /// <param name="url">The gateway's address.</param>
    public static string? For(GatewaySnapshot snapshot, Principal principal, string url)
    {
        JsonObject? merged = null;
        foreach (var policy in snapshot.Policies)
            if (policy.Desktop is { } written && policy.Matches(principal))
                merged = ManagedSettings.Merge(merged ?? [], JsonNode.Parse(written)!.AsObject());
        if (merged is null)
            return null;
        // Set last: a policy says how the client behaves, not where it sends to.
        merged["inferenceProvider"] = "gateway";
        merged["inferenceGatewayBaseUrl"] = url;
        merged["inferenceGatewayAuthScheme"] = "sso";
        var settings = ManagedSettings.For(snapshot, principal) is { } managed ? JsonNode.Parse(managed.Settings)!.AsObject() : [];
        if (settings["availableModels"] is JsonArray models)
            merged["inferenceModels"] = models.DeepClone();
        // Rules with a scope, such as Bash(npm *), have nothing there that they could become.
        var denied = (settings["permissions"]?["deny"] as JsonArray ?? []).Select(rule => rule?.ToString() ?? "").Where(rule => rule.Length > 0 && !rule.Contains('('));
        JsonNode[] tools = [.. denied.Concat((merged["disabledBuiltinTools"] as JsonArray ?? []).Select(tool => tool?.ToString() ?? "")).Distinct().Select(tool => (JsonNode)tool)];
        if (tools.Length > 0)
            merged["disabledBuiltinTools"] = new JsonArray(tools);
        return CanonicalJson.Of(merged);
    }
}
