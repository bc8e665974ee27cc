using System.Buffers;
using System.Security.Cryptography;
using System.Text.Json;

namespace Demarc.Governance.Evidence;

/// <summary>
/// Names a message by its canonical form, under a key: tokens without white space, strings
/// unescaped, a text given as a string as one text block; without what clients and providers add and move between
/// turns (<c>cache_control</c>, citations, caller) and without thinking, which clients may drop.
/// </summary>
public static class MessageIdentity
{
    // Longer ones are the collector's.
    private const int MaxKept = 256 << 10;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_canonical;

    /// <summary>The identity of one JSON value under a session's key: a message, or the value of <c>system</c>. Bytes that are not JSON count as they are.</summary>
    public static UInt128 Of(ContentKey key, ReadOnlySpan<byte> json) => key.Identify(Canonical(json).WrittenSpan);

    /// <summary>The identity of an answer's content (a JSON array), as the message that it becomes in the client's history.</summary>
    public static UInt128 OfAnswer(ContentKey key, ReadOnlySpan<byte> content) => Of(key, [.. "{\"role\":\"assistant\",\"content\":"u8, .. content, (byte)'}']);

    /// <summary>The same under a key that is not a session's.</summary>
    public static UInt128 Of(ReadOnlySpan<byte> key, ReadOnlySpan<byte> json)
    {
        Span<byte> mac = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key, Canonical(json).WrittenSpan, mac);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(mac);
    }

    // The thread's own until the next one.
    private static ArrayBufferWriter<byte> Canonical(ReadOnlySpan<byte> json)
    {
        var canonical = t_canonical is { Capacity: <= MaxKept } kept ? kept : t_canonical = new ArrayBufferWriter<byte>(json.Length + 16);
        canonical.ResetWrittenCount();
        try
        {
            var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = Wire.RequestScanner.MaxDepth + 8 });
            reader.Read();
            Value(ref reader, canonical, isContent: reader.TokenType == JsonTokenType.String);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            canonical.ResetWrittenCount();
            canonical.Write(json);
        }
        return canonical;
    }

    private static void Value(ref Utf8JsonReader reader, ArrayBufferWriter<byte> output, bool isContent)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String when isContent:
                output.Write("[{type:text"u8);
                Mark(output, 't');
                Text(ref reader, output);
                output.Write("}]"u8);
                break;
            case JsonTokenType.String:
                Text(ref reader, output);
                break;
            case JsonTokenType.StartArray:
                Mark(output, '[');
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                    Element(ref reader, output);
                Mark(output, ']');
                break;
            case JsonTokenType.StartObject:
                Object(ref reader, output);
                break;
            default:
                Mark(output, 'v');
                output.Write(reader.ValueSpan);
                break;
        }
    }

    private static void Element(ref Utf8JsonReader reader, ArrayBufferWriter<byte> output)
    {
        var before = output.WrittenCount;
        if (reader.TokenType != JsonTokenType.StartObject)
        {
            Value(ref reader, output, isContent: false);
            return;
        }
        var look = reader;
        if (IsThinking(ref look))
            reader.Skip();
        else if (IsPlainText(reader, out var text))
        {
            output.Write("{type:text"u8);
            Mark(output, 't');
            Text(ref text, output);
            output.Write("}"u8);
            reader.Skip();
        }
        else
            Value(ref reader, output, isContent: false);
    }

    private static void Object(ref Utf8JsonReader reader, ArrayBufferWriter<byte> output)
    {
        Mark(output, '{');
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isContent = reader.ValueTextEquals("content"u8);
            var passedOver = reader.ValueTextEquals("cache_control"u8) || reader.ValueTextEquals("citations"u8) || reader.ValueTextEquals("caller"u8);
            if (!passedOver)
                Text(ref reader, output);
            reader.Read();
            if (passedOver)
                reader.Skip();
            else
                Value(ref reader, output, isContent);
        }
        Mark(output, '}');
    }

    private static bool IsThinking(ref Utf8JsonReader reader)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            reader.Read();
            if (isType)
                return reader.TokenType == JsonTokenType.String && (reader.ValueTextEquals("thinking"u8) || reader.ValueTextEquals("redacted_thinking"u8));
            reader.Skip();
        }
        return false;
    }

    // A text block whatever the order of its keys; text stands at the string.
    private static bool IsPlainText(Utf8JsonReader reader, out Utf8JsonReader text)
    {
        text = default;
        bool isText = false, hasText = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isTextField = reader.ValueTextEquals("text"u8);
            reader.Read();
            if (isType)
                isText = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("text"u8);
            else if (isTextField && reader.TokenType == JsonTokenType.String)
            {
                text = reader;
                hasText = true;
            }
            reader.Skip();
        }
        return isText && hasText;
    }

    private static void Text(ref Utf8JsonReader reader, ArrayBufferWriter<byte> output)
    {
        Mark(output, '"');
        if (!reader.ValueIsEscaped)
            output.Write(reader.ValueSpan);
        else
            output.Advance(reader.CopyString(output.GetSpan(reader.ValueSpan.Length)));
        // 0xFF occurs in no UTF-8 text: it ends every string unmistakably.
        Mark(output, '\xff');
    }

    private static void Mark(ArrayBufferWriter<byte> output, char mark)
    {
        output.GetSpan(1)[0] = (byte)mark;
        output.Advance(1);
    }
}
