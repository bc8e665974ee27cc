using System.Text.Json;
using Demarc.Governance.Boundaries;

namespace Demarc.Proxy.Upstreams.Management;

/// <summary>Amazon Bedrock's control plane: <c>GetInferenceProfile</c> and <c>GetFoundationModel</c> (Amazon Bedrock API reference).</summary>
internal static class BedrockManagement
{
    public const string Name = "the Amazon Bedrock control plane";

    public static Uri Public(string region) => new($"https://bedrock.{region}.amazonaws.com");

    public static async Task CheckAsync(Findings findings, Func<string, Task<JsonElement?>> get)
    {
        var deployment = findings.Deployment;
        var isModel = deployment.Name.StartsWith("anthropic.", StringComparison.Ordinal) || deployment.Name.Contains(":foundation-model/", StringComparison.Ordinal);
        var kind = isModel ? "foundation-models" : "inference-profiles";
        var found = await get($"/{kind}/{Uri.EscapeDataString(deployment.Name)}");
        findings.Property("deployment", deployment.Name, found is null ? $"nothing of that id among its {kind}" : deployment.Name, found is not null);
        if (found is not { } read)
            return;
        string[] arns = isModel
            ? [Text(read, "modelDetails", "modelArn")]
            : read.TryGetProperty("models", out var models) ? [.. models.EnumerateArray().Select(m => Text(m, "modelArn"))] : [];
        if (arns.Length == 0 || !Array.TrueForAll(arns, arn => arn.Split(':').Length > 5 && arn.Contains('/')))
            throw new ManagementException($"{Name} names no model for {deployment.Name}.");
        foreach (var model in arns.Select(arn => arn[(arn.LastIndexOf('/') + 1)..]).Distinct())
            findings.Model(model);
        if (!isModel)
            findings.Property("status", "ACTIVE", Text(read, "status"), Text(read, "status") == "ACTIVE");

        // arn:aws:bedrock:REGION::foundation-model/…; a global profile names models of no region beside those of some.
        string[] regions = [.. arns.Select(arn => arn.Split(':')[3]).Distinct()];
        var places = regions.Contains("") ? [Geography.Anywhere]
            : deployment.Scope.StartsWith("data-zone:", StringComparison.Ordinal) || deployment.Scope == "global"
                ? regions.Select(r => findings.PlaceOf(r).Split('/')[0]).Distinct().Order(StringComparer.Ordinal).ToArray()
                : [.. regions.Select(findings.PlaceOf).Order(StringComparer.Ordinal)];
        findings.Places(Hop.Inference, places);
    }

    private static string Text(JsonElement element, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (element.ValueKind != JsonValueKind.Object || !element.TryGetProperty(name, out element))
                return "";
        }
        return element.ValueKind == JsonValueKind.String ? element.GetString()! : "";
    }
}
