using System.Text.Json;
using System.Text.RegularExpressions;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;
using Demarc.Governance.Wire;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>credential</c> of a resource: one of the ways in which its platform knows who asks.</summary>
internal static partial class CredentialSection
{
    private const string Default = "default";

    public static UpstreamCredential? Read(MapReader resource, Platform? platform, BodyForm form, ConfigReading reading)
    {
        var kinds = platform is { } known ? Kinds(known, form) : ["api_key", "bearer_token", "azure", "aws", "google"];
        var node = resource.Required("credential", Example(kinds[0]));
        if (MapReader.Open(node, reading, kinds, hideUnknown: true) is not { } map)
            return null;
        if (map.Node.Entries.Count(e => kinds.Contains(e.Key)) > 1)
        {
            reading.Error(map.Node, $"more than one credential; one of these is accepted: {string.Join(", ", kinds)}");
            return null;
        }
        var kind = Array.Find(kinds, k => map.Get(k) is not null);
        if (kind is null)
        {
            // An unknown key has its error already.
            if (map.Node.Entries.All(e => kinds.Contains(e.Key)))
                map.Required(kinds[0], kinds.Length == 1 ? SecretOr(kinds[0]) : $"{SecretOr(kinds[0])}; or, in its place, {string.Join(" or ", kinds[1..])}");
            return null;
        }
        var value = map.Get(kind)!;
        return kind switch
        {
            "api_key" => Secret(value, reading) is { } key ? new KeyCredential(key) : null,
            "bearer_token" => Secret(value, reading) is { } token ? new BearerCredential(token) : null,
            "azure" => Azure(value, reading),
            "aws" => Aws(value, reading),
            _ => Google(value, reading),
        };
    }

    /// <summary>What each platform takes, the first of which is what to suggest.</summary>
    private static string[] Kinds(Platform platform, BodyForm form) => platform switch
    {
        Platform.Foundry => ["api_key", "azure"],
        Platform.Anthropic => ["api_key"],
        Platform.AnthropicAws => ["api_key", "aws"],
        // Pages "Claude in Amazon Bedrock" (a token goes into x-api-key) and "Claude on Amazon Bedrock" (a bearer).
        Platform.Bedrock when form == BodyForm.Anthropic => ["aws", "api_key"],
        Platform.Bedrock => ["aws", "bearer_token"],
        Platform.Vertex => ["google"],
        _ => throw new ArgumentOutOfRangeException(nameof(platform)),
    };

    private static string Example(string kind) => kind is "api_key" or "bearer_token" ? $"{{ {kind}: \"${{NAME}}\" }}" : $"{{ {kind}: default }}";

    private static string SecretOr(string kind) => kind is "api_key" or "bearer_token" ? SecretReference.Accepted : Default;

    private static Secret? Secret(ConfigNode value, ConfigReading reading)
    {
        if (reading.Raw(value) is not { } text || SecretReference.Read(text, reading) is not { } secret)
            return null;
        if (secret.Reveal().All(c => c is > ' ' and <= '~'))
            return secret;
        reading.Error(text, "the key has white space or characters that no header can carry; accepted: visible ASCII");
        return null;
    }

    public static AzureCredential? Azure(ConfigNode value, ConfigReading reading)
    {
        if (IsDefault(value, "{ authority: https://HOST }", reading, out var node))
            return new AzureCredential(null);
        if (MapReader.Open(node, reading, ["authority"]) is not { } map || reading.Text(map.Required("authority", "https://HOST")) is not { } text)
            return null;
        if (Uri.TryCreate(text.Value, UriKind.Absolute, out var authority) && authority is { Scheme: "https", PathAndQuery: "/", UserInfo: "", Fragment: "" })
            return new AzureCredential(authority);
        reading.Error(text, $"{ConfigText.Quote(text.Value)} is no authority; accepted: https:// and a host, for example https://login.microsoftonline.us");
        return null;
    }

    public static AwsCredential? Aws(ConfigNode value, ConfigReading reading)
    {
        if (IsDefault(value, "{ role_arn: ARN }", reading, out var node))
            return new AwsCredential(null, null);
        if (MapReader.Open(node, reading, ["role_arn", "external_id"]) is not { } map || reading.Text(map.Required("role_arn", "the ARN of a role")) is not { } role)
            return null;
        if (!RoleArn().IsMatch(role.Value))
        {
            reading.Error(role, $"{ConfigText.Quote(role.Value)} is no role; accepted: arn:aws:iam::ACCOUNT:role/NAME");
            return null;
        }
        return new AwsCredential(role.Value, map.Text("external_id")?.Value);
    }

    private static GoogleCredential? Google(ConfigNode value, ConfigReading reading)
    {
        if (IsDefault(value, "{ file: PATH }", reading, out var node))
            return new GoogleCredential(null);
        if (MapReader.Open(node, reading, ["file"]) is not { } map || reading.Text(map.Required("file", "the path of a credential file")) is not { } path)
            return null;
        if (reading.File(path, path.Value) is not { } bytes)
            return null;
        if (IsCredentialFile(bytes))
            return new GoogleCredential(reading.Absolute(path.Value));
        reading.Error(path, $"the file {ConfigText.Quote(path.Value)} is no credential file of Google; accepted: the JSON of a service account or of workload identity federation");
        return null;
    }

    private static bool IsDefault(ConfigNode value, string otherwise, ConfigReading reading, out ConfigNode? map)
    {
        map = value is MapNode ? value : null;
        if (map is not null)
            return false;
        if (reading.Text(value) is { } text)
        {
            if (text.Value == Default)
                return true;
            reading.Error(text, $"{ConfigText.Quote(text.Value)} is not known; accepted: {Default}, {otherwise}");
        }
        return false;
    }

    private static bool IsCredentialFile(byte[] bytes)
    {
        try
        {
            using var json = JsonDocument.Parse(bytes);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
                && type.GetString() is "service_account" or "external_account";
        }
        catch (JsonException)
        {
            return false;
        }
    }

    [GeneratedRegex(@"\Aarn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,576}\z")]
    private static partial Regex RoleArn();
}
