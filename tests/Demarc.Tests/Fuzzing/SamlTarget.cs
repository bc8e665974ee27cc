using System.Text;
using System.Xml;
using Demarc.Control.Identity.SignIn;
using Demarc.Tests.Identity.Saml;
using Xunit;

namespace Demarc.Tests.Fuzzing;

/// <summary>Whatever is done to what a provider signed, nobody else is let in by it, and what does not hold is refused as such.</summary>
internal sealed class SamlTarget : FuzzTarget, IDisposable
{
    private readonly TestProvider _provider = new();

    // Signing and encrypting are slow: a few are changed over and over.
    private readonly byte[][] _signed =
    [
        .. new[]
        {
            new Said().Signed(),
            new Said().Xml().Sign("_response"),
            new Said().Signed().Encrypt(),
            new Said().Signed().Encrypt("http://www.w3.org/2001/04/xmlenc#aes128-cbc"),
            new Said().Xml().Sign("_assertion", key: TestProvider.OtherKey),
        }.Select(d => Encoding.UTF8.GetBytes(d.OuterXml)),
    ];

    public override string Name => "saml";

    public override string[] Pieces =>
        ["<!-- x -->", "<![CDATA[x]]>", "<?x y?>", "<saml:Assertion ID=\"_assertion\">", "</saml:Assertion>", "<saml:NameID>mallory</saml:NameID>", "mallory", " ID=\"_assertion\"", "&amp;", "&#x6d;", "<!DOCTYPE x>", "xmlns:saml=\"urn:x\"", "<ds:Signature/>", "2099-01-01T00:00:00Z", "developers"];

    public override byte[] Generate(Dice dice)
    {
        var document = new XmlDocument { PreserveWhitespace = true };
        document.LoadXml(Encoding.UTF8.GetString(dice.Of<byte[]>(_signed)));
        for (var n = dice.Below(4); n > 0; n--)
            Change(document, dice);
        return Encoding.UTF8.GetBytes(document.OuterXml);
    }

    public override void Check(byte[] input)
    {
        try
        {
            var read = _provider.Read(Encoding.UTF8.GetString(input));
            Assert.Equal((TestProvider.EntityId, "zed", "zed@corp.example", "_request", "_assertion"), (read.Identity.Issuer, read.Identity.Subject, read.Identity.Email, read.RequestId, read.AssertionId));
            Assert.Equal(["developers", "all"], read.Identity.Groups);
        }
        catch (SignInException e)
        {
            Assert.NotEmpty(e.Code);
        }
    }

    public void Dispose() => _provider.Dispose();

    // Elements are moved, copied, taken away and wrapped; attributes and texts changed.
    private static void Change(XmlDocument document, Dice dice)
    {
        var elements = document.SelectNodes("//*")!.Cast<XmlElement>().ToArray();
        var (one, other) = (dice.Of<XmlElement>(elements), dice.Of<XmlElement>(elements));
        var isRoot = one == document.DocumentElement;
        switch (dice.Below(7))
        {
            case 0 when !isRoot:
                one.ParentNode!.RemoveChild(one);
                break;
            case 1:
                other.AppendChild(one.CloneNode(deep: true));
                break;
            case 2:
                other.PrependChild(one.CloneNode(deep: true));
                break;
            case 3 when !isRoot && !other.SelectNodes("ancestor-or-self::*")!.Cast<XmlNode>().Contains(one):
                other.AppendChild(one);
                break;
            case 4 when one.Attributes.Cast<XmlAttribute>().Where(a => !a.Name.StartsWith("xmlns", StringComparison.Ordinal)).ToArray() is { Length: > 0 } attributes:
                dice.Of<XmlAttribute>(attributes).Value = dice.Of("_assertion", "_response", "_other", "", "2099-01-01T00:00:00Z", "2.0", TestProvider.Acs);
                break;
            case 5 when one.ChildNodes is [XmlText text]:
                text.Value = dice.Of("mallory", "zed", "", "developers", "root@corp.example", TestProvider.EntityId);
                break;
            default:
                one.InsertBefore(document.CreateComment("x"), one.FirstChild);
                break;
        }
    }
}
