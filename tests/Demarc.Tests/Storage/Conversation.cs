using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;
using Demarc.Storage;

namespace Demarc.Tests.Storage;

/// <summary>One governed request as the request path records it.</summary>
public sealed class Conversation(
    Store store, string organization = "org_1", string actor = "user_1", string? session = "clls_1", string? replica = null, long? at = null)
{
    public Guid Id { get; } = Guid.CreateVersion7();

    private long At => at ?? TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds();

    public Task BeginAsync(string operation = "messages", long reserved = 5000, string? prompt = null, string? workspace = null, string type = "user",
        string platform = "foundry", string model = "claude-sonnet-4-6") =>
        AppendAsync(RecordKind.Begun, JsonSerializer.SerializeToUtf8Bytes(
            new BegunRecord
            {
                Id = Ids.From(Ids.Request, Id),
                Actor = new ActorRecord(type, actor, KeyId: "apikey_1"),
                Surface = "claude_code",
                Dialect = "anthropic",
                Operation = operation,
                ClientSession = "client",
                PromptId = prompt,
                WorkspaceId = workspace,
                ModelAsked = "sonnet",
                Plan = ["east/sonnet", "west/sonnet"],
                Attempt = Attempt(1, "east", reserved) with { Platform = platform, Model = model },
                Capture = "full",
                Splices = [],
                Receipt = new ReceiptRecord("sha256:p", "sha256:c", "sha256:f"),
                Replica = replica ?? store.Replica,
            },
            RecordJson.Default.BegunRecord));

    public Task RetryAsync(int number, string resource, long reserved, long? lost = null) =>
        AppendAsync(RecordKind.Attempt, JsonSerializer.SerializeToUtf8Bytes(Attempt(number, resource, reserved) with { AfterNanoUsd = lost }, RecordJson.Default.AttemptRecord));

    public Task FinishAsync(int attempt = 1, long cost = 1000, byte[]? content = null) => FinishAsync(
        Finished(attempt, cost) with { ContentSha256 = content is null ? null : Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(content)) }, content);

    public Task FinishAsync(FinishedRecord finished, byte[]? content = null) =>
        AppendAsync(RecordKind.Finished, JsonSerializer.SerializeToUtf8Bytes(finished, RecordJson.Default.FinishedRecord), content);

    public FinishedRecord Finished(int attempt = 1, long cost = 1000) => new()
    {
        Id = Ids.From(Ids.Request, Id),
        Result = "answered",
        Status = 200,
        Attempt = attempt,
        Usage = new UsageRecord { InputTokens = 10, OutputTokens = 20, CacheRead = 30, CacheWrite5m = 40, CacheWrite1h = 50 },
        CostNanoUsd = cost,
        PriceSource = "catalog",
    };

    public async Task<Conversation> WholeAsync(long cost = 1000)
    {
        await BeginAsync();
        await FinishAsync(cost: cost);
        return this;
    }

    private static AttemptRecord Attempt(int number, string resource, long reserved) =>
        new(number, resource, "sonnet", "claude-sonnet-4-6", "foundry", "anthropic", "global", null, reserved);

    private Task AppendAsync(RecordKind kind, byte[] body, byte[]? content = null) => store.AppendAsync(new EvidenceRecord
    {
        OrganizationId = organization,
        Kind = kind,
        RequestId = Id,
        SessionId = session,
        At = At,
        Body = body,
        Content = content,
    });
}
