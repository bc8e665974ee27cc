using System.Text;
using Demarc.Governance.Wire;
using Xunit;

namespace Demarc.Governance.Tests.Wire;

public sealed class CountedPromptTests
{
    [Theory]
    [InlineData("""{"model":"m","max_tokens":5,"messages":[]}""", """{"model":"m","messages":[]}""")]
    [InlineData("""{ "max_tokens" : 5 , "messages" : [ {"role" : "user"} ],"stream":true}""", """{"messages" : [ {"role" : "user"} ]}""")]
    [InlineData("""{"max_tokens":5}""", "{}")]
    [InlineData("""{"mess\u0061ges":[1],"thinking":{"type":"adaptive"}}""", """{"mess\u0061ges":[1],"thinking":{"type":"adaptive"}}""")]
    public void What_counting_knows_stays_byte_for_byte_and_the_rest_goes(string body, string counted) => Assert.Equal(counted, Of(body));

    [Theory]
    [InlineData("""{"model":"m","messages":[],"something_new":{}}""")]
    [InlineData("""{"model":"m","container":{"skills":[]},"messages":[]}""")]
    [InlineData("[]")]
    [InlineData("")]
    [InlineData("""{"model":""")]
    [InlineData("""{"\uD800":1}""")]
    public void What_may_add_to_the_prompt_unseen_is_not_counted(string body) => Assert.Null(Of(body));

    [Fact]
    public void Where_a_whole_call_is_asked_about_it_keeps_its_bound_of_output() =>
        Assert.Equal("""{"max_tokens":5,"messages":[]}""", Encoding.UTF8.GetString(CountedPrompt.Of("""{"max_tokens":5,"messages":[]}"""u8, keepsMaxTokens: true)!));

    private static string? Of(string body) => CountedPrompt.Of(Encoding.UTF8.GetBytes(body), keepsMaxTokens: false) is { } counted ? Encoding.UTF8.GetString(counted) : null;
}
