using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Demarc.Control.AdminApi;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Governance.Spend;
using Demarc.Governance.Wire;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Compliance;

/// <summary>Activities on the wire: <c>{id, created_at, organization_id, organization_uuid, actor, type}</c> and what the type adds.</summary>
internal static class ActivityJson
{
    // Every answer is application/json: names and messages stand as they are.
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] Numbers = ["status", "status_code"];
    private static readonly string[] Lists = ["member_ids"];
    private static readonly string[] Common = ["id", "created_at", "organization_id", "organization_uuid", "actor", "type", "session_id"];

    /// <summary>An activity with its records read.</summary>
    public sealed record Read(Activity Activity, EventRecord? Event, BegunRecord? Begun, FinishedRecord? Finished)
    {
        /// <summary>The id of the data path that answered, or was asked first; null for an event.</summary>
        public string? Boundary => Finished?.Boundary ?? Begun?.Attempt.Boundary;
    }

    public static Read Of(Activity activity)
    {
        var isRequest = activity.Type is "demarc_inference" or "demarc_token_count";
        return new Read(
            activity,
            isRequest ? null : Event(activity),
            isRequest && activity.Begun is not null ? JsonSerializer.Deserialize(activity.Begun, RecordJson.Default.BegunRecord) : null,
            isRequest ? JsonSerializer.Deserialize(activity.Body, RecordJson.Default.FinishedRecord) : null);
    }

    // Of a record that cannot be read nothing is known but that it is there.
    private static EventRecord Event(Activity activity) => activity.Type == "demarc_record_unreadable"
        ? new EventRecord { Type = activity.Type, Actor = new ActorRecord("system", "") }
        : JsonSerializer.Deserialize(activity.Body, RecordJson.Default.EventRecord)!;

    /// <param name="paths">Data paths by id, as JSON.</param>
    public static byte[] Page(string organizationId, Read[] activities, bool hasMore, IReadOnlyDictionary<string, byte[]> paths)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, Options))
        {
            json.WriteStartObject();
            json.WriteStartArray("data");
            foreach (var activity in activities)
                Write(json, organizationId, activity, paths);
            json.WriteEndArray();
            json.WriteBoolean("has_more", hasMore);
            json.WriteString("first_id", activities.Length > 0 ? Id(activities[0].Activity) : null);
            json.WriteString("last_id", activities.Length > 0 ? Id(activities[^1].Activity) : null);
            json.WriteEndObject();
        }
        return output.ToArray();
    }

    /// <summary><c>activity_…</c>.</summary>
    public static string Id(Activity activity) => Ids.From(Ids.Activity, new Guid(activity.RequestId, bigEndian: true));

    /// <summary>Writes one activity.</summary>
    public static void Write(Utf8JsonWriter json, string organizationId, Read read, IReadOnlyDictionary<string, byte[]> paths)
    {
        var (activity, e, begun, _) = read;
        json.WriteStartObject();
        json.WriteString("id", Id(activity));
        json.WriteString("created_at", Rfc3339.Text(activity.At));
        json.WriteString("organization_id", organizationId);
        json.WriteString("organization_uuid", OrganizationUuid.Of(organizationId));
        json.WritePropertyName("actor");
        ActorJson.Write(json, e?.Actor ?? begun?.Actor);
        json.WriteString("type", activity.Type);
        if (e is not null)
            Fields(json, activity, e);
        else
        {
            Inference(json, activity, begun, read.Finished!);
            json.WriteString("boundary", read.Boundary);
            if (read.Boundary is { } boundary && paths.TryGetValue(boundary, out var path))
            {
                json.WritePropertyName("data_path");
                json.WriteRawValue(path, skipInputValidation: true);
            }
        }
        json.WriteEndObject();
    }

    private static void Fields(Utf8JsonWriter json, Activity activity, EventRecord e)
    {
        if (activity.SessionId is not null)
            json.WriteString("session_id", activity.SessionId);
        foreach (var (name, value) in e.Fields)
        {
            if (Array.IndexOf(Common, name) >= 0 && (name != "session_id" || activity.SessionId is not null))
                continue;
            if (Array.IndexOf(Numbers, name) >= 0 && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                json.WriteNumber(name, number);
            else if (Array.IndexOf(Lists, name) >= 0)
                json.WriteStrings(name, value?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? []);
            else
                json.WriteString(name, value);
        }
    }

    // What was asked of whom, where it ran and what it cost. Never content.
    private static void Inference(Utf8JsonWriter json, Activity activity, BegunRecord? begun, FinishedRecord finished)
    {
        json.WriteString("request_id", finished.Id);
        json.WriteString("session_id", activity.SessionId);
        Result(json, finished);
        if (begun is not null)
            Begun(json, begun, finished.AnsweredBy ?? begun.Attempt);
        json.WriteString("model_served", finished.ModelServed);
        json.WriteNumber("attempt", finished.Attempt);
        Usage(json, finished);
        Provider(json, finished.Provider ?? new ProviderRecord());
        json.WriteNumber("latency_us", finished.LatencyUs);
        json.WriteNumber("first_byte_us", finished.FirstByteUs);
        json.WriteNumber("response_bytes", finished.ResponseBytes);
    }

    /// <summary>Writes how a request ended: <c>result</c>, <c>status</c>, <c>error_type</c>, <c>stop_reason</c>.</summary>
    public static void Result(Utf8JsonWriter json, FinishedRecord finished)
    {
        json.WriteString("result", finished.Result);
        json.WriteNumber("status", finished.Status);
        json.WriteString("error_type", finished.ErrorType);
        json.WriteString("stop_reason", finished.StopReason);
    }

    private static void Begun(Utf8JsonWriter json, BegunRecord begun, AttemptRecord answered)
    {
        json.WriteString("workspace_id", begun.WorkspaceId);
        json.WriteString("claude_project_id", begun.ProjectId);
        json.WriteString("client_session_id", begun.ClientSession);
        json.WriteString("agent_id", begun.Agent);
        json.WriteString("parent_agent_id", begun.ParentAgent);
        json.WriteString("prompt_id", begun.PromptId);
        json.WriteString("request_class", begun.RequestClass);
        json.WriteString("product_surface", begun.Surface);
        json.WriteString("dialect", begun.Dialect);
        json.WriteBoolean("stream", begun.Stream);
        json.WriteString("model_asked", begun.ModelAsked);
        json.WriteString("resource", answered.Resource);
        json.WriteString("deployment", answered.Deployment);
        json.WriteString("deployment_model", answered.Model);
        json.WriteString("platform", answered.Platform);
        json.WriteString("hosting", answered.Hosting);
        json.WriteString("scope", answered.Scope);
        json.WriteString("region", answered.Region);
        json.WriteStrings("plan", begun.Plan);
        json.WriteStrings("splices", begun.Splices);
        json.WriteString("betas", begun.Betas);
        json.WriteString("capture", begun.Capture);
        json.WriteNumber("request_bytes", begun.RequestBytes);
        json.WriteStartObject("receipt");
        json.WriteString("policy", begun.Receipt.Policy);
        json.WriteString("catalog", begun.Receipt.Catalog);
        json.WriteString("configuration", begun.Receipt.Configuration);
        json.WriteEndObject();
    }

    public static void Usage(Utf8JsonWriter json, FinishedRecord finished)
    {
        if (finished.Usage is { } usage)
        {
            json.WriteStartObject("usage");
            json.WriteNumber("input_tokens", usage.InputTokens);
            json.WriteNumber("output_tokens", usage.OutputTokens);
            json.WriteNumber("cache_read_input_tokens", usage.CacheRead);
            json.WriteNumber("cache_creation_5m_input_tokens", usage.CacheWrite5m);
            json.WriteNumber("cache_creation_1h_input_tokens", usage.CacheWrite1h);
            json.WriteNumber("web_search_requests", usage.WebSearchRequests);
            json.WriteEndObject();
        }
        else
            json.WriteNull("usage");
        json.WriteNumber("cost_nano_usd", finished.CostNanoUsd);
        json.WriteString("cost_usd", NanoDollars.Format(finished.CostNanoUsd).Replace("$", "", StringComparison.Ordinal));
        json.WriteString("price_source", finished.PriceSource);
        json.WriteBoolean("incomplete", finished.Incomplete);
    }

    public static void Provider(Utf8JsonWriter json, ProviderRecord provider)
    {
        json.WriteString("provider_request_id", provider.RequestId);
        json.WriteString("provider_apim_request_id", provider.ApimRequestId);
        json.WriteString("provider_message_id", provider.MessageId);
        json.WriteString("provider_inference_geo", provider.InferenceGeo);
        json.WriteString("provider_service_tier", provider.ServiceTier);
    }
}
