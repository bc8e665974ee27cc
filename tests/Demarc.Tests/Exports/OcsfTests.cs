using System.Text.Json;
using Demarc.Control.Exports;
using Demarc.Governance.Evidence;
using Demarc.Storage.Evidence;
using Xunit;

namespace Demarc.Tests.Exports;

public sealed class OcsfTests
{
    private static readonly ActorRecord Admin = new("user", "user_1", "dana@contoso.example", "apikey_1", "admin", "192.0.2.7", "curl/8");

    // What schema version 1.8.0 requires: of every event, and of each class beside it.
    private static readonly string[] Base = ["activity_id", "category_uid", "class_uid", "metadata", "severity_id", "time", "type_uid"];

    private static readonly Dictionary<int, string[]> Required = new()
    {
        [3001] = ["user"],
        [3002] = ["user", "service"],
        [3004] = ["entity"],
        [3005] = ["user"],
        [3006] = ["group"],
        [6002] = ["app"],
        [6003] = ["actor", "api", "src_endpoint"],
    };

    [Theory]
    [InlineData("demarc_user_created", 3001, 1)]
    [InlineData("demarc_service_account_updated", 3001, 99)]
    [InlineData("platform_service_account_archived", 3001, 6)]
    [InlineData("demarc_signed_in", 3002, 1)]
    [InlineData("demarc_sign_in_ended", 3002, 2)]
    [InlineData("platform_api_key_created", 3004, 1)]
    [InlineData("demarc_spend_limit_deleted", 3004, 4)]
    [InlineData("demarc_alias_updated", 3004, 3)]
    [InlineData("platform_workspace_member_added", 3004, 1)]
    [InlineData("claude_user_role_updated", 3005, 3)]
    [InlineData("group_member_added", 3006, 3)]
    [InlineData("demarc_gateway_started", 6002, 3)]
    [InlineData("demarc_configuration_refused", 6002, 8)]
    [InlineData("compliance_api_accessed", 6003, 2)]
    [InlineData("demarc_inference_refused", 6003, 99)]
    [InlineData("a_type_of_the_future", 6003, 99)]
    public void Each_type_is_an_event_of_its_class_with_all_that_the_class_requires(string type, int classUid, int activity)
    {
        var e = Event(type, Admin, new() { ["user_id"] = "user_2", ["group_id"] = "rbac_group_1", ["api_key_id"] = "apikey_2", ["name"] = "x" });

        Assert.Equal((classUid, activity, (classUid * 100) + activity), (Number(e, "class_uid"), Number(e, "activity_id"), Number(e, "type_uid")));
        Assert.Equal(classUid / 1000, Number(e, "category_uid"));
        Assert.All(Base.Concat(Required[classUid]), field => Assert.True(e.TryGetProperty(field, out _), field));
        Assert.Equal(("1.8.0", type), (e.GetProperty("metadata").GetProperty("version").GetString(), e.GetProperty("metadata").GetProperty("event_code").GetString()));
        Assert.Equal("192.0.2.7", e.GetProperty("src_endpoint").GetProperty("ip").GetString());
        Assert.Equal(("user_1", 2), (e.GetProperty("actor").GetProperty("user").GetProperty("uid").GetString(), Number(e.GetProperty("actor").GetProperty("user"), "type_id")));
        // Unmapped is the activity as auditors read it.
        Assert.Equal(type, e.GetProperty("unmapped").GetProperty("type").GetString());
        Assert.Equal("admin_api_key_actor", e.GetProperty("unmapped").GetProperty("actor").GetProperty("type").GetString());
    }

    [Theory]
    [InlineData("demarc_sign_in_refused", null, 2, 3)]
    [InlineData("compliance_api_accessed", "403", 2, 3)]
    [InlineData("compliance_api_accessed", "200", 1, 1)]
    [InlineData("demarc_spend_overrun", null, 1, 4)]
    [InlineData("demarc_export_failed", null, 2, 4)]
    public void Failures_are_said_to_be_some(string type, string? status, int statusId, int severity)
    {
        var e = Event(type, Admin, new() { ["status_code"] = status });

        Assert.Equal((statusId, severity), (Number(e, "status_id"), Number(e, "severity_id")));
    }

