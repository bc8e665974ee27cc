using System.Text;
using Demarc.Governance.Evidence;
using Xunit;

namespace Demarc.Governance.Tests.Evidence;

public sealed class MessageIdentityTests
{
    private static readonly byte[] Key = new byte[32];

    [Theory]
    [InlineData("""{"role":"user","content":"hi"}""", """{"role":"user","content":[{"type":"text","text":"hi"}]}""")]
    [InlineData("""{"role":"user","content":"hi"}""", """{ "role": "user", "content": [ {"type":"text","text":"hi","cache_control":{"type":"ephemeral","ttl":"1h"}} ] }""")]
    [InlineData("""{"role":"user","content":"hi"}""", """{"role":"user","content":[{"text":"hi","type":"text"}]}""")]
    [InlineData("""{"role":"user","content":"é\n"}""", """{"role":"user","content":"\u00e9\u000a"}""")]
    [InlineData("""{"role":"assistant","content":[{"type":"text","text":"x"}]}""", """{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"x","citations":null}]}""")]
    [InlineData("""{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"B","input":{"a":[1, 2]}}]}""", """{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"B","input":{"a":[1,2]},"caller":{"type":"direct"}}]}""")]
    [InlineData("\"sys\"", """[{"type":"text","text":"sys","cache_control":{"type":"ephemeral"}}]""")]
    public void What_a_client_may_move_between_turns_does_not_change_a_message(string one, string other) => Assert.Equal(Of(one), Of(other));

    [Theory]
    [InlineData("""{"role":"user","content":"hi"}""", """{"role":"user","content":"hi "}""")]
    [InlineData("""{"role":"user","content":"hi"}""", """{"role":"assistant","content":"hi"}""")]
    [InlineData("""{"role":"user","content":["a","b"]}""", """{"role":"user","content":["ab"]}""")]
    [InlineData("""{"a":"b"}""", """{"ab":""}""")]
    [InlineData("""{"a":1}""", """{"a":"1"}""")]
    [InlineData("""{"a":[[1],2]}""", """{"a":[1,[2]]}""")]
    [InlineData("""{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]}""", """{"content":[{"type":"text","text":"ab"}]}""")]
    public void Different_messages_have_different_identities(string one, string other) => Assert.NotEqual(Of(one), Of(other));

    [Fact]
    public void Another_key_gives_another_identity() =>
        Assert.NotEqual(Of("\"a\""), MessageIdentity.Of([1, .. new byte[31]], "\"a\""u8));

    [Fact]
    public void Bytes_that_are_not_json_still_have_one() => Assert.NotEqual(Of("{\"a"), Of("{\"b"));

    private static UInt128 Of(string json) => MessageIdentity.Of(Key, Encoding.UTF8.GetBytes(json));
}
