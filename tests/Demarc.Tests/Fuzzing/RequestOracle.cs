using System.Text.Json;
using Demarc.Governance.Wire;

namespace Demarc.Tests.Fuzzing;

/// <summary>What a body should be taken for, told from a document of <c>System.Text.Json</c> and not from its bytes.</summary>
internal sealed class RequestOracle(ScanOptions options)
{
    private static readonly string[] Known =
        ["model", "stream", "max_tokens", "system", "messages", "metadata", "fallbacks", "mcp_servers", "inference_geo", "container", "tools", "anthropic_version", "anthropic_beta", "speed"];

    /// <summary>Fields of content and containers, and not of tools.</summary>
    public BoundaryFields Fields { get; private set; }

    /// <summary>Whether a name or a word that is looked at holds half of a surrogate pair: refused, whatever it stands for.</summary>
    public bool HasHalves { get; private set; }

    public List<string> OtherModels { get; } = [];

    /// <summary>A document as the scanner would have it; null where the bytes are no JSON.</summary>
    public static JsonDocument? Parse(byte[] body)
    {
        try
        {
            return JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = RequestScanner.MaxDepth });
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>Whether it is to be taken.</summary>
    public bool Takes(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object)
            return false;
        var members = Members(root);
        // Every member is looked at, so that halves of pairs behind the first fault are seen too.
        var right = members.Select(m => Takes(m.Name, m.Value)).ToArray().All(r => r);
        var twice = members.Where(m => Known.Contains(m.Name)).GroupBy(m => m.Name).Any(g => g.Count() > 1);
        var model = members.FirstOrDefault(m => m.Name == "model").Value;
        return right && !twice && (options.Model is null ? model.ValueKind == JsonValueKind.String : model.ValueKind == JsonValueKind.Undefined || Text(model) == options.Model);
    }

    private bool Takes(string name, JsonElement value) => name switch
    {
        "model" => Text(value) is { Length: > 0 and <= RequestScanner.MaxModelLength } model && !model.Any(c => c is < ' ' or '\x7f'),
        "stream" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "messages" when value.ValueKind == JsonValueKind.Array => All(value, Message),
        "metadata" when value.ValueKind == JsonValueKind.Object => Members(value).Count(m => m.Name == "user_id") <= 1,
        "fallbacks" => Fallbacks(value),
        "mcp_servers" => Has(BoundaryFields.McpServers, value.ValueKind != JsonValueKind.Null && (value.ValueKind != JsonValueKind.Array || value.GetArrayLength() > 0)),
        "inference_geo" => value.ValueKind == JsonValueKind.Null || (Text(value) is { Length: > 0 and <= 32 } && Has(BoundaryFields.InferenceGeo)),
        "container" => Container(value),
        "tools" when value.ValueKind == JsonValueKind.Array => All(value, Tool),
        "anthropic_beta" when options.Form != BodyForm.Anthropic && value.ValueKind != JsonValueKind.Null =>
            value.ValueKind == JsonValueKind.Array && All(value, b => Text(b) is { Length: > 0 and <= 128 } beta && beta.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.')),
        "speed" => Look(value) is var _,
        _ => true,
    };

    private bool Fallbacks(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Null)
            return true;
        Has(BoundaryFields.Fallbacks);
        return value.ValueKind == JsonValueKind.Array
            ? All(value, e => e.ValueKind == JsonValueKind.Object ? Members(e).Count(m => m.Name == "model") <= 1 && Members(e).Where(m => m.Name == "model").All(m => Model(m.Value)) : Model(e))
            : Model(value);
    }

    private bool Model(JsonElement value)
    {
        if (Text(value) is not { Length: > 0 and <= RequestScanner.MaxModelLength } model)
            return false;
        OtherModels.Add(model);
        return true;
    }

    private bool Container(JsonElement value)
    {
        Has(BoundaryFields.Container, value.ValueKind != JsonValueKind.Null);
        if (value.ValueKind == JsonValueKind.Object)
            Has(BoundaryFields.Skills, Members(value).Any(m => m.Name == "skills" && m.Value.ValueKind != JsonValueKind.Null));
        return true;
    }

    private bool Tool(JsonElement tool)
    {
        if (tool.ValueKind != JsonValueKind.Object)
            return true;
        var members = Members(tool);
        foreach (var member in members.Where(m => m.Name is "type" or "allowed_callers"))
            Look(member.Value);
        return new[] { "type", "model", "allowed_callers" }.All(name => members.Count(m => m.Name == name) <= 1)
            && members.All(m => m.Name != "model" || m.Value.ValueKind != JsonValueKind.String || Model(m.Value));
    }

    private bool Message(JsonElement message)
    {
        if (message.ValueKind != JsonValueKind.Object)
            return true;
        var contents = Members(message).Where(m => m.Name == "content").ToArray();
        return contents.Length <= 1 && contents.All(c => c.Value.ValueKind != JsonValueKind.Array || All(c.Value, Block));
    }

    private bool Block(JsonElement block)
    {
        if (block.ValueKind != JsonValueKind.Object)
            return true;
        var right = true;
        foreach (var (name, value) in Members(block))
        {
            if (name == "file_id")
                Has(BoundaryFields.Files, value.ValueKind != JsonValueKind.Null);
            else if (name == "source" && value.ValueKind == JsonValueKind.Object)
                right &= Source(value);
            else if (name == "content" && value.ValueKind == JsonValueKind.Array)
                right &= All(value, Block);
        }
        return right;
    }

    private bool Source(JsonElement source)
    {
        var members = Members(source);
        var right = members.Count(m => m.Name == "type") <= 1;
        foreach (var (name, value) in members)
        {
            var type = name == "type" ? Look(value) : null;
            Has(BoundaryFields.UrlSources, type == "url" || (name == "url" && value.ValueKind != JsonValueKind.Null));
            Has(BoundaryFields.Files, type == "file" || (name == "file_id" && value.ValueKind != JsonValueKind.Null));
            if (name == "content" && value.ValueKind == JsonValueKind.Array)
                right &= All(value, Block);
        }
        return right;
    }

    private static bool All(JsonElement array, Func<JsonElement, bool> holds) => array.EnumerateArray().Select(holds).ToArray().All(h => h);

    private bool Has(BoundaryFields field, bool has = true)
    {
        Fields |= has ? field : BoundaryFields.None;
        return true;
    }

    // What the scanner compares with a word, and does not take over.
    private string? Look(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Array)
            foreach (var element in value.EnumerateArray())
                Look(element);
        return Text(value);
    }

    private (string Name, JsonElement Value)[] Members(JsonElement value) => [.. value.EnumerateObject().Select(m => (Name(m), m.Value))];

    private string Name(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            HasHalves = true;
            return "\ud800";
        }
    }

    /// <summary>A string; null for what is none, or holds half of a surrogate pair.</summary>
    public string? Text(JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            HasHalves = true;
            return null;
        }
    }
}
