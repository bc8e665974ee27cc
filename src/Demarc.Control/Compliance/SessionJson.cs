using System.Text.Json;
using Demarc.Control.AdminApi;
using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;

namespace Demarc.Control.Compliance;

/// <summary>Sessions and their messages on the wire ("List local sessions", "Retrieve local session messages").</summary>
internal static class SessionJson
{
    public static byte[] Object(Session session) => Write(json => Session(json, session, session.Email));

    public static byte[] Page(Session[] sessions, string? nextPage) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteStartArray("data");
        foreach (var session in sessions)
            Session(json, session, session.Email);
        json.WriteEndArray();
        json.WriteString("next_page", nextPage);
        json.WriteEndObject();
    });

    /// <param name="messages">As <see cref="Message"/> made them.</param>
    public static byte[] Messages(Session session, IReadOnlyList<byte[]> messages, string? nextPage) => Write(json =>
    {
        json.WriteStartObject();
        json.WritePropertyName("session");
        // This endpoint resolves no addresses, by contract.
        Session(json, session, null);
        json.WriteStartArray("data");
        foreach (var message in messages)
            json.WriteRawValue(message, skipInputValidation: true);
        json.WriteEndArray();
        json.WriteString("next_page", nextPage);
        json.WriteEndObject();
    });

    public static byte[] Message(TranscriptMessage message, TranscriptLimits limits) => Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("type", "compliance_local_session_message");
        json.WriteString("id", message.Id);
        json.WriteString("role", message.Role);
        json.WriteString("created_at", Rfc3339.Text(message.At));
        Provenance(json, message);
        json.WriteStartArray("content");
        foreach (var block in message.Blocks(limits))
            Block(json, block);
        json.WriteEndArray();
        json.WriteEndObject();
    });

    private static void Session(Utf8JsonWriter json, Session session, string? email)
    {
        json.WriteStartObject();
        json.WriteString("type", "compliance_local_session");
        json.WriteString("id", session.Id);
        json.WriteString("organization_uuid", OrganizationUuid.Of(session.OrganizationId));
        json.WriteString("workspace_id", session.WorkspaceId);
        // As remote sessions have it: local ones of the vendor are for no project.
        json.WriteString("claude_project_id", session.ProjectId);
        json.WriteStartObject("user");
        json.WriteString("id", session.PrincipalId);
        json.WriteString("email_address", email);
        json.WriteEndObject();
        json.WriteString("product_surface", session.Surface);
        json.WriteString("created_at", Rfc3339.Text(session.CreatedAt));
        json.WriteEndObject();
    }

    private static void Provenance(Utf8JsonWriter json, TranscriptMessage message)
    {
        if (message.Provenance == Governance.Evidence.Provenance.Verified)
        {
            json.WriteNull("provenance");
            return;
        }
        json.WriteStartObject("provenance");
        json.WriteString("type", message.Provenance switch
        {
            Governance.Evidence.Provenance.ContentUnavailable => "content_unavailable",
            Governance.Evidence.Provenance.ClientAsserted => "client_asserted",
            _ => "synthetic_marker",
        });
        if (message.Reason is not null)
            json.WriteString("reason", message.Reason);
        json.WriteEndObject();
    }

    private static void Block(Utf8JsonWriter json, TranscriptBlock block)
    {
        json.WriteStartObject();
        switch (block)
        {
            case TextBlock text:
                json.WriteString("type", "text");
                json.WriteString("text", text.Text);
                json.WriteBoolean("truncated", text.Truncated);
                break;
            case ToolUseBlock use:
                json.WriteString("type", "tool_use");
                json.WriteString("id", use.Id);
                json.WriteString("name", use.Name);
                json.WriteString("input", use.Input);
                json.WriteBoolean("truncated", use.Truncated);
                break;
            case ToolResultBlock result:
                json.WriteString("type", "tool_result");
                json.WriteString("tool_use_id", result.ToolUseId);
                json.WriteString("name", result.Name);
                json.WriteBoolean("is_error", result.IsError);
                json.WriteStartArray("content");
                foreach (var text in result.Texts)
                {
                    json.WriteStartObject();
                    json.WriteString("type", "text");
                    json.WriteString("text", text);
                    json.WriteEndObject();
                }
                json.WriteEndArray();
                json.WriteBoolean("truncated", result.Truncated);
                break;
        }
        json.WriteEndObject();
    }

    private static byte[] Write(Action<Utf8JsonWriter> write)
    {
        using var output = new MemoryStream();
        using (var json = new Utf8JsonWriter(output, ActivityJson.Options))
            write(json);
        return output.ToArray();
    }
}