    [Fact]
    public void What_the_gateway_does_itself_comes_from_no_address()
    {
        var e = Event("demarc_gateway_stopped", new ActorRecord("system", "replica_1"), []);

        Assert.Equal("replica_1", e.GetProperty("src_endpoint").GetProperty("name").GetString());
        Assert.Equal(3, Number(e.GetProperty("actor").GetProperty("user"), "type_id"));
    }

    [Fact]
    public void A_record_that_cannot_be_read_is_an_event_all_the_same()
    {
        var e = Read("demarc_record_unreadable", "\0\u0001 not JSON"u8.ToArray());

        Assert.Equal((6003, 2, 4), (Number(e, "class_uid"), Number(e, "status_id"), Number(e, "severity_id")));
    }

    [Fact]
    public void A_request_says_where_it_ran_and_how_large_it_was()
    {
        var begun = new BegunRecord
        {
            Id = "req_1",
            Actor = Admin with { KeyKind = "inference" },
            Surface = "claude_code",
            Dialect = "anthropic",
            Operation = "messages",
            ModelAsked = "sonnet",
            Plan = ["east/sonnet"],
            Attempt = new AttemptRecord(1, "east", "sonnet", "claude-sonnet-4-6", "foundry", "azure", "data-zone:us", "eastus2", 0),
            Capture = "metadata",
            Splices = [],
            Receipt = new ReceiptRecord("sha256:p", "sha256:c", "sha256:f"),
            Replica = "replica_1",
        };
        var finished = new FinishedRecord { Id = "req_1", Result = "upstream_error", Status = 529, ErrorType = "overloaded_error", Usage = new UsageRecord { InputTokens = 10, CacheRead = 100, OutputTokens = 5 } };

        var e = Read(
            "demarc_inference", JsonSerializer.SerializeToUtf8Bytes(finished, RecordJson.Default.FinishedRecord), JsonSerializer.SerializeToUtf8Bytes(begun, RecordJson.Default.BegunRecord));

        Assert.Equal((6003, 1, 2), (Number(e, "class_uid"), Number(e, "activity_id"), Number(e, "status_id")));
        Assert.Equal(("529", "overloaded_error"), (e.GetProperty("status_code").GetString(), e.GetProperty("status_detail").GetString()));
        Assert.Equal(("messages", "req_1"), (e.GetProperty("api").GetProperty("operation").GetString(), e.GetProperty("api").GetProperty("request").GetProperty("uid").GetString()));
        Assert.Equal(("foundry", "claude-sonnet-4-6"), (e.GetProperty("ai_model").GetProperty("ai_provider").GetString(), e.GetProperty("ai_model").GetProperty("name").GetString()));
        Assert.Equal((110, 5, 115), (Number(e.GetProperty("message_context"), "prompt_tokens"), Number(e.GetProperty("message_context"), "completion_tokens"), Number(e.GetProperty("message_context"), "total_tokens")));
        Assert.Equal("east/sonnet", e.GetProperty("resources")[0].GetProperty("uid").GetString());
        Assert.Equal("ai_operation", e.GetProperty("metadata").GetProperty("profiles")[0].GetString());
    }

    private static int Number(JsonElement e, string name) => e.GetProperty(name).GetInt32();

    private static JsonElement Event(string type, ActorRecord actor, Dictionary<string, string?> fields) =>
        Read(type, JsonSerializer.SerializeToUtf8Bytes(new EventRecord { Type = type, Actor = actor, Fields = fields }, RecordJson.Default.EventRecord));

    private static JsonElement Read(string type, byte[] body, byte[]? begun = null)
    {
        var activity = new Activity { Position = 7, RequestId = new byte[16], Type = type, At = 1_700_000_000_000, Body = body, Begun = begun };
        return JsonDocument.Parse(new ExportedActivity("org_1", activity, new Dictionary<string, byte[]>()).Json).RootElement;
    }
}
