using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>A minute in all as part of the fault suite; by <c>./test --fuzz SECONDS [NAME]</c> as long as it is told, all or one.</summary>
[Trait("suite", "faults")]
public sealed class FuzzTests(ITestOutputHelper output)
{
    private static readonly Dictionary<string, Func<FuzzTarget>> Targets = new()
    {
        ["request"] = () => new RequestTarget(),
        ["splice"] = () => new SpliceTarget(),
        ["answer"] = () => new AnswerTarget(),
        ["sse"] = () => new SseTarget(),
        ["content"] = () => new ContentTarget(),
        ["event-stream"] = () => new EventStreamTarget(),
        ["bedrock-chunk"] = () => new BedrockChunkTarget(),
        ["scim-filter"] = () => new ScimFilterTarget(),
        ["saml"] = () => new SamlTarget(),
        ["cursor"] = () => new CursorTarget(),
    };

    public static TheoryData<string> Names => [.. Targets.Keys.Where(name => Environment.GetEnvironmentVariable("DEMARC_FUZZ_TARGET") is not { Length: > 0 } only || only == name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_reader_takes_any_bytes(string name)
    {
        var target = Targets[name]();
        Assert.Equal(name, target.Name);
        using (target as IDisposable)
            FuzzRun.Of(target, Names.Count, output);
    }
}
