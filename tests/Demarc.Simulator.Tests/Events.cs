using System.Net.ServerSentEvents;
using System.Text;
using System.Text.Json;

namespace Demarc.Simulator.Tests;

/// <summary>Reads streams with the framework's own parser and puts a message back together.</summary>
internal static class Events
{
    public static async Task<List<JsonElement>> ReadAsync(HttpResponseMessage response)
    {
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return Parse(await response.Content.ReadAsByteArrayAsync(Client.Cancellation));
    }

    public static List<JsonElement> Parse(byte[] bytes)
    {
        var events = new List<JsonElement>();
        foreach (var item in SseParser.Create(new MemoryStream(bytes)).Enumerate())
        {
            var json = JsonSerializer.Deserialize<JsonElement>(item.Data);
            Assert.Equal(item.EventType, TypeOf(json));
            events.Add(json);
        }

        return events;
    }

    public static string? TypeOf(JsonElement json) => json.GetProperty("type").GetString();

    public static IEnumerable<string?> Types(IEnumerable<JsonElement> events) => events.Select(TypeOf);

    /// <summary>Joins the deltas of each content block, by index.</summary>
    public static SortedDictionary<int, string> Deltas(IEnumerable<JsonElement> events, string deltaType, string field)
    {
        var blocks = new SortedDictionary<int, string>();
        foreach (var delta in events.Where(item => TypeOf(item) == "content_block_delta" && TypeOf(item.GetProperty("delta")) == deltaType))
        {
            var index = delta.GetProperty("index").GetInt32();
            blocks[index] = blocks.GetValueOrDefault(index, "") + delta.GetProperty("delta").GetProperty(field).GetString();
        }

        return blocks;
    }

    public static string Text(IEnumerable<JsonElement> events) => string.Concat(Deltas(events, "text_delta", "text").Values);

    public static JsonElement Single(IEnumerable<JsonElement> events, string type) => events.Single(item => TypeOf(item) == type);

    public static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
