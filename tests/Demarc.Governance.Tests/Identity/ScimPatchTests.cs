using System.Text.Json.Nodes;
using Demarc.Governance.Identity.Scim;
using Xunit;

namespace Demarc.Governance.Tests.Identity;

/// <summary>
/// Patches in the shapes that directories send: Entra ID ("Develop a SCIM endpoint", "Known issues and resolutions with SCIM
/// 2.0 protocol compliance"), Okta ("SCIM 2.0"), and the examples of RFC 7644, 3.5.2.
/// </summary>
public sealed class ScimPatchTests
{
    private const string Before =
        """
        {"userName":"ana","active":true,"displayName":"Ana","title":"Engineer","name":{"givenName":"Ana","familyName":"Silva"},
         "emails":[{"value":"ana@c.example","type":"work","primary":true},{"value":"a@h.example","type":"home"}]}
        """;

    [Theory]
    // Entra ID
    [InlineData("""{"op":"Replace","path":"active","value":"False"}""", """{"active":false}""")]
    [InlineData("""{"op":"Replace","path":"active","value":false}""", """{"active":false}""")]
    [InlineData("""{"op":"Add","path":"emails[type eq \"work\"].value","value":"new@c.example"}""", """{"emails":[{"value":"new@c.example","type":"work","primary":true},{"value":"a@h.example","type":"home"}]}""")]
    [InlineData("""{"op":"Replace","path":"emails[type eq \"other\"].value","value":"o@c.example"}""", """{"emails":[{"value":"ana@c.example","type":"work","primary":true},{"value":"a@h.example","type":"home"},{"type":"other","value":"o@c.example"}]}""")]
    [InlineData("""{"op":"Add","path":"phoneNumbers[type eq \"work\"].value","value":"1"}""", """{"phoneNumbers":[{"type":"work","value":"1"}]}""")]
    [InlineData("""{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":"user_9"}""", """{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"manager":{"value":"user_9"}}}""")]
    [InlineData("""{"op":"Add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department","value":"R&D"}""", """{"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"R&D"}}""")]
    [InlineData("""{"op":"replace","value":{"displayName":"A. S.","name.givenName":"A.","urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:costCenter":"9","emails[type eq \"work\"].value":"w@c.example","active":"True"}}""",
        """{"displayName":"A. S.","name":{"givenName":"A.","familyName":"Silva"},"emails":[{"value":"w@c.example","type":"work","primary":true},{"value":"a@h.example","type":"home"}],"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"costCenter":"9"}}""")]
    [InlineData("""{"op":"Remove","path":"title"}""", """{"title":null}""")]
    [InlineData("""{"op":"Replace","path":"title","value":""}""", """{"title":null}""")]
    // Okta
    [InlineData("""{"op":"replace","value":{"active":false}}""", """{"active":false}""")]
    [InlineData("""{"op":"replace","value":{"id":"user_1","password":"p","groups":[],"meta":{},"schemas":["x"],"title":"Lead"}}""", """{"title":"Lead"}""")]
    // RFC 7644
    [InlineData("""{"op":"add","value":{"emails":[{"value":"b@e.example","type":"home"}],"nickName":"Babs"}}""",
        """{"nickName":"Babs","emails":[{"value":"ana@c.example","type":"work","primary":true},{"value":"a@h.example","type":"home"},{"value":"b@e.example","type":"home"}]}""")]
    [InlineData("""{"op":"remove","path":"emails[type eq \"work\" and value ew \"example\"]"}""", """{"emails":[{"value":"a@h.example","type":"home"}]}""")]
    [InlineData("""{"op":"replace","path":"emails","value":[{"value":"x@e.example","type":"other"}]}""", """{"emails":[{"value":"x@e.example","type":"other"}]}""")]
    [InlineData("""{"op":"add","path":"emails","value":[{"value":"x@e.example","primary":true}]}""",
        """{"emails":[{"value":"ana@c.example","type":"work","primary":false},{"value":"a@h.example","type":"home"},{"value":"x@e.example","primary":true}]}""")]
    [InlineData("""{"op":"replace","path":"emails[type eq \"home\"].primary","value":true}""", """{"emails":[{"value":"ana@c.example","type":"work","primary":false},{"value":"a@h.example","type":"home","primary":true}]}""")]
    [InlineData("""{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"n@h.example"}}""", """{"emails":[{"value":"ana@c.example","type":"work","primary":true},{"value":"n@h.example","type":"home"}]}""")]
    [InlineData("""{"op":"remove","path":"emails[type eq \"home\"].value"}""", """{"emails":[{"value":"ana@c.example","type":"work","primary":true}]}""")]
    [InlineData("""{"op":"remove","path":"emails[type eq \"other\"]"}""", "{}")]
    [InlineData("""{"op":"remove","path":"emails","value":[{"value":"a@h.example"}]}""", """{"emails":[{"value":"ana@c.example","type":"work","primary":true}]}""")]
    [InlineData("""{"op":"add","path":"name","value":{"middleName":"B."}}""", """{"name":{"givenName":"Ana","familyName":"Silva","middleName":"B."}}""")]
    [InlineData("""{"op":"remove","path":"name.familyName"}""", """{"name":{"givenName":"Ana"}}""")]
    public void A_patch_changes_what_it_names_and_nothing_else(string operation, string expected)
    {
        var document = (JsonObject)JsonNode.Parse(Before)!;
        ScimPatch.Apply(ScimPatch.Read(Body(operation)), document, ScimSchemas.User);

        var after = (JsonObject)JsonNode.Parse(Before)!;
        foreach (var (name, value) in (JsonObject)JsonNode.Parse(expected)!)
        {
            after.Remove(name);
            if (value is not null)
                after[name] = value.DeepClone();
        }
        Assert.True(JsonNode.DeepEquals(after, document), document.ToJsonString());
    }

