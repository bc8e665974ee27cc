using System.Text.Json;

namespace Demarc.Governance.Wire;

/// <summary>
/// Reads answers and stream events. It only observes: bytes that are not what the contract says are passed over,
/// never an error of the relay.
/// </summary>
public static class AnswerReader
{
    /// <summary>
    /// Reads a whole message (<c>{"id","type":"message","model","content",…,"usage"}</c>).
    /// </summary>
    /// <param name="modelToken">Where the model stands, quotes included; empty when there is none.</param>
    /// <param name="content">The value of <c>content</c>; empty when there is none.</param>
    /// <returns>False when the bytes are not JSON.</returns>
    public static bool TryReadMessage(ReadOnlySpan<byte> json, AnswerFacts facts, out Slice modelToken, out Slice content)
    {
        modelToken = content = default;
        try
        {
            var reader = new Utf8JsonReader(json);
            if (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                ReadMessage(ref reader, facts, ref modelToken, ref content);
            return true;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // It may have broken off within its usage: half of that would be taken for all.
            facts.Usage = null;
            return false;
        }
    }

    /// <summary>Reads the data of a <c>message_start</c> event.</summary>
    public static void ReadMessageStart(ReadOnlySpan<byte> json, AnswerFacts facts, out Slice modelToken)
    {
        modelToken = default;
        Slice content = default;
        try
        {
            var reader = new Utf8JsonReader(json);
            if (reader.Find("message"u8) && reader.TokenType == JsonTokenType.StartObject)
                ReadMessage(ref reader, facts, ref modelToken, ref content);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            modelToken = default;
        }
    }

    /// <summary>Reads the data of a <c>message_delta</c> event: stop reason and cumulative usage.</summary>
    public static void ReadMessageDelta(ReadOnlySpan<byte> json, AnswerFacts facts)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("usage"u8))
                {
                    reader.Read();
                    ReadUsage(ref reader, facts.Usage ??= new AnswerUsage());
                }
                else if (reader.ValueTextEquals("delta"u8))
                {
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.StartObject && reader.Within("stop_reason"u8))
                        facts.StopReason = Text(ref reader) ?? facts.StopReason;
                    SkipRest(ref reader);
                }
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Observed only; the last usage stands.
        }
    }

    /// <summary>The <c>error.type</c> of an Anthropic error envelope or event; null when it is not one.</summary>
    public static string? ErrorType(ReadOnlySpan<byte> json)
    {
        try
        {
            var reader = new Utf8JsonReader(json);
            string? type = null;
            var isEnvelope = false;
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("type"u8))
                {
                    reader.Read();
                    isEnvelope = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("error"u8);
                }
                else if (reader.ValueTextEquals("error"u8))
                {
                    reader.Read();
                    if (reader.TokenType == JsonTokenType.StartObject && reader.Within("type"u8))
                        type = Text(ref reader);
                    SkipRest(ref reader);
                }
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }
            return isEnvelope ? type : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static void ReadMessage(ref Utf8JsonReader reader, AnswerFacts facts, ref Slice modelToken, ref Slice content)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("id"u8))
            {
                reader.Read();
                facts.Id = Text(ref reader);
            }
            else if (reader.ValueTextEquals("model"u8))
            {
                reader.Read();
                facts.Model = Text(ref reader);
                modelToken = new Slice((int)reader.TokenStartIndex, (int)(reader.BytesConsumed - reader.TokenStartIndex));
            }
            else if (reader.ValueTextEquals("stop_reason"u8))
            {
                reader.Read();
                facts.StopReason = Text(ref reader);
            }
            else if (reader.ValueTextEquals("usage"u8))
            {
                reader.Read();
                ReadUsage(ref reader, facts.Usage ??= new AnswerUsage());
            }
            else if (reader.ValueTextEquals("content"u8))
            {
                reader.Read();
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                content = new Slice(start, (int)reader.BytesConsumed - start);
                continue;
            }
            else
            {
                reader.Read();
            }
            reader.Skip();
        }
    }

    private static void ReadUsage(ref Utf8JsonReader reader, AnswerUsage usage)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            reader.Skip();
            return;
        }
        long? written = null;
        var split = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("input_tokens"u8))
                usage.InputTokens = Number(ref reader) ?? usage.InputTokens;
            else if (reader.ValueTextEquals("output_tokens"u8))
                usage.OutputTokens = Number(ref reader) ?? usage.OutputTokens;
            else if (reader.ValueTextEquals("cache_read_input_tokens"u8))
                usage.CacheRead = Number(ref reader) ?? usage.CacheRead;
            else if (reader.ValueTextEquals("cache_creation_input_tokens"u8))
                written = Number(ref reader) ?? written;
            else if (reader.ValueTextEquals("cache_creation"u8))
                split |= ReadCacheCreation(ref reader, usage);
            else if (reader.ValueTextEquals("server_tool_use"u8))
                ReadServerTools(ref reader, usage);
            else if (reader.ValueTextEquals("service_tier"u8))
                usage.ServiceTier = Next(ref reader) ?? usage.ServiceTier;
            else if (reader.ValueTextEquals("inference_geo"u8))
                usage.InferenceGeo = Next(ref reader) ?? usage.InferenceGeo;
            else if (reader.ValueTextEquals("speed"u8))
                usage.Speed = Next(ref reader) ?? usage.Speed;
            else if (reader.ValueTextEquals("type"u8))
                usage.IterationType = Next(ref reader);
            else if (reader.ValueTextEquals("iterations"u8))
                ReadIterations(ref reader, usage);
            else
                reader.Read();
            reader.Skip();
        }
        // Without the split by lifetime, a write counts as the default five minutes.
        if (!split && written is { } tokens && tokens != usage.CacheWrite5m + usage.CacheWrite1h)
            usage.CacheWrite5m = Math.Max(0, tokens - usage.CacheWrite1h);
    }

    private static bool ReadCacheCreation(ref Utf8JsonReader reader, AnswerUsage usage)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            return false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("ephemeral_5m_input_tokens"u8))
                usage.CacheWrite5m = Number(ref reader) ?? usage.CacheWrite5m;
            else if (reader.ValueTextEquals("ephemeral_1h_input_tokens"u8))
                usage.CacheWrite1h = Number(ref reader) ?? usage.CacheWrite1h;
            else
                reader.Read();
            reader.Skip();
        }
        return true;
    }

    private static void ReadServerTools(ref Utf8JsonReader reader, AnswerUsage usage)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            return;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (reader.ValueTextEquals("web_search_requests"u8))
                usage.WebSearchRequests = Number(ref reader) ?? usage.WebSearchRequests;
            else if (reader.ValueTextEquals("code_execution_requests"u8))
                usage.CodeExecutionRequests = Number(ref reader) ?? usage.CodeExecutionRequests;
            else
                reader.Read();
            reader.Skip();
        }
    }

    private static void ReadIterations(ref Utf8JsonReader reader, AnswerUsage usage)
    {
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
            return;
        var iterations = new List<(string?, AnswerUsage)>();
        while (reader.Read() && reader.TokenType == JsonTokenType.StartObject)
        {
            var model = reader;
            var one = new AnswerUsage();
            var name = model.Within("model"u8) ? Text(ref model) : null;
            ReadUsage(ref reader, one);
            iterations.Add((name, one));
        }
        usage.Iterations = iterations.Count > 0 ? iterations : null;
    }

    // From a value within an object to the end of that object.
    private static void SkipRest(ref Utf8JsonReader reader)
    {
        while (reader.TokenType != JsonTokenType.EndObject)
        {
            reader.Skip();
            if (!reader.Read() || reader.TokenType == JsonTokenType.EndObject)
                return;
            reader.Read();
        }
    }

    private static string? Text(ref Utf8JsonReader reader) => reader.TokenType == JsonTokenType.String ? reader.GetString() : null;

    private static string? Next(ref Utf8JsonReader reader)
    {
        reader.Read();
        return Text(ref reader);
    }

    private static long? Number(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var value) && value >= 0 ? value : null;
    }
}
