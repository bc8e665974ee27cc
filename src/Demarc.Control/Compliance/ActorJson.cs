using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Control.Compliance;

/// <summary>The actor union ("Understand the Activity object"), with the person behind a key beside the key.</summary>
internal static class ActorJson
{
    public static void Write(Utf8JsonWriter json, ActorRecord? actor)
    {
        json.WriteStartObject();
        json.WriteString("type", Type(actor));
        if (actor is null)
        {
            json.WriteEndObject();
            return;
        }
        switch (actor.Type)
        {
            case "user":
                json.WriteString("email_address", actor.Email);
                json.WriteString("user_id", actor.Id);
                break;
            case "service_account":
                json.WriteString("service_account_id", actor.Id);
                break;
            case "anonymous":
                json.WriteNull("unauthenticated_email_address");
                break;
            case "scim":
                json.WriteString("directory_id", actor.Id);
                json.WriteNull("idp_connection_type");
                break;
            default:
                json.WriteString("name", actor.Id);
                break;
        }
        if (actor.KeyId is not null)
            json.WriteString(
                actor.KeyId.StartsWith(Ids.SignIn, StringComparison.Ordinal) ? "sign_in_id" : !actor.KeyId.StartsWith(Ids.ApiKey, StringComparison.Ordinal) ? "token_id" : actor.KeyKind == "admin" ? "admin_api_key_id" : "api_key_id", actor.KeyId);
        if (actor.Type is "user" or "service_account" or "anonymous")
        {
            json.WriteString("ip_address", actor.IpAddress);
            json.WriteString("user_agent", actor.UserAgent);
        }
        json.WriteEndObject();
    }

    // A person who asks a model is the actor; what asks with a key of its own, or reads records, is the key.
    private static string Type(ActorRecord? actor) => actor switch
    {
        null => "unknown_actor",
        { KeyKind: "admin" } => "admin_api_key_actor",
        { KeyKind: "compliance" } => "api_actor",
        { Type: "user" } => "user_actor",
        { Type: "service_account", KeyId: not null } => "api_actor",
        { Type: "service_account" } => "service_account_actor",
        { Type: "anonymous" } => "unauthenticated_user_actor",
        { Type: "scim" } => "scim_directory_sync_actor",
        { Type: "cli" } => "demarc_cli_actor",
        _ => "system_actor",
    };
}
