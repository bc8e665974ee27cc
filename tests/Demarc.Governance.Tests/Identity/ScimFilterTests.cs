using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Demarc.Governance.Tests.Identity;

public sealed class ScimFilterTests
{
    private static readonly JsonObject Ana = (JsonObject)JsonNode.Parse(
        """
        {"id":"user_1","userName":"Ana@Contoso.example","externalId":"A-7","active":true,"displayName":"Ana \"the\" First","title":"Engineer","userType":"Employee",
         "name":{"givenName":"Ana","familyName":"O'Malley"},
         "emails":[{"value":"ana@contoso.example","type":"work","primary":true},{"value":"ana@home.example","type":"home"}],
         "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"costCenter":"4711","manager":{"value":"user_9"}},
         "meta":{"created":"2026-05-13T04:42:34.000Z","lastModified":"2026-05-14T00:00:00.000Z"}}
        """)!;

    private static readonly string[] Paths =
        ["userName", "name.familyName", "emails.value", "emails", "meta.created", "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter", "active", "$ref", "x-1_2"];

    private static readonly Gen<ScimFilter> Filters = Gen.Sized(size => Filter(Math.Min(size, 20), inElement: false));

    // The first group is of RFC 7644, 3.4.2.2, figure 1 and its likes.
    [Theory]
    [InlineData("userName eq \"ana@contoso.example\"", true)]
    [InlineData("name.familyName co \"O'Malley\"", true)]
    [InlineData("urn:ietf:params:scim:schemas:core:2.0:User:userName sw \"A\"", true)]
    [InlineData("title pr", true)]
    [InlineData("nickName pr", false)]
    [InlineData("meta.lastModified gt \"2026-05-13T04:42:34Z\"", true)]
    [InlineData("meta.lastModified ge \"2026-05-14T02:00:00+02:00\"", true)]
    [InlineData("meta.lastModified lt \"2026-05-13T04:42:34Z\"", false)]
    [InlineData("title pr and userType eq \"Employee\"", true)]
    [InlineData("title pr or userType eq \"Intern\"", true)]
    [InlineData("userType eq \"Employee\" and (emails co \"example.com\" or emails.value co \"home.example\")", true)]
    [InlineData("userType ne \"Employee\" and not (emails co \"contoso\" or emails.value co \"contoso\")", false)]
    [InlineData("emails[type eq \"work\" and value co \"@contoso.example\"]", true)]
    [InlineData("emails[type eq \"home\" and value co \"@contoso.example\"]", false)]
    [InlineData("emails[not (type eq \"work\")] and active eq true", true)]
    // What binds closer.
    [InlineData("userType eq \"Intern\" and active eq true or title pr", true)]
    [InlineData("title pr or userType eq \"Intern\" and active eq false", true)]
    [InlineData("not (title pr) or active eq true", true)]
    // As directories write it.
    [InlineData("USERNAME EQ \"ANA@CONTOSO.EXAMPLE\"", true)]
    [InlineData("externalId eq \"a-7\"", false)]
    [InlineData("active eq \"True\"", true)]
    [InlineData("active eq False", false)]
    [InlineData("displayName eq \"ana \\\"THE\\\" first\"", true)]
    [InlineData("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter eq \"4711\"", true)]
    [InlineData("urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager eq \"user_9\"", true)]
    [InlineData("nickName eq null", true)]
    [InlineData("title ne null", true)]
    [InlineData("nickName ne \"x\"", true)]
    public void A_filter_matches_what_it_should(string filter, bool matches) =>
        Assert.Equal(matches, ScimMatch.Matches(ScimFilterParser.Parse(filter), Ana, ScimSchemas.User));

