using System.Text;
using System.Text.Json.Nodes;
using Demarc.Simulator.Messages;
using Demarc.Simulator.Tokens;

namespace Demarc.Simulator.Management;

/// <summary>
/// Azure Resource Manager (<c>/subscriptions/…</c>), Bedrock's control plane (<c>/inference-profiles/…</c> of the estate's own,
/// <c>/foundation-models/…</c>) and Google Cloud's locations and publisher models, for reading.
/// </summary>
internal sealed class ManagementEndpoints(SimulatorManagement management, SimulatorTokens tokens)
{
    private const string Publisher = "/v1/publishers/anthropic/models/";

    /// <summary>True with the answer on <paramref name="wire"/> when the request is for one of them.</summary>
    public bool TryAnswer(Exchange exchange, WireAnswer wire)
    {
        if (exchange.Http.Request.Method != "GET")
            return false;
        var path = exchange.Path;
        string[] parts = [.. path.Split('/', StringSplitOptions.RemoveEmptyEntries).Select(Uri.UnescapeDataString)];
        if (path.StartsWith("/subscriptions/", StringComparison.Ordinal))
        {
            Answer(exchange, wire, Azure(exchange, parts));
            return true;
        }
        if (path.StartsWith("/foundation-models/", StringComparison.Ordinal))
        {
            Answer(exchange, wire, Array.Find(management.Estate.FoundationModels, m => m == parts[1]) is { } model ? FoundationModel(model) : null);
            return true;
        }
        if (parts is ["inference-profiles", var id] && Array.Find(management.Estate.Profiles, p => p.Id == id) is { } profile)
        {
            Answer(exchange, wire, Profile(profile));
            return true;
        }
        if (path.StartsWith(Publisher, StringComparison.Ordinal))
        {
            Answer(exchange, wire, Array.Find(management.Estate.PublisherModels, m => m == parts[^1]) is { } model ? new JsonObject { ["name"] = $"publishers/anthropic/models/{model}", ["launchStage"] = "GA" } : null);
            return true;
        }
        if (parts is ["v1", "projects", var project, "locations", var location])
        {
            Answer(exchange, wire, management.Estate.Locations.Contains(location) ? new JsonObject { ["name"] = $"projects/{project}/locations/{location}", ["locationId"] = location } : null);
            return true;
        }
        return false;
    }

    private JsonObject? Azure(Exchange exchange, string[] parts)
    {
        if (exchange.Http.Request.Query["api-version"].Count == 0)
            return null;
        var accounts = Array.FindAll(management.Estate.Accounts, a => a.Subscription == parts[1]);
        return parts[2..] switch
        {
            ["providers", "Microsoft.CognitiveServices", "accounts"] => List(accounts.Select(Account)),
            ["resourceGroups", var group, "providers", "Microsoft.CognitiveServices", "accounts"] => List(accounts.Where(a => a.ResourceGroup == group).Select(Account)),
            ["resourceGroups", var group, "providers", "Microsoft.CognitiveServices", "accounts", var name] => Find(group, name) is { } account ? Account(account) : null,
            ["resourceGroups", var group, "providers", "Microsoft.CognitiveServices", "accounts", var name, "deployments"] =>
                Find(group, name) is { } account ? List(account.Deployments.Select(d => Deployment(account, d))) : null,
            ["resourceGroups", var group, "providers", "Microsoft.CognitiveServices", "accounts", var name, "deployments", var deployment] =>
                Find(group, name) is { } account && Array.Find(account.Deployments, d => d.Name == deployment) is { } found ? Deployment(account, found) : null,
            _ => null,
        };

        ManagedAccount? Find(string group, string name) => Array.Find(accounts, a => a.ResourceGroup == group && a.Name == name);
    }

    private static JsonObject List(IEnumerable<JsonObject> items) => new() { ["value"] = new JsonArray([.. items]) };

    private static string IdOf(ManagedAccount account) =>
        $"/subscriptions/{account.Subscription}/resourceGroups/{account.ResourceGroup}/providers/Microsoft.CognitiveServices/accounts/{account.Name}";

    private static JsonObject Account(ManagedAccount account) => new()
    {
        ["id"] = IdOf(account),
        ["name"] = account.Name,
        ["type"] = "Microsoft.CognitiveServices/accounts",
        ["location"] = account.Location,
        ["kind"] = "AIServices",
        ["sku"] = new JsonObject { ["name"] = "S0" },
        ["properties"] = new JsonObject { ["provisioningState"] = "Succeeded", ["customSubDomainName"] = account.Name },
    };

    private static JsonObject Deployment(ManagedAccount account, ManagedDeployment deployment) => new()
    {
        ["id"] = $"{IdOf(account)}/deployments/{deployment.Name}",
        ["name"] = deployment.Name,
        ["type"] = "Microsoft.CognitiveServices/accounts/deployments",
        ["sku"] = new JsonObject { ["name"] = deployment.Sku, ["capacity"] = 1 },
        ["properties"] = new JsonObject
        {
            ["model"] = new JsonObject { ["format"] = deployment.Format, ["name"] = deployment.Model, ["version"] = deployment.Version },
            ["versionUpgradeOption"] = deployment.Upgrade,
            ["provisioningState"] = "Succeeded",
        },
    };

    private static JsonObject FoundationModel(string id) => new()
    {
        ["modelDetails"] = new JsonObject
        {
            ["modelArn"] = $"arn:aws:bedrock:us-east-1::foundation-model/{id}",
            ["modelId"] = id,
            ["providerName"] = "Anthropic",
            ["modelLifecycle"] = new JsonObject { ["status"] = "ACTIVE" },
        },
    };

    private static JsonObject Profile(ManagedProfile profile) => new()
    {
        ["inferenceProfileId"] = profile.Id,
        ["inferenceProfileArn"] = $"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{profile.Id}",
        ["status"] = profile.Status,
        ["type"] = "SYSTEM_DEFINED",
        ["models"] = new JsonArray([.. profile.Regions.Select(region => new JsonObject { ["modelArn"] = $"arn:aws:bedrock:{region}::foundation-model/{profile.Model}" })]),
    };

    // Nobody reads without a credential; which one, only where they are required.
    private void Answer(Exchange exchange, WireAnswer wire, JsonObject? found)
    {
        var authorization = exchange.Http.Request.Headers.Authorization.ToString();
        var holds = authorization.StartsWith("AWS4-", StringComparison.Ordinal)
            ? !tokens.Required || SigV4Check.Find(exchange, tokens, "bedrock") is null
            : authorization.StartsWith("Bearer ", StringComparison.Ordinal) && (!tokens.Required || tokens.IsGood(authorization["Bearer ".Length..]));
        (wire.Status, wire.ContentType) = (!holds ? 401 : found is null ? 404 : 200, "application/json");
        var body = !holds ? Error("AuthenticationFailed", "Authentication failed.") : found ?? Error("ResourceNotFound", "The resource was not found.");
        wire.SetWhole(Encoding.UTF8.GetBytes(body.ToJsonString()));
    }

    private static JsonObject Error(string code, string message) => new() { ["error"] = new JsonObject { ["code"] = code, ["message"] = message } };
}
