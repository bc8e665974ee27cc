using System.Buffers;
using System.Text.Json;

namespace Demarc.Simulator.Logging;

/// <summary>
/// The log over HTTP: <c>{"requests":[{number, method, target, headers:[[name,value]], body (base64), arrived, first_byte,
/// ended, status, outcome}]}</c>, moments as <c>{ticks, unix_us}</c>, outcomes as <c>pending</c>, <c>completed</c>,
/// <c>client_gone</c> or <c>cut</c>.
/// </summary>
internal static class LogJson
{
    public static ReadOnlyMemory<byte> Write(IEnumerable<LoggedRequest> requests)
    {
        var buffer = new ArrayBufferWriter<byte>(4096);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteStartArray("requests");
        foreach (var request in requests)
            Write(json, request);
        json.WriteEndArray();
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter json, LoggedRequest request)
    {
        json.WriteStartObject();
        json.WriteNumber("number", request.Number);
        json.WriteString("method", request.Method);
        json.WriteString("target", request.Target);
        json.WriteStartArray("headers");
        foreach (var (name, value) in request.Headers)
        {
            json.WriteStartArray();
            json.WriteStringValue(name);
            json.WriteStringValue(value);
            json.WriteEndArray();
        }

        json.WriteEndArray();
        json.WriteBase64String("body", request.Body);
        Write(json, "arrived", request.Arrived);
        Write(json, "first_byte", request.FirstByte);
        Write(json, "ended", request.Ended);
        if (request.Status is { } status)
            json.WriteNumber("status", status);
        else
            json.WriteNull("status");
        json.WriteString("outcome", JsonNamingPolicy.SnakeCaseLower.ConvertName(request.Outcome.ToString()));
        json.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter json, string name, Moment? moment)
    {
        if (moment is not { } at)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("ticks", at.Ticks);
        json.WriteNumber("unix_us", at.UnixMicros);
        json.WriteEndObject();
    }
}
