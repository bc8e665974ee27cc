using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace Demarc.Simulator.Platforms;

/// <summary>
/// The models listed by <c>GET /v1/models</c> and as Bedrock inference profiles. Messages are answered for any model name,
/// since deployments are named freely.
/// </summary>
internal static class ServedModels
{
    // The epoch stands for an unknown release date (page "List Models").
    private const string Created = "1970-01-01T00:00:00Z";

    private static readonly (string Id, string Name)[] s_models =
    [
        ("claude-opus-5-5", "Claude Opus 5.5"),
        ("claude-opus-5", "Claude Opus 5"),
        ("claude-sonnet-5", "Claude Sonnet 5"),
        ("claude-opus-4-8", "Claude Opus 4.8"),
        ("claude-opus-4-7", "Claude Opus 4.7"),
        ("claude-sonnet-4-6", "Claude Sonnet 4.6"),
        ("claude-opus-4-6", "Claude Opus 4.6"),
        ("claude-haiku-4-5-20251001", "Claude Haiku 4.5"),
        ("claude-sonnet-4-5-20250929", "Claude Sonnet 4.5"),
    ];

    /// <summary>One page, newest first, by <c>limit</c>, <c>after_id</c> and <c>before_id</c> (page "List Models").</summary>
    public static byte[] List(IQueryCollection query)
    {
        var limit = int.TryParse(query["limit"], out var asked) ? Math.Clamp(asked, 1, 1000) : 20;
        var after = Array.FindIndex(s_models, model => model.Id == query["after_id"]);
        var before = Array.FindIndex(s_models, model => model.Id == query["before_id"]);
        var end = before < 0 ? s_models.Length : before;
        var start = before < 0 ? after + 1 : Math.Max(0, before - limit);
        var page = s_models[start..Math.Min(end, start + limit)];

        return Json(json =>
        {
            json.WriteStartArray("data");
            foreach (var model in page)
            {
                json.WriteStartObject();
                WriteModel(json, model);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteString("first_id", page.Length == 0 ? null : page[0].Id);
            json.WriteBoolean("has_more", before < 0 ? start + page.Length < s_models.Length : start > 0);
            json.WriteString("last_id", page.Length == 0 ? null : page[^1].Id);
        });
    }

    /// <summary>Null for a model that is not listed.</summary>
    public static byte[]? Find(string id)
    {
        var at = Array.FindIndex(s_models, model => model.Id == id);
        return at < 0 ? null : Json(json => WriteModel(json, s_models[at]));
    }

    /// <summary>Bedrock's ListInferenceProfiles.</summary>
    public static byte[] Profiles() => Json(json =>
    {
        json.WriteStartArray("inferenceProfileSummaries");
        foreach (var model in s_models)
        {
            json.WriteStartObject();
            WriteProfile(json, model);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    });

    /// <summary>Bedrock's GetInferenceProfile, by id or by ARN; null for a profile that is not listed.</summary>
    public static byte[]? FindProfile(string id)
    {
        var at = Array.FindIndex(s_models, model => id == ProfileId(model.Id) || id == ProfileArn(model.Id));
        return at < 0 ? null : Json(json => WriteProfile(json, s_models[at]));
    }

    private static string ProfileId(string model) => $"us.{BedrockId(model)}";

    private static string ProfileArn(string model) => $"arn:aws:bedrock:us-east-1:000000000000:inference-profile/{ProfileId(model)}";

    // Dated models carry a version suffix on Bedrock; dateless ones do not (page "Models overview").
    private static string BedrockId(string model) => model.Contains("-20", StringComparison.Ordinal) ? $"anthropic.{model}-v1:0" : $"anthropic.{model}";

    private static void WriteModel(Utf8JsonWriter json, (string Id, string Name) model)
    {
        json.WriteString("type", "model");
        json.WriteString("id", model.Id);
        json.WriteString("display_name", model.Name);
        json.WriteString("created_at", Created);
    }

    private static void WriteProfile(Utf8JsonWriter json, (string Id, string Name) model)
    {
        json.WriteString("inferenceProfileId", ProfileId(model.Id));
        json.WriteString("inferenceProfileArn", ProfileArn(model.Id));
        json.WriteString("inferenceProfileName", $"US {model.Name}");
        json.WriteString("type", "SYSTEM_DEFINED");
        json.WriteString("status", "ACTIVE");
        json.WriteString("createdAt", Created);
        json.WriteString("updatedAt", Created);
        json.WriteStartArray("models");
        foreach (var region in (ReadOnlySpan<string>)["us-east-1", "us-west-2"])
        {
            json.WriteStartObject();
            json.WriteString("modelArn", $"arn:aws:bedrock:{region}::foundation-model/{BedrockId(model.Id)}");
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static byte[] Json(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        write(json);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }
}