    [Theory]
    [InlineData("""{"op":"rename","path":"title"}""", "invalidSyntax")]
    [InlineData("""{"op":"remove"}""", "noTarget")]
    [InlineData("""{"op":"replace","value":"x"}""", "invalidValue")]
    [InlineData("""{"op":"replace","path":"shoeSize","value":"44"}""", "invalidPath")]
    [InlineData("""{"op":"replace","path":"urn:example:1.0:User:shoeSize","value":"44"}""", "invalidPath")]
    [InlineData("""{"op":"replace","path":"emails[type eq","value":"44"}""", "invalidPath")]
    [InlineData("""{"op":"replace","path":"id","value":"user_2"}""", "mutability")]
    [InlineData("""{"op":"add","path":"groups","value":[{"value":"g"}]}""", "mutability")]
    [InlineData("""{"op":"replace","path":"active","value":"perhaps"}""", "invalidValue")]
    [InlineData("""{"op":"replace","path":"emails[value co \"nobody\"].type","value":"x"}""", "noTarget")]
    [InlineData("""{"op":"replace","path":"name","value":"Ana"}""", "invalidValue")]
    [InlineData("""{"op":"replace","path":"title","value":{"a":1}}""", "invalidValue")]
    [InlineData("""{"op":"replace","path":"title[type eq \"a\"]","value":"a"}""", "invalidPath")]
    [InlineData("""{"op":"add","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}""", "invalidValue")]
    public void What_cannot_be_patched_is_refused(string operation, string type) =>
        Assert.Equal(type, Assert.Throws<ScimException>(() =>
            ScimPatch.Apply(ScimPatch.Read(Body(operation)), (JsonObject)JsonNode.Parse(Before)!, ScimSchemas.User)).Type);

    [Theory]
    [InlineData(null, null, "active displayName emails name title userName")]
    [InlineData("userName,name.givenName", null, "name userName")]
    [InlineData("USERNAME", "userName", "")]
    [InlineData(null, "emails.value,title", "active displayName emails name userName")]
    public void Only_the_attributes_asked_for_are_shown(string? wanted, string? unwanted, string shown)
    {
        AttributePath[]? Paths(string? names) => names?.Split(',').Select(ScimFilterParser.ParseAttribute).ToArray();
        var view = new ScimView(Paths(wanted), Paths(unwanted) ?? []).Of((JsonObject)JsonNode.Parse(Before)!);

        Assert.Equal(shown, string.Join(' ', view.Select(a => a.Key).Order(StringComparer.Ordinal)));
        Assert.Equal(unwanted == "emails.value,title" ? """{"type":"work","primary":true}""" : null, unwanted == "emails.value,title" ? view["emails"]![0]!.ToJsonString() : null);
    }

    private static JsonObject Body(string operation) => (JsonObject)JsonNode.Parse($$"""{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{{operation}}]}""")!;
}
