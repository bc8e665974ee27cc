using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Demarc.Governance.Evidence;

/// <summary>
/// Puts a streamed answer's content together from its events, as the JSON array a whole answer would have carried.
/// Bounded: what passes the bound is left out and <see cref="Truncated"/> says so.
/// </summary>
/// <param name="thinking">Thinking is put together too, where policy has it captured.</param>
public sealed class AnswerContent(int maxBytes, bool thinking = false)
{
    private static readonly JsonSerializerOptions Plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private const string Text = """{"type":"text","text":""}""";
    private const string ToolUse = """{"type":"tool_use","input":{}}""";
    private const string Thinking = """{"type":"thinking","thinking":""}""";

    private readonly List<Block> _blocks = [];
    private int _bytes;

    /// <summary>The bound of one answer's captured content: 4 MiB.</summary>
    public const int DefaultMaxBytes = 4 << 20;

    public bool Truncated { get; private set; }

    /// <summary>Bytes of visible output seen so far: the floor from which a broken stream is settled.</summary>
    public long VisibleBytes { get; private set; }

    /// <summary>The data of a <c>content_block_start</c> event.</summary>
    public void Start(ReadOnlySpan<byte> data)
    {
        try
        {
            using var document = JsonDocument.Parse(Readable(data));
            if (!document.RootElement.TryGetProperty("content_block", out var block) || block.ValueKind != JsonValueKind.Object)
                return;
            var index = document.RootElement.TryGetProperty("index", out var i) && i.ValueKind == JsonValueKind.Number && i.TryGetInt32(out var n) ? n : _blocks.Count;
            _blocks.Add(new Block(index, block));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            Truncated = true;
        }
    }

    /// <summary>The data of a <c>content_block_delta</c> event.</summary>
    public void Delta(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new Utf8JsonReader(data);
            var index = -1;
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var isIndex = reader.ValueTextEquals("index"u8);
                var isDelta = reader.ValueTextEquals("delta"u8);
                reader.Read();
                if (isIndex && reader.TryGetInt32(out var n))
                    index = n;
                else if (isDelta && reader.TokenType == JsonTokenType.StartObject)
                    Append(ref reader, index);
                else
                    reader.Skip();
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            Truncated = true;
        }
    }

    /// <summary>The content so far, a JSON array.</summary>
    public byte[] ToJson()
    {
        var output = new ArrayBufferWriter<byte>(Math.Max(256, _bytes * 2));
        using var json = new Utf8JsonWriter(output, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true });
        json.WriteStartArray();
        foreach (var block in _blocks)
            block.Write(json, thinking);
        json.WriteEndArray();
        json.Flush();
        return output.WrittenSpan.ToArray();
    }

    private void Append(ref Utf8JsonReader reader, int index)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isText = reader.ValueTextEquals("text"u8);
            var isJson = reader.ValueTextEquals("partial_json"u8);
            var isThinking = reader.ValueTextEquals("thinking"u8);
            reader.Read();
            if (isText || isJson || isThinking)
                VisibleBytes += reader.ValueSpan.Length;
            if ((isText || isJson || (isThinking && thinking)) && reader.TokenType == JsonTokenType.String)
            {
                if (_bytes + reader.ValueSpan.Length > maxBytes)
                    Truncated = true;
                else
                    _bytes += (Find(index) ?? Unstarted(index, isText ? Text : isJson ? ToolUse : Thinking)).Append(ref reader);
            }
            reader.Skip();
        }
    }

    // What no start said anything of is kept as what it looks like.
    private Block Unstarted(int index, string start)
    {
        Truncated = true;
        var block = new Block(index, JsonElement.Parse(start));
        _blocks.Add(block);
        return block;
    }

    // Bytes that are no UTF-8 would be refused when the content is written.
    private byte[] Readable(ReadOnlySpan<byte> data)
    {
        if (System.Text.Unicode.Utf8.IsValid(data))
            return data.ToArray();
        Truncated = true;
        return Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(data));
    }

    private Block? Find(int index)
    {
        for (var i = _blocks.Count - 1; i >= 0; i--)
        {
            if (_blocks[i].Index == index)
                return _blocks[i];
        }
        return null;
    }

    private sealed class Block
    {
        private readonly ArrayBufferWriter<byte> _text = new(256);
        private readonly (string Name, string Raw)[] _fields;
        private readonly bool _isThinking;

        /// <exception cref="InvalidOperationException">A name or the type is half of a surrogate pair, which is no text.</exception>
        public Block(int index, JsonElement start)
        {
            Index = index;
            // Values as they came: what is written anew would have to be text.
            _fields = [.. start.EnumerateObject().Select(field => (field.Name, field.ToString()))];
            _isThinking = start.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String && type.GetString() is "thinking" or "redacted_thinking";
        }

        public int Index { get; }

        public int Append(ref Utf8JsonReader reader)
        {
            var length = reader.CopyString(_text.GetSpan(reader.ValueSpan.Length));
            _text.Advance(length);
            return length;
        }

        // The start's own fields in their order, with what the deltas brought in place of text or input.
        public void Write(Utf8JsonWriter json, bool thinking)
        {
            if (_isThinking && !thinking)
                return;
            json.WriteStartObject();
            foreach (var (name, raw) in _fields)
            {
                if (_text.WrittenCount > 0 && name is "text" or "thinking")
                    json.WriteString(name, _text.WrittenSpan);
                else if (_text.WrittenCount > 0 && name == "input")
                    WriteInput(json);
                else
                    json.WriteRawValue(raw, skipInputValidation: true);
            }
            json.WriteEndObject();
        }

        // An input cut short is not JSON, and one with half of a surrogate pair cannot be written anew; each is kept as the string it is.
        private void WriteInput(Utf8JsonWriter json)
        {
            json.WritePropertyName("input");
            try
            {
                using var input = JsonDocument.Parse(_text.WrittenMemory);
                json.WriteRawValue(JsonSerializer.SerializeToUtf8Bytes(input.RootElement, Plain), skipInputValidation: true);
            }
            catch (Exception e) when (e is JsonException or InvalidOperationException or ArgumentException)
            {
                json.WriteStringValue(Encoding.UTF8.GetString(_text.WrittenSpan));
            }
        }
    }
}
