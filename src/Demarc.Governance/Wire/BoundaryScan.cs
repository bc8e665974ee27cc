using System.Text.Json;

namespace Demarc.Governance.Wire;

/// <summary>The fields that move data or name further models: at the top level, in tools, and in the blocks of messages.</summary>
public static partial class RequestScanner
{
    // The version of web search and web fetch from which code filters results unless the tool is called directly only
    // (Web search tool, "Dynamic filtering").
    private const string FilteringSince = "20260209";

    /// <summary>Tools that run at the client, or at the provider without keeping or sending anything (API and data retention, "Feature eligibility").</summary>
    private static readonly string[] HarmlessTools =
        ["bash_", "text_editor_", "computer_", "browser_", "memory_", "tool_search_tool_"];

    private static string? TakeFallbacks(ref Utf8JsonReader reader, RequestFacts facts)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        facts.BoundaryFields |= BoundaryFields.Fallbacks;
        if (reader.TokenType == JsonTokenType.String)
            return AddModel(ref reader, facts, "fallbacks");
        if (reader.TokenType != JsonTokenType.StartArray)
            return "fallbacks: Input should be \"default\" or a list of models.";
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            var problem = reader.TokenType == JsonTokenType.StartObject
                ? TakeModelOf(ref reader, facts)
                : AddModel(ref reader, facts, "fallbacks");
            if (problem is not null)
                return problem;
        }
        return null;
    }

    private static string? TakeModelOf(ref Utf8JsonReader reader, RequestFacts facts)
    {
        var seen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isModel = reader.ValueTextEquals("model"u8);
            reader.Read();
            if (!isModel)
            {
                reader.Skip();
                continue;
            }
            if (seen)
                return Twice("fallbacks.model");
            seen = true;
            if (AddModel(ref reader, facts, "fallbacks.model") is { } problem)
                return problem;
        }
        return null;
    }

    private static string? AddModel(ref Utf8JsonReader reader, RequestFacts facts, string field)
    {
        if (reader.TokenType != JsonTokenType.String || !TryText(ref reader, out var model) || model.Length is 0 or > MaxModelLength)
            return $"{field}: Input should be the name of a model.";
        facts.OtherModels.Add(model);
        return null;
    }

    private static string? TakeMcpServers(ref Utf8JsonReader reader, RequestFacts facts)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            return Flag(ref reader, facts, BoundaryFields.McpServers);
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            facts.BoundaryFields |= BoundaryFields.McpServers;
            reader.Skip();
        }
        return null;
    }

    private static string? TakeInferenceGeo(ref Utf8JsonReader reader, RequestFacts facts)
    {
        if (reader.TokenType == JsonTokenType.Null)
            return null;
        if (reader.TokenType != JsonTokenType.String || !TryText(ref reader, out var geo) || geo.Length is 0 or > 32)
            return "inference_geo: Input should be a geography, such as \"us\" or \"global\".";
        facts.BoundaryFields |= BoundaryFields.InferenceGeo;
        facts.InferenceGeo = geo;
        return null;
    }

    // A container's id, or {"id","skills"}.
    private static string? TakeContainer(ref Utf8JsonReader reader, RequestFacts facts)
    {
        if (reader.TokenType == JsonTokenType.StartObject)
        {
            facts.BoundaryFields |= BoundaryFields.Container;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var skills = reader.ValueTextEquals("skills"u8);
                reader.Read();
                if (skills && reader.TokenType != JsonTokenType.Null)
                    facts.BoundaryFields |= BoundaryFields.Skills;
                reader.Skip();
            }
            return null;
        }
        return Flag(ref reader, facts, BoundaryFields.Container);
    }

    private static string? TakeTools(ref Utf8JsonReader reader, RequestFacts facts)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
                reader.Skip();
            else if (TakeTool(ref reader, facts) is { } problem)
                return problem;
        }
        return null;
    }

    private static string? TakeTool(ref Utf8JsonReader reader, RequestFacts facts)
    {
        string? type = null;
        bool typed = false, modelled = false, direct = false, callers = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("type"u8))
            {
                if (typed)
                    return Twice("tools.type");
                typed = true;
                reader.Read();
                if (reader.TokenType == JsonTokenType.String && (reader.ValueTextEquals("custom"u8) || !TryText(ref reader, out type)))
                    type = null;
                reader.Skip();
            }
            else if (reader.ValueTextEquals("model"u8))
            {
                if (modelled)
                    return Twice("tools.model");
                modelled = true;
                reader.Read();
                if (reader.TokenType == JsonTokenType.String && AddModel(ref reader, facts, "tools.model") is { } problem)
                    return problem;
                reader.Skip();
            }
            else if (reader.ValueTextEquals("allowed_callers"u8))
            {
                if (callers)
                    return Twice("tools.allowed_callers");
                callers = true;
                reader.Read();
                (direct, var byCode) = Callers(ref reader);
                if (byCode)
                    facts.BoundaryFields |= BoundaryFields.CodeExecution;
            }
            else
            {
                reader.Read();
                reader.Skip();
            }
        }
        if (type is not null)
            facts.BoundaryFields |= OfTool(type, direct, facts);
        return null;
    }

    // Direct when the model alone may call the tool; by code when a program in the provider's container may.
    private static (bool Direct, bool ByCode) Callers(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            reader.Skip();
            return default;
        }
        bool direct = false, byCode = false;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("direct"u8))
                direct = true;
            else
                byCode = true;
            reader.Skip();
        }
        return (direct && !byCode, byCode);
    }

    private static BoundaryFields OfTool(string type, bool direct, RequestFacts facts)
    {
        if (Array.Exists(HarmlessTools, prefix => type.StartsWith(prefix, StringComparison.Ordinal)))
            return BoundaryFields.None;
        if (Version(type, "web_search_") is { } search)
            return BoundaryFields.WebSearch | Filtering(search, direct, facts);
        if (Version(type, "web_fetch_") is { } fetch)
            return BoundaryFields.WebFetch | Filtering(fetch, direct, facts);
        if (Version(type, "code_execution_") is not null)
            return BoundaryFields.CodeExecution;
        if (Version(type, "advisor_") is not null)
            return BoundaryFields.Advisor;
        if (type == "mcp_toolset")
            return BoundaryFields.McpServers;
        facts.UnknownToolType ??= type.Length <= 64 ? type : type[..64];
        return BoundaryFields.UnknownTool;
    }

    private static string? Version(string type, string prefix) =>
        type.StartsWith(prefix, StringComparison.Ordinal) ? type[prefix.Length..] : null;

    private static BoundaryFields Filtering(string version, bool direct, RequestFacts facts)
    {
        var filters = string.CompareOrdinal(version, FilteringSince) >= 0;
        facts.HasFreeCodeExecution |= filters;
        return filters && !direct ? BoundaryFields.DynamicFiltering : BoundaryFields.None;
    }

    // A message: {"role","content": text or blocks}. What is not that shape is the provider's to refuse.
    private static string? TakeMessage(ref Utf8JsonReader reader, RequestFacts facts)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return null;
        }
        var seen = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isContent = reader.ValueTextEquals("content"u8);
            reader.Read();
            if (isContent && seen)
                return Twice("messages.content");
            seen |= isContent;
            if (!isContent || reader.TokenType != JsonTokenType.StartArray)
                reader.Skip();
            else if (TakeBlocks(ref reader, facts) is { } problem)
                return problem;
        }
        return null;
    }

    // Blocks nest: a tool's result and a document's source hold blocks. The reader bounds how deep.
    private static string? TakeBlocks(ref Utf8JsonReader reader, RequestFacts facts)
    {
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (reader.TokenType != JsonTokenType.StartObject)
                reader.Skip();
            else if (TakeBlock(ref reader, facts) is { } problem)
                return problem;
        }
        return null;
    }

    private static string? TakeBlock(ref Utf8JsonReader reader, RequestFacts facts)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isSource = reader.ValueTextEquals("source"u8);
            var isContent = !isSource && reader.ValueTextEquals("content"u8);
            var isFile = !isSource && !isContent && reader.ValueTextEquals("file_id"u8);
            reader.Read();
            if (isFile && reader.TokenType != JsonTokenType.Null)
                facts.BoundaryFields |= BoundaryFields.Files;
            string? problem = null;
            if (isSource && reader.TokenType == JsonTokenType.StartObject)
                problem = TakeSource(ref reader, facts);
            else if (isContent && reader.TokenType == JsonTokenType.StartArray)
                problem = TakeBlocks(ref reader, facts);
            else
                reader.Skip();
            if (problem is not null)
                return problem;
        }
        return null;
    }

    // Presence counts, whatever the type says: {"type":"base64","url":…} could be read as either.
    private static string? TakeSource(ref Utf8JsonReader reader, RequestFacts facts)
    {
        var typed = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var field = reader.ValueTextEquals("url"u8) ? BoundaryFields.UrlSources
                : reader.ValueTextEquals("file_id"u8) ? BoundaryFields.Files
                : BoundaryFields.None;
            var isContent = reader.ValueTextEquals("content"u8);
            reader.Read();
            if (isType && typed)
                return Twice("source.type");
            typed |= isType;
            if (isType && reader.TokenType == JsonTokenType.String)
                field = reader.ValueTextEquals("url"u8) ? BoundaryFields.UrlSources : reader.ValueTextEquals("file"u8) ? BoundaryFields.Files : BoundaryFields.None;
            if (field != BoundaryFields.None && reader.TokenType != JsonTokenType.Null)
                facts.BoundaryFields |= field;
            if (isContent && reader.TokenType == JsonTokenType.StartArray)
            {
                if (TakeBlocks(ref reader, facts) is { } problem)
                    return problem;
            }
            else
            {
                reader.Skip();
            }
        }
        return null;
    }

    private static string Twice(string field) => $"The key \"{field}\" appears twice in the request body. Send it once: which of the two would hold is not defined.";
}
