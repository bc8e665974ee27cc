using System.Globalization;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage.Evidence.Merkle;

namespace Demarc.Control.Proofs;

/// <summary>Records as rows for a spreadsheet: a row for each request that ended and each event.</summary>
internal static class ActivityTable
{
    public static readonly string[] Columns =
    [
        "leaf", "created_at", "type", "id", "actor_type", "actor_id", "email_address", "api_key_id", "ip_address", "user_agent", "session_id",
        "model_asked", "model_served", "resource", "deployment", "platform", "hosting", "scope", "region", "capture", "result", "status",
        "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cost_nano_usd", "details",
    ];

    public static string[] Request(long leaf, LoggedRecord record, FinishedRecord finished, BegunRecord? begun, AttemptRecord? attempt) =>
    [
        .. Head(leaf, record, begun?.Operation == "count_tokens" ? "demarc_token_count" : "demarc_inference", Ids.Request, begun?.Actor),
        begun?.ModelAsked ?? "", finished.ModelServed ?? "", attempt?.Resource ?? "", attempt?.Deployment ?? "", attempt?.Platform ?? "", attempt?.Hosting ?? "",
        attempt?.Scope ?? "", attempt?.Region ?? "", begun?.Capture ?? "", finished.Result, Number(finished.Status),
        Number(finished.Usage?.InputTokens), Number(finished.Usage?.OutputTokens), Number(finished.Usage?.CacheRead),
        Number(finished.Usage is { } u ? u.CacheWrite5m + u.CacheWrite1h : null), Number(finished.CostNanoUsd), "",
    ];

    public static string[] Event(long leaf, LoggedRecord record, EventRecord e) =>
    [
        .. Head(leaf, record, e.Type, Ids.Activity, e.Actor),
        e.Fields.GetValueOrDefault("model") ?? "", "", "", "", "", "", "", "", "", e.Fields.GetValueOrDefault("reason") ?? "", e.Fields.GetValueOrDefault("status") ?? "",
        "", "", "", "", "", JsonSerializer.Serialize(e.Fields, AuditBundle.Json),
    ];

    private static string[] Head(long leaf, LoggedRecord record, string type, string prefix, ActorRecord? actor) =>
    [
        Number(leaf), AdminApi.Rfc3339.Text(record.At), type, Ids.From(prefix, record.Id), actor?.Type ?? "", actor?.Id ?? "", actor?.Email ?? "",
        actor?.KeyId ?? "", actor?.IpAddress ?? "", actor?.UserAgent ?? "", record.SessionId ?? "",
    ];

    private static string Number(long? value) => value?.ToString(CultureInfo.InvariantCulture) ?? "";
}
