using System.Text.RegularExpressions;

namespace Demarc.Control.Configuration;

/// <summary>Which names resources, deployments and aliases may have.</summary>
internal static partial class NameRules
{
    public const string ResourceRule = "a-z, 0-9 and '-', a letter or digit first, at most 63 characters";

    public const string DeploymentRule = "A-Z, a-z, 0-9 and '._:@-', a letter or digit first, at most 128 characters";

    /// <summary>First segments of Demarc's own routes: a resource named so could not be reached under <c>/{resource}/…</c>.</summary>
    private static readonly HashSet<string> RouteWords =
    [
        "v1", "api", "anthropic", "model", "models", "projects", "oauth", "device", "managed", "protocol", "scim", "saml",
        "mcp", "livez", "readyz", "metrics", "inference-profiles", "user", ".well-known", "demarc", "console", "log",
    ];

    /// <summary>The name of a resource; null with an error.</summary>
    public static string? Resource(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (RouteWords.Contains(node.Value))
            reading.Error(node, $"{ConfigText.Quote(node.Value)} is part of Demarc's own addresses; another name is accepted");
        else if (!ResourceName().IsMatch(node.Value))
            reading.Error(node, $"{ConfigText.Quote(node.Value)} is no resource name; accepted: {ResourceRule}");
        else
            return node.Value;
        return null;
    }

    /// <summary>The name of a deployment; null with an error.</summary>
    /// <param name="arns">Whether its platform names deployments by ARN too.</param>
    public static string? Deployment(TextNode? node, ConfigReading reading, bool arns)
    {
        if (node is null)
            return null;
        if (IsDeployment(node.Value) || (arns && IsBedrockArn(node.Value)))
            return node.Value;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no deployment name; accepted: {DeploymentRule}");
        return null;
    }

    public static bool IsDeployment(string name) => DeploymentName().IsMatch(name);

    /// <summary>What Bedrock names by ARN: an inference profile or provisioned throughput.</summary>
    public static bool IsBedrockArn(string name) => BedrockArn().IsMatch(name);

    /// <summary>A workspace of Claude Platform on AWS.</summary>
    public static bool IsWorkspace(string name) => Workspace().IsMatch(name);

    /// <summary>Regions and agreements.</summary>
    public static bool IsWord(string name) => Word().IsMatch(name);

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9-]{0,62}\z")]
    private static partial Regex ResourceName();

    [GeneratedRegex(@"\A[A-Za-z0-9][A-Za-z0-9._:@-]{0,127}\z")]
    private static partial Regex DeploymentName();

    [GeneratedRegex(@"\Aarn:aws[a-z-]*:bedrock:[a-z0-9-]*:[0-9]{0,12}:[A-Za-z0-9._:/-]{1,180}\z")]
    private static partial Regex BedrockArn();

    [GeneratedRegex(@"\Awrkspc_[A-Za-z0-9]{1,64}\z")]
    private static partial Regex Workspace();

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9._-]{0,62}\z")]
    private static partial Regex Word();
}
