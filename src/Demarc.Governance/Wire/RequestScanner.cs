using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Demarc.Governance.Wire;

/// <summary>
/// Reads the facts of a Messages request from its bytes without building a document, and refuses what could be
/// read in two ways: text that is not one JSON object, and a key that the decision reads appearing twice.
/// </summary>
public static partial class RequestScanner
{
    /// <summary>Nesting beyond this is refused; real tool schemas stay far below.</summary>
    public const int MaxDepth = 256;

    /// <summary>Longest model name, characters.</summary>
    public const int MaxModelLength = 256;

    private enum Key
    {
        Other = -1,
        Model,
        Stream,
        MaxTokens,
        System,
        Messages,
        Metadata,
        Fallbacks,
        McpServers,
        InferenceGeo,
        Container,
        Tools,
        Version,
        Betas,
        Speed,
    }

    private static readonly JsonReaderOptions Options = new() { MaxDepth = MaxDepth, CommentHandling = JsonCommentHandling.Disallow };

    /// <summary>
    /// True with the facts, or false with a message that says what to do. The message never repeats content.
    /// </summary>
    public static bool TryScan(ReadOnlySpan<byte> body, out RequestFacts facts, out string problem) =>
        TryScan(body, default, out facts, out problem);

    /// <inheritdoc cref="TryScan(ReadOnlySpan{byte}, out RequestFacts, out string)"/>
    /// <param name="options">The body's form, and what the path says in its place.</param>
    public static bool TryScan(ReadOnlySpan<byte> body, ScanOptions options, out RequestFacts facts, out string problem)
    {
        facts = new RequestFacts { Form = options.Form };
        // The reader looks into the texts that it is asked for only; a transcript reads all of them.
        if (!Utf8.IsValid(body))
        {
            problem = "The request body is not valid JSON: it is not UTF-8. Send it in UTF-8.";
            return false;
        }
        var reader = new Utf8JsonReader(body, Options);
        try
        {
            problem = Scan(ref reader, body, facts) ?? Agree(facts, options) ?? "";
            return problem.Length == 0;
        }
        catch (JsonException e)
        {
            problem = Explain(e, body.Length);
            return false;
        }
        catch (InvalidOperationException)
        {
            // The reader compares no name or word that has no text; what it stands for nobody can say.
            problem = "The request body holds half of a surrogate pair (\\ud800 to \\udfff alone) where a name, a type or a model should stand. Send whole characters.";
            return false;
        }
    }