    [Theory]
    [InlineData("", "a name")]
    [InlineData("userName", "an operator")]
    [InlineData("userName eq", "a name")]
    [InlineData("userName is \"a\"", "an operator")]
    [InlineData("userName eq \"a", "does not end")]
    [InlineData("userName eq \"\\x\"", "no JSON string")]
    [InlineData("userName eq a", "a value")]
    [InlineData("userName eq \"a\" userName", "the end")]
    [InlineData("(userName eq \"a\"", "there should be )")]
    [InlineData("emails[type eq \"work\"", "there should be ]")]
    [InlineData("emails[emails[type pr]]", "an operator")]
    [InlineData("userName eq \"a\" and", "a name")]
    [InlineData("not userName pr", "an operator")]
    [InlineData("a.b.c pr", "the name of an attribute")]
    [InlineData("userName eq \"a\"; DROP TABLE users", "the end")]
    public void What_is_no_filter_is_refused_with_the_place(string filter, string says)
    {
        var refused = Assert.Throws<ScimException>(() => ScimFilterParser.Parse(filter));
        Assert.Equal("invalidFilter", refused.Type);
        Assert.Contains(says, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Half_of_a_surrogate_pair_is_no_text() =>
        Assert.Equal("invalidFilter", Assert.Throws<ScimException>(() => ScimFilterParser.Parse("userName eq \"\ud83d\"")).Type);

    [Theory]
    [InlineData("shoeSize eq \"44\"", "shoeSize")]
    [InlineData("name eq \"Ana\"", "compare one of its parts")]
    [InlineData("emails[size eq \"1\"]", "no such part")]
    [InlineData("active gt true", "eq and ne alone")]
    [InlineData("meta.created gt \"yesterday\"", "no time")]
    [InlineData("title gt null", "eq and ne alone")]
    public void What_cannot_be_compared_is_refused(string filter, string says) =>
        Assert.Contains(says, Assert.Throws<ScimException>(() => ScimMatch.Matches(ScimFilterParser.Parse(filter), Ana, ScimSchemas.User)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_filter_nested_without_end_is_refused() =>
        Assert.Contains("deep", Assert.Throws<ScimException>(() => ScimFilterParser.Parse(new string('(', 4000) + "a pr")).Message, StringComparison.Ordinal);

    [Fact]
    public void A_filter_written_and_read_again_is_the_same() =>
        Prop.ForAll(Filters.ToArbitrary(), filter => ScimFilterParser.Parse(filter.ToString()!).Equals(filter)).QuickCheckThrowOnFailure();

    [Fact]
    public void Any_text_is_a_filter_or_refused_as_none() =>
        Prop.ForAll(Gen.Elements("userName", "emails", "eq", "pr", "and", "not", "(", ")", "[", "]", "\"", "\\", " ", ".", "urn:", "1", "é", "null").ListOf().ToArbitrary(), parts =>
        {
            try
            {
                return ScimFilterParser.Parse(string.Concat(parts)) is not null;
            }
            catch (ScimException e)
            {
                return e.Status == 400;
            }
        }).QuickCheckThrowOnFailure();

    private static Gen<ScimFilter> Filter(int size, bool inElement)
    {
        var path = Gen.Elements(Paths).Select(p => ScimFilterParser.ParseAttribute(p));
        var value = Gen.OneOf(
            Gen.Elements<object?>("a", "", "a \"b\" \\ c", "é 😀", "\n", "(x)"), Gen.Elements<object?>(true, false, null), Gen.Choose(-9, 9).Select(n => (object?)(decimal)n));
        var leaf = Gen.OneOf(
            path.Select(p => (ScimFilter)new PresentFilter(p)),
            from p in path from o in Gen.Elements(Enum.GetValues<FilterOperator>()) from v in value select (ScimFilter)new CompareFilter(p, o, v));
        if (size < 2)
            return leaf;
        var half = Filter(size / 2, inElement);
        var pairs = Gen.OneOf(
            from l in half from r in half select (ScimFilter)new AndFilter(l, r),
            from l in half from r in half select (ScimFilter)new OrFilter(l, r),
            half.Select(f => (ScimFilter)new NotFilter(f)), leaf);
        return inElement ? pairs : Gen.OneOf(pairs, from p in path from f in Filter(size / 2, true) select (ScimFilter)new ElementFilter(p, f));
    }
}
