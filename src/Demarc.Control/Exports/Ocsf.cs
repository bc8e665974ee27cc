using System.Buffers;
using System.Text.Json;
using Demarc.Control.Compliance;
using Demarc.Governance.Evidence;

namespace Demarc.Control.Exports;

/// <summary>
/// Activities as events of the Open Cybersecurity Schema Framework, version 1.8.0 (schema.ocsf.io/1.8.0; March 2026). What the
/// schema has no place for is in <c>unmapped</c>, in the Compliance API's own shape.
/// </summary>
internal static class Ocsf
{
    public const string Version = "1.8.0";

    public static byte[] Of(ExportedActivity activity, IReadOnlyDictionary<string, byte[]> paths)
    {
        var output = new ArrayBufferWriter<byte>(2048);
        using (var json = new Utf8JsonWriter(output, ActivityJson.Options))
            Write(json, activity, OcsfClass.Of(activity.Type), paths);
        return output.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, ExportedActivity activity, OcsfClass kind, IReadOnlyDictionary<string, byte[]> paths)
    {
        json.WriteStartObject();
        json.WriteNumber("class_uid", kind.Uid);
        json.WriteString("class_name", kind.Name);
        json.WriteNumber("category_uid", kind.CategoryUid);
        json.WriteString("category_name", kind.CategoryName);
        json.WriteNumber("activity_id", kind.ActivityId);
        json.WriteString("activity_name", kind.Activity);
        json.WriteNumber("type_uid", kind.TypeUid);
        json.WriteString("type_name", $"{kind.Name}: {kind.Activity}");
        json.WriteNumber("time", activity.At);
        json.WriteNumber("severity_id", (int)activity.Severity);
        json.WriteString("severity", activity.Severity.ToString());
        json.WriteNumber("status_id", activity.IsFailure ? 2 : 1);
        json.WriteString("status", activity.IsFailure ? "Failure" : "Success");
        if (activity.Status is { } status)
            json.WriteString("status_code", status.ToString(System.Globalization.CultureInfo.InvariantCulture));
        Text(json, "status_detail", activity.Reason);
        json.WriteString("message", activity.Type);
        Metadata(json, activity);
        Actor(json, activity.Actor, kind.Uid is OcsfClass.Authentication);
        Source(json, activity.Actor);
        Request(json, activity);
        Subject(json, activity, kind);
        Model(json, activity);
        json.WritePropertyName("unmapped");
        ActivityJson.Write(json, activity.OrganizationId, activity.Read, paths);
        json.WriteEndObject();
    }

    private static void Metadata(Utf8JsonWriter json, ExportedActivity activity)
    {
        json.WriteStartObject("metadata");
        json.WriteString("version", Version);
        json.WriteString("uid", activity.Id);
        json.WriteNumber("sequence", activity.Position);
        json.WriteString("event_code", activity.Type);
        json.WriteString("log_name", "activities");
        json.WriteString("tenant_uid", activity.OrganizationId);
        Text(json, "correlation_uid", activity.SessionId);
        App(json, "product");
        if (activity.Attempt is not null)
        {
            json.WriteStartArray("profiles");
            json.WriteStringValue("ai_operation");
            json.WriteEndArray();
        }
        json.WriteEndObject();
    }

    private static void App(Utf8JsonWriter json, string name)
    {
        json.WriteStartObject(name);
        json.WriteString("name", Product.Name);
        json.WriteString("vendor_name", Product.Name);
        json.WriteString("version", Product.Version);
        json.WriteEndObject();
    }

    private static void Actor(Utf8JsonWriter json, ActorRecord? actor, bool isSubject)
    {
        json.WriteStartObject("actor");
        json.WritePropertyName("user");
        User(json, actor);
        json.WriteEndObject();
        if (isSubject)
        {
            json.WritePropertyName("user");
            User(json, actor);
            json.WriteStartObject("service");
            json.WriteString("name", Product.Name);
            json.WriteEndObject();
        }
    }

    // By user.type_id: 1 a person, 2 an administrator, 3 the system, 4 a service.
    private static void User(Utf8JsonWriter json, ActorRecord? actor)
    {
        var (id, type) = actor switch
        {
            null or { Type: "anonymous" } => (0, "Unknown"),
            { KeyKind: "admin" } => (2, "Admin"),
            { Type: "user" } => (1, "User"),
            { Type: "service_account" } => (4, "Service"),
            _ => (3, "System"),
        };
        json.WriteStartObject();
        json.WriteString("uid", actor is { Id.Length: > 0 } ? actor.Id : "unknown");
        Text(json, "name", actor?.Email ?? actor?.Id);
        Text(json, "email_addr", actor?.Email);
        Text(json, "credential_uid", actor?.KeyId);
        json.WriteNumber("type_id", id);
        json.WriteString("type", type);
        json.WriteEndObject();
    }

