using System.Text;
using System.Text.Json;
using Demarc.Governance.Evidence;
using Demarc.Governance.Policy;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>The scanner takes what <c>System.Text.Json</c> takes and the decision can read in one way, and reads the same; what it took can be captured.</summary>
internal sealed class RequestTarget : FuzzTarget
{
    private static readonly ContentKey Key = new(new byte[ContentKey.Size]);

    public override string Name => "request";

    public override string[] Pieces =>
        ["\"model\":\"x\",", "\"model\"", "\"stream\":true,", "\"messages\":[", "\"content\":[", "\"source\":{", "\"type\":\"url\"", "\"\\ud800\"", "\\u006d", "{", "}", "[", "]", ",", ":", "null", "\"file_id\":\"f\",", "\"anthropic_beta\":[\"b\"],"];

    public override byte[] Generate(Dice dice) => Encoding.UTF8.GetBytes(RequestDice.Body(dice));

    public override void Check(byte[] input)
    {
        var options = RequestDice.Options(Dice.Of(input));
        var taken = RequestScanner.TryScan(input, options, out var facts, out var problem);
        Assert.Equal(taken, problem.Length == 0);
        using var document = System.Text.Unicode.Utf8.IsValid(input) ? RequestOracle.Parse(input) : null;
        var oracle = new RequestOracle(options);
        var takes = document is not null && oracle.Takes(document.RootElement);
        if (!oracle.HasHalves)
            Assert.True(taken == takes, $"taken: {taken}, should be: {takes} ({problem})");
        if (!taken)
            return;
        Assert.NotNull(document);
        if (!oracle.HasHalves)
            Agree(document.RootElement, facts, options, oracle, input);
        Capture(input, facts);
    }

    private static void Agree(JsonElement root, RequestFacts facts, ScanOptions options, RequestOracle oracle, byte[] body)
    {
        JsonElement? Value(string name) => root.TryGetProperty(name, out var value) ? value : null;

        Assert.Equal(options.Model ?? Value("model")!.Value.GetString(), facts.Model);
        Assert.Equal(options.Stream ?? (Value("stream") is { ValueKind: JsonValueKind.True }), facts.Stream);
        Assert.Equal(Value("max_tokens") is { ValueKind: JsonValueKind.Number } tokens && tokens.TryGetInt64(out var count) ? count : null, facts.MaxTokens);
        Assert.Equal(Value("inference_geo") is { ValueKind: JsonValueKind.String } geo ? geo.GetString() : null, facts.InferenceGeo);
        Assert.Equal(root.EnumerateObject().Count(), facts.MemberCount);
        Assert.Equal(Value("metadata") is { ValueKind: JsonValueKind.Object } metadata && metadata.TryGetProperty("user_id", out var user) ? oracle.Text(user) : null, facts.MetadataUserId);
        Assert.Equal(oracle.OtherModels.Order(), facts.OtherModels.Order());
        const BoundaryFields here = BoundaryFields.Fallbacks | BoundaryFields.InferenceGeo | BoundaryFields.Container | BoundaryFields.Skills | BoundaryFields.Files | BoundaryFields.UrlSources;
        Assert.Equal(oracle.Fields & here, facts.BoundaryFields & here);
        var messages = Value("messages") is { ValueKind: JsonValueKind.Array } list ? list.EnumerateArray().ToArray() : [];
        Assert.Equal(messages.Select(m => m.GetRawText()), facts.Messages.Select(m => Encoding.UTF8.GetString(m.Of(body))));
        foreach (var (name, member) in new[] { ("model", facts.ModelMember), ("stream", facts.StreamMember), ("anthropic_version", facts.VersionMember), ("anthropic_beta", facts.BetasMember), ("inference_geo", facts.InferenceGeoMember) })
            Assert.Equal(Value(name)?.GetRawText() ?? "", Encoding.UTF8.GetString(member.Value.Of(body)));
    }

    // As the request path does it for a policy of capture: full.
    private static void Capture(byte[] body, RequestFacts facts)
    {
        foreach (var message in facts.Messages)
            MessageIdentity.Of(Key, message.Of(body));
        var tips = new SessionTips();
        var content = new CapturedContent(body, facts, new Continuation(null, 0, 0, true), CaptureParts.System, new SessionAttachments(tips, "s"));
        using var captured = JsonDocument.Parse(content.Finish(new AnswerFacts(), [], truncated: false).ToArray(), new JsonDocumentOptions { MaxDepth = RequestScanner.MaxDepth + 16 });
        Assert.Equal(facts.Messages.Count, captured.RootElement.GetProperty("messages").GetArrayLength());
        CountedPrompt.Of(body, keepsMaxTokens: false);
    }
}
