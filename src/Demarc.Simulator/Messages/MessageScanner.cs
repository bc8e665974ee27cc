using System.Text.Json;

namespace Demarc.Simulator.Messages;

/// <summary>Reads a Messages body once, without building objects. Unknown fields, roles and blocks pass.</summary>
internal ref struct MessageScanner
{
    private const int MessageField = 3;
    private const int BlockField = 5;

    private Utf8JsonReader _json;
    private MessageFacts _facts;
    private int _toolsBytes, _systemBytes;
    private int _toolsBreak, _systemBreak, _messagesBreak;

    private MessageScanner(ReadOnlySpan<byte> body) => _json = new Utf8JsonReader(body);

    /// <summary>Throws <see cref="JsonException"/> when the body is not one JSON object.</summary>
    public static MessageFacts Scan(ReadOnlySpan<byte> body)
    {
        var scanner = new MessageScanner(body);
        scanner.ReadRoot();
        return scanner._facts;
    }

    private void ReadRoot()
    {
        _json.Read();
        if (_json.TokenType != JsonTokenType.StartObject)
            throw new JsonException("the body is not a JSON object");
        while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
            ReadField();
        while (_json.Read()) // anything after the object is an error that the reader throws
        {
        }

        // A prompt is laid out as tools, system, messages, whatever the body's order.
        _facts.CacheableBytes = _messagesBreak > 0 ? _toolsBytes + _systemBytes + _messagesBreak
            : _systemBreak > 0 ? _toolsBytes + _systemBreak
            : _toolsBreak;
    }

    private void ReadField()
    {
        if (_json.ValueTextEquals("model"u8))
        {
            _facts.HasModel = true;
            _facts.Model = StringValue();
        }
        else if (_json.ValueTextEquals("messages"u8))
        {
            _facts.HasMessages = true;
            ReadMessages();
        }
        else if (_json.ValueTextEquals("stream"u8))
        {
            _json.Read();
            _facts.HasStream = true;
            _facts.Stream = _json.TokenType == JsonTokenType.True;
            _json.Skip();
        }
        else if (_json.ValueTextEquals("max_tokens"u8))
        {
            _json.Read();
            if (_json.TokenType == JsonTokenType.Number && _json.TryGetInt64(out var maxTokens))
                _facts.MaxTokens = maxTokens;
            _json.Skip();
        }
        else if (_json.ValueTextEquals("system"u8))
        {
            _facts.System = ReadList(ref _systemBreak);
            _systemBytes = Length(_facts.System);
        }
        else if (_json.ValueTextEquals("tools"u8))
        {
            _facts.Tools = ReadList(ref _toolsBreak);
            _toolsBytes = Length(_facts.Tools);
        }
        else if (_json.ValueTextEquals("thinking"u8))
            ReadThinking();
        else if (_json.ValueTextEquals("inference_geo"u8))
            _facts.InferenceGeo = StringValue();
        else if (_json.ValueTextEquals("output_config"u8) || _json.ValueTextEquals("output_format"u8))
            ReadOutput();
        else
        {
            _facts.HasVersion |= _json.ValueTextEquals("anthropic_version"u8);
            _facts.HasBetas |= _json.ValueTextEquals("anthropic_beta"u8);
            _json.Skip();
        }
    }

    /// <summary>Reads tools or system, which both are lists of objects that may carry a name and a breakpoint.</summary>
    private Range ReadList(ref int lastBreak)
    {
        _json.Read();
        var start = (int)_json.TokenStartIndex;
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            _json.Skip();
            return start..(int)_json.BytesConsumed;
        }

        while (_json.Read() && !(_json.TokenType == JsonTokenType.EndArray && _json.CurrentDepth == 1))
        {
            if (_json.TokenType != JsonTokenType.PropertyName || _json.CurrentDepth != MessageField)
                continue;
            if (_json.ValueTextEquals("cache_control"u8))
                ReadBreakpoint(start, ref lastBreak);
            else if (_json.ValueTextEquals("name"u8))
            {
                _json.Read();
                _facts.HasBash |= _json.TokenType == JsonTokenType.String && _json.ValueTextEquals("Bash"u8);
                _json.Skip();
            }
            else
                _json.Skip();
        }

        return start..(int)_json.BytesConsumed;
    }

    private void ReadMessages()
    {
        _json.Read();
        var start = (int)_json.TokenStartIndex;
        if (_json.TokenType != JsonTokenType.StartArray)
        {
            _json.Skip();
            return;
        }

        var message = default(Message);
        while (_json.Read() && !(_json.TokenType == JsonTokenType.EndArray && _json.CurrentDepth == 1))
        {
            if (_json.TokenType == JsonTokenType.StartObject && _json.CurrentDepth == 2)
                message = default;
            else if (_json.TokenType == JsonTokenType.EndObject && _json.CurrentDepth == 2)
                Conclude(message);
            else if (_json.TokenType == JsonTokenType.PropertyName && _json.CurrentDepth == MessageField)
                ReadMessageField(ref message);
            else if (_json.TokenType == JsonTokenType.PropertyName && _json.CurrentDepth == BlockField)
                ReadBlockField(ref message, start);
        }
    }

    private void ReadMessageField(ref Message message)
    {
        if (_json.ValueTextEquals("role"u8))
        {
            _json.Read();
            message.IsUser = _json.TokenType == JsonTokenType.String && _json.ValueTextEquals("user"u8);
            message.IsSystem = _json.TokenType == JsonTokenType.String && _json.ValueTextEquals("system"u8);
            _json.Skip();
        }
        else if (_json.ValueTextEquals("content"u8))
        {
            _json.Read();
            if (_json.TokenType == JsonTokenType.String)
                message.Text = Inside();
        }
        else
            _json.Skip();
    }

    private void ReadBlockField(ref Message message, int start)
    {
        if (_json.ValueTextEquals("text"u8))
        {
            _json.Read();
            if (_json.TokenType == JsonTokenType.String)
                message.Text = Inside();
            _json.Skip();
        }
        else if (_json.ValueTextEquals("tool_use_id"u8))
        {
            message.HasToolResult = true;
            _json.Skip();
        }
        else if (_json.ValueTextEquals("content"u8))
        {
            _json.Read();
            var from = (int)_json.TokenStartIndex;
            _json.Skip();
            message.ToolResult = from..(int)_json.BytesConsumed;
        }
        else if (_json.ValueTextEquals("cache_control"u8))
            ReadBreakpoint(start, ref _messagesBreak);
        else
            _json.Skip();
    }

    private void Conclude(in Message message)
    {
        if (message.IsSystem)
            return;
        _facts.EndsWithToolResult = message.IsUser && message.HasToolResult;
        _facts.ToolResult = message.ToolResult;
        if (message.IsUser)
        {
            _facts.UserText = message.Text;
            if (_facts.Opening.Equals(default))
                _facts.Opening = message.Text;
        }
    }

    /// <summary>Notes the offset after a <c>cache_control</c>; one that is <c>null</c> is no breakpoint.</summary>
    private void ReadBreakpoint(int start, ref int last)
    {
        if (!TryEnter(out var depth))
            return;
        while (_json.Read() && _json.CurrentDepth > depth)
        {
            if (_json.TokenType == JsonTokenType.String)
                _facts.CacheOneHour |= _json.ValueTextEquals("1h"u8);
        }

        last = (int)_json.BytesConsumed - start;
    }

    private void ReadThinking()
    {
        if (!TryEnter(out var depth))
            return;
        while (_json.Read() && _json.CurrentDepth > depth)
        {
            if (_json.TokenType != JsonTokenType.String)
                continue;
            _facts.Thinking |= _json.ValueTextEquals("enabled"u8) || _json.ValueTextEquals("adaptive"u8);
            _facts.ThinkingOmitted |= _json.ValueTextEquals("omitted"u8);
        }
    }

    private void ReadOutput()
    {
        if (!TryEnter(out var depth))
            return;
        while (_json.Read() && _json.CurrentDepth > depth)
        {
            if (_json.TokenType != JsonTokenType.PropertyName || !_json.ValueTextEquals("schema"u8))
                continue;
            _json.Read();
            var from = (int)_json.TokenStartIndex;
            _json.Skip();
            _facts.Schema = from..(int)_json.BytesConsumed;
        }
    }

    /// <summary>False for a value that is no object, which is passed over then.</summary>
    /// <param name="depth">Of the object; what is deeper is within.</param>
    private bool TryEnter(out int depth)
    {
        _json.Read();
        depth = _json.CurrentDepth;
        if (_json.TokenType == JsonTokenType.StartObject)
            return true;
        _json.Skip();
        return false;
    }

    private Range StringValue()
    {
        _json.Read();
        var range = _json.TokenType == JsonTokenType.String ? Inside() : default;
        _json.Skip();
        return range;
    }

    /// <summary>The current string without its quotes.</summary>
    private readonly Range Inside() => ((int)_json.TokenStartIndex + 1)..((int)_json.BytesConsumed - 1);

    private static int Length(Range range) => range.End.Value - range.Start.Value;

    private struct Message
    {
        public bool IsUser, IsSystem, HasToolResult;
        public Range Text, ToolResult;
    }
}