    private static string? Scan(ref Utf8JsonReader reader, ReadOnlySpan<byte> body, RequestFacts facts)
    {
        if (body.IsEmpty)
            return "The request has no body. Send a JSON object with model, max_tokens and messages.";
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            return "The request body is JSON, but not an object. Send a JSON object with model, max_tokens and messages.";

        facts.ObjectStart = (int)reader.TokenStartIndex;
        var seen = 0;
        var previous = (Key: Key.Other, End: -1);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            facts.MemberCount++;
            var start = (int)reader.TokenStartIndex;
            if (previous.Key != Key.Other)
                Close(facts, previous.Key, start);
            var key = Classify(ref reader);
            if (key != Key.Other)
            {
                if ((seen & (1 << (int)key)) != 0)
                    return $"The key \"{Name(key)}\" appears twice in the request body. Send it once: which of the two would hold is not defined.";
                seen |= 1 << (int)key;
            }
            reader.Read();
            var value = (int)reader.TokenStartIndex;
            if (Take(ref reader, key, facts) is { } problem)
                return problem;
            var end = (int)reader.BytesConsumed;
            Open(facts, key, new Member(new Slice(start, end - start), new Slice(value, end - value), previous.End, -1));
            previous = (key, end);
        }
        // The reader itself refuses anything but white space behind the object.
        while (reader.Read())
        {
        }
        return null;
    }

    private static void Open(RequestFacts facts, Key key, Member member)
    {
        switch (key)
        {
            case Key.Model:
                facts.ModelMember = member;
                break;
            case Key.Stream:
                facts.StreamMember = member;
                break;
            case Key.Version:
                facts.VersionMember = member;
                break;
            case Key.Betas:
                facts.BetasMember = member;
                break;
            case Key.InferenceGeo:
                facts.InferenceGeoMember = member;
                break;
        }
    }

    // A member learns where the next one starts when that comes.
    private static void Close(RequestFacts facts, Key key, int next)
    {
        switch (key)
        {
            case Key.Model:
                facts.ModelMember = facts.ModelMember with { NextStart = next };
                break;
            case Key.Stream:
                facts.StreamMember = facts.StreamMember with { NextStart = next };
                break;
            case Key.Version:
                facts.VersionMember = facts.VersionMember with { NextStart = next };
                break;
            case Key.Betas:
                facts.BetasMember = facts.BetasMember with { NextStart = next };
                break;
            case Key.InferenceGeo:
                facts.InferenceGeoMember = facts.InferenceGeoMember with { NextStart = next };
                break;
        }
    }

    // What the path says holds; a body that says something else could be read in two ways.
    private static string? Agree(RequestFacts facts, ScanOptions options)
    {
        if (options.Model is null && facts.ModelMember.IsEmpty)
            return "model: Field required. Name an alias, a deployment or resource/deployment; GET /v1/models lists them.";
        if (options.Model is { } model)
        {
            if (!facts.ModelMember.IsEmpty && facts.Model != model)
                return "model: The body names another model than the path. Leave it out of the body.";
            if (ModelProblem(model) is { } problem)
                return problem;
            facts.Model = model;
        }
        facts.Stream = options.Stream ?? facts.Stream;
        return null;
    }

    private static string? Take(ref Utf8JsonReader reader, Key key, RequestFacts facts)
    {
        switch (key)
        {
            case Key.Model:
                if (reader.TokenType != JsonTokenType.String)
                    return "model: Input should be a string.";
                if (!TryText(ref reader, out var model))
                    return "model: Input should be valid UTF-8.";
                facts.Model = model;
                return ModelProblem(model);
            case Key.Stream:
                if (reader.TokenType is not (JsonTokenType.True or JsonTokenType.False))
                    return "stream: Input should be a boolean.";
                facts.Stream = reader.TokenType == JsonTokenType.True;
                return null;
            case Key.MaxTokens:
                facts.MaxTokens = reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var tokens) ? tokens : null;
                if (facts.MaxTokens is not null)
                    facts.MaxTokensToken = new Slice((int)reader.TokenStartIndex, (int)(reader.BytesConsumed - reader.TokenStartIndex));
                reader.Skip();
                return null;
            case Key.System:
                facts.System = Skipped(ref reader);
                return null;
            case Key.Messages when reader.TokenType == JsonTokenType.StartArray:
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    var start = (int)reader.TokenStartIndex;
                    if (TakeMessage(ref reader, facts) is { } wrong)
                        return wrong;
                    facts.Messages.Add(new Slice(start, (int)reader.BytesConsumed - start));
                }
                return null;
            case Key.Metadata when reader.TokenType == JsonTokenType.StartObject:
                return TakeMetadata(ref reader, facts);
            case Key.Fallbacks:
                return TakeFallbacks(ref reader, facts);
            case Key.McpServers:
                return TakeMcpServers(ref reader, facts);
            case Key.InferenceGeo:
                return TakeInferenceGeo(ref reader, facts);
            case Key.Container:
                return TakeContainer(ref reader, facts);
            case Key.Tools when reader.TokenType == JsonTokenType.StartArray:
                return TakeTools(ref reader, facts);
            case Key.Betas when facts.Form != BodyForm.Anthropic && reader.TokenType != JsonTokenType.Null:
                return TakeBetas(ref reader, facts);
            case Key.Speed:
                facts.AsksFast = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("fast"u8);
                reader.Skip();
                return null;
            default:
                reader.Skip();
                return null;
        }
    }

    private static string? ModelProblem(string model)
    {
        if (model.Length is 0 or > MaxModelLength)
            return $"model: Input should have 1 to {MaxModelLength} characters.";
        return model.AsSpan().IndexOfAnyInRange('\0', '\x1f') >= 0 || model.Contains('\x7f')
            ? "model: Input should have no control characters."
            : null;
    }

    private static string? TakeBetas(ref Utf8JsonReader reader, RequestFacts facts)
    {
        var betas = new List<string>();
        if (reader.TokenType == JsonTokenType.StartArray)
        {
            while (reader.Read() && reader.TokenType == JsonTokenType.String && TryText(ref reader, out var beta) && IsToken(beta))
                betas.Add(beta);
        }
        if (reader.TokenType != JsonTokenType.EndArray)
            return "anthropic_beta: Input should be an array of beta names.";
        facts.Betas = [.. betas];
        return null;
    }

    // Betas can move into a header: nothing in them may end or divide it.
    private static bool IsToken(string beta) => beta.Length is > 0 and <= 128 && beta.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.');

    private static string? TakeMetadata(ref Utf8JsonReader reader, RequestFacts facts)
    {
        var seen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isUserId = reader.ValueTextEquals("user_id"u8);
            reader.Read();
            if (!isUserId)
            {
                reader.Skip();
                continue;
            }
            if (seen)
                return "The key \"metadata.user_id\" appears twice in the request body. Send it once.";
            seen = true;
            if (reader.TokenType == JsonTokenType.String && TryText(ref reader, out var userId))
                facts.MetadataUserId = userId;
            reader.Skip();
        }
        return null;
    }

    private static string? Flag(ref Utf8JsonReader reader, RequestFacts facts, BoundaryFields field)
    {
        if (reader.TokenType != JsonTokenType.Null)
            facts.BoundaryFields |= field;
        reader.Skip();
        return null;
    }

    private static Slice Skipped(ref Utf8JsonReader reader)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        return new Slice(start, (int)reader.BytesConsumed - start);
    }

    // GetString throws on bytes that are not UTF-8; such a name is the client's fault, not a bug.
    private static bool TryText(ref Utf8JsonReader reader, out string text)
    {
        try
        {
            text = reader.GetString()!;
            return true;
        }
        catch (InvalidOperationException)
        {
            text = "";
            return false;
        }
    }

    // ValueTextEquals unescapes, so that "mod\u0065l" is the model too.
    private static Key Classify(ref Utf8JsonReader reader)
    {
        for (var key = Key.Model; key <= Key.Speed; key++)
        {
            if (reader.ValueTextEquals(NameUtf8(key)))
                return key;
        }
        return Key.Other;
    }

    private static ReadOnlySpan<byte> NameUtf8(Key key) => key switch
    {
        Key.Model => "model"u8,
        Key.Stream => "stream"u8,
        Key.MaxTokens => "max_tokens"u8,
        Key.System => "system"u8,
        Key.Messages => "messages"u8,
        Key.Metadata => "metadata"u8,
        Key.Fallbacks => "fallbacks"u8,
        Key.McpServers => "mcp_servers"u8,
        Key.InferenceGeo => "inference_geo"u8,
        Key.Container => "container"u8,
        Key.Tools => "tools"u8,
        Key.Version => "anthropic_version"u8,
        Key.Betas => "anthropic_beta"u8,
        Key.Speed => "speed"u8,
        _ => default,
    };

    private static string Name(Key key) => Encoding.UTF8.GetString(NameUtf8(key));

    // The reader tells its reasons apart in words only; the tests pin those that matter here.
    private static string Explain(JsonException e, int length)
    {
        if (e.Message.Contains("maximum configured depth", StringComparison.Ordinal))
            return $"The request body nests deeper than {MaxDepth} levels. Flatten it.";
        var place = $"line {(e.LineNumber ?? 0) + 1}, byte {(e.BytePositionInLine ?? 0) + 1}";
        return e.Message.Contains("reached end of data", StringComparison.Ordinal) || e.Message.Contains("Expected depth to be zero", StringComparison.Ordinal)
            ? $"The request body ends too early ({length} bytes received, {place}): the JSON object is not closed. Send it whole."
            : $"The request body is not valid JSON ({place}). Send one JSON object in UTF-8.";
    }
}