    private static void Source(Utf8JsonWriter json, ActorRecord? actor)
    {
        json.WriteStartObject("src_endpoint");
        if (actor?.IpAddress is { } address)
            json.WriteString("ip", address);
        else
            // What the gateway does itself, or the command line on its host, comes from no address.
            json.WriteString("name", actor is { Id.Length: > 0 } ? actor.Id : Product.Name);
        json.WriteEndObject();
    }

    private static void Request(Utf8JsonWriter json, ExportedActivity activity)
    {
        var request = activity.Finished?.Id ?? activity.Field("request_id");
        json.WriteStartObject("api");
        json.WriteString("operation", activity.Begun?.Operation ?? activity.Type);
        json.WriteStartObject("service");
        json.WriteString("name", Product.Name);
        json.WriteEndObject();
        if (request is not null)
        {
            json.WriteStartObject("request");
            json.WriteString("uid", request);
            json.WriteEndObject();
        }
        if (activity.Status is { } status)
        {
            json.WriteStartObject("response");
            json.WriteNumber("code", status);
            Text(json, "error", activity.Finished?.ErrorType);
            json.WriteEndObject();
        }
        json.WriteEndObject();
        var (agent, method, path) = (activity.Actor?.UserAgent, activity.Field("request_method") ?? activity.Field("method"), activity.Field("url") ?? activity.Field("route"));
        if (agent is null && method is null)
            return;
        json.WriteStartObject("http_request");
        Text(json, "user_agent", agent);
        Text(json, "http_method", method);
        if (path is not null)
        {
            json.WriteStartObject("url");
            json.WriteString("path", path.Split('?')[0]);
            json.WriteEndObject();
        }
        json.WriteEndObject();
    }

    // What each class requires beside the actor: whom or what it was done to.
    private static void Subject(Utf8JsonWriter json, ExportedActivity activity, OcsfClass kind)
    {
        switch (kind.Uid)
        {
            case OcsfClass.AccountChange or OcsfClass.UserAccess:
                json.WriteStartObject("user");
                json.WriteString("uid", activity.Field("user_id") ?? activity.Field("service_account_id") ?? activity.Id);
                Text(json, "email_addr", activity.Field("email") ?? activity.Field("user_email"));
                Text(json, "name", activity.Field("name"));
                json.WriteEndObject();
                break;
            case OcsfClass.GroupManagement:
                json.WriteStartObject("group");
                json.WriteString("uid", activity.Field("group_id") ?? activity.Id);
                Text(json, "name", activity.Field("group_name"));
                json.WriteEndObject();
                break;
            case OcsfClass.EntityManagement:
                json.WriteStartObject("entity");
                json.WriteString("uid", Entity(activity));
                Text(json, "name", activity.Field("name") ?? activity.Field("alias") ?? activity.Field("current_name"));
                json.WriteEndObject();
                break;
            case OcsfClass.ApplicationLifecycle:
                App(json, "app");
                break;
            default:
                Resources(json, activity);
                break;
        }
    }

    private static string Entity(ExportedActivity activity) =>
        activity.Read.Event?.Fields.FirstOrDefault(f => f.Key.EndsWith("_id", StringComparison.Ordinal) && f.Value is not null).Value ?? activity.Field("alias") ?? activity.Id;

    private static void Resources(Utf8JsonWriter json, ExportedActivity activity)
    {
        if (activity.Attempt is not { } attempt)
            return;
        json.WriteStartArray("resources");
        json.WriteStartObject();
        json.WriteString("uid", $"{attempt.Resource}/{attempt.Deployment}");
        json.WriteString("name", attempt.Deployment);
        json.WriteString("type", "deployment");
        json.WriteNumber("role_id", 1);
        json.WriteEndObject();
        json.WriteEndArray();
    }

    // Profile ai_operation. Counts of tokens, and never a prompt or an answer.
    private static void Model(Utf8JsonWriter json, ExportedActivity activity)
    {
        if (activity.Attempt is not { } attempt)
            return;
        json.WriteStartObject("ai_model");
        json.WriteString("ai_provider", attempt.Platform);
        json.WriteString("name", activity.Finished?.ModelServed ?? attempt.Model);
        json.WriteEndObject();
        if (activity.Finished?.Usage is not { } usage)
            return;
        var input = usage.InputTokens + usage.CacheRead + usage.CacheWrite5m + usage.CacheWrite1h;
        json.WriteStartObject("message_context");
        json.WriteStartObject("service");
        json.WriteString("name", Product.Name);
        json.WriteEndObject();
        json.WriteNumber("prompt_tokens", input);
        json.WriteNumber("completion_tokens", usage.OutputTokens);
        json.WriteNumber("total_tokens", input + usage.OutputTokens);
        json.WriteEndObject();
    }

    private static void Text(Utf8JsonWriter json, string name, string? value)
    {
        if (value is not null)
            json.WriteString(name, value);
    }
}
