using System.Text.Json;
using Demarc.Governance.Wire;

namespace Demarc.Governance.Evidence;

/// <summary>
/// Finds what a message carries beside text: the base64 of images, documents and the like, wherever it stands as the <c>data</c>
/// of a <c>source</c> of type <c>base64</c>, in tool results too.
/// </summary>
internal static class AttachmentScan
{
    /// <summary>The strings, without their quotes, in the order in which they stand; empty for what cannot be read.</summary>
    public static List<Slice> Of(ReadOnlySpan<byte> message)
    {
        var found = new List<Slice>();
        // Nearly every message: it has none.
        if (message.IndexOf("\"base64\""u8) < 0)
            return found;
        try
        {
            var reader = new Utf8JsonReader(message, new JsonReaderOptions { MaxDepth = RequestScanner.MaxDepth + 8 });
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueTextEquals("source"u8) && reader.Read() && reader.TokenType == JsonTokenType.StartObject)
                    Source(ref reader, found);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            found.Clear();
        }
        return found;
    }

    private static void Source(ref Utf8JsonReader reader, List<Slice> found)
    {
        var (isBase64, data) = (false, default(Slice));
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var (isType, isData) = (reader.ValueTextEquals("type"u8), reader.ValueTextEquals("data"u8));
            reader.Read();
            if (isType)
                isBase64 = reader.TokenType == JsonTokenType.String && reader.ValueTextEquals("base64"u8);
            else if (isData && reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped)
                data = new Slice((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
            reader.Skip();
        }
        if (isBase64 && data.Length > 0)
            found.Add(data);
    }
}
