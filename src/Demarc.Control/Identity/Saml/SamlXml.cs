using System.Text;
using System.Xml;
using Demarc.Control.Identity.SignIn;

namespace Demarc.Control.Identity.Saml;

/// <summary>
/// XML from outside: without a DTD, and without what canonical XML drops or rewrites (comments, processing instructions,
/// CDATA), so that what is read is what was signed. No id stands twice.
/// </summary>
internal static class SamlXml
{
    public const string Assertion = "urn:oasis:names:tc:SAML:2.0:assertion";
    public const string Protocol = "urn:oasis:names:tc:SAML:2.0:protocol";
    public const string Metadata = "urn:oasis:names:tc:SAML:2.0:metadata";
    public const string Signature = "http://www.w3.org/2000/09/xmldsig#";
    public const string Encryption = "http://www.w3.org/2001/04/xmlenc#";

    private const int MostCharacters = 1 << 20;
    private const int MostDepth = 64;

    /// <exception cref="SignInException">It is no XML of this kind.</exception>
    public static XmlElement Load(byte[] bytes)
    {
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        try
        {
            using var reader = XmlReader.Create(new MemoryStream(bytes), new XmlReaderSettings
            {
                DtdProcessing = DtdProcessing.Prohibit,
                XmlResolver = null,
                MaxCharactersInDocument = MostCharacters,
            });
            document.Load(reader);
        }
        catch (XmlException e)
        {
            throw new SignInException("saml_xml", $"The XML cannot be read: {e.Message}");
        }
        var ids = new HashSet<string>(StringComparer.Ordinal);
        Check(document.DocumentElement!, ids, 0);
        return document.DocumentElement!;
    }

    /// <summary>Metadata, which may hold comments.</summary>
    /// <exception cref="XmlException">It is no XML, or has a DTD.</exception>
    public static XmlElement LoadOwn(byte[] bytes)
    {
        var document = new XmlDocument { XmlResolver = null };
        using var reader = XmlReader.Create(new MemoryStream(bytes), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, IgnoreComments = true });
        document.Load(reader);
        return document.DocumentElement!;
    }

    public static bool Is(XmlNode node, string name, string space) => node is XmlElement && node.LocalName == name && node.NamespaceURI == space;

    /// <summary>The children of that name.</summary>
    public static XmlElement[] Children(XmlElement element, string name, string space) =>
        [.. element.ChildNodes.OfType<XmlElement>().Where(c => Is(c, name, space))];

    /// <summary>The one child of that name; null for none.</summary>
    /// <exception cref="SignInException">There are several.</exception>
    public static XmlElement? Child(XmlElement element, string name, string space) => Children(element, name, space) switch
    {
        [] => null,
        [var one] => one,
        var several => throw new SignInException("saml_xml", $"{element.LocalName} has {several.Length} of {name}, where one is right"),
    };

    /// <summary>The one child of that name.</summary>
    /// <exception cref="SignInException">There is none, or several.</exception>
    public static XmlElement Required(XmlElement element, string name, string space) =>
        Child(element, name, space) ?? throw new SignInException("saml_xml", $"{element.LocalName} has no {name}");

    /// <summary>How many elements of a name there are anywhere.</summary>
    public static int Count(XmlElement root, string name, string space) => root.OwnerDocument.GetElementsByTagName(name, space).Count;

    /// <summary>An attribute; null where it is missing or empty.</summary>
    public static string? Attribute(XmlElement? element, string name) => element?.GetAttribute(name) is { Length: > 0 } value ? value : null;

    /// <summary>The element alone, as the root of a document of its own, with the namespaces that it stood in.</summary>
    public static XmlElement Alone(XmlElement element)
    {
        var document = new XmlDocument { PreserveWhitespace = true, XmlResolver = null };
        var root = (XmlElement)document.ImportNode(element, deep: true);
        document.AppendChild(root);
        for (var outer = element.ParentNode as XmlElement; outer is not null; outer = outer.ParentNode as XmlElement)
            foreach (XmlAttribute attribute in outer.Attributes)
                if (attribute.NamespaceURI == "http://www.w3.org/2000/xmlns/" && !root.HasAttribute(attribute.Name))
                    root.SetAttributeNode((XmlAttribute)document.ImportNode(attribute, deep: true));
        return root;
    }

    public static byte[] Bytes(XmlElement element) => Encoding.UTF8.GetBytes(element.OuterXml);

    private static void Check(XmlElement element, HashSet<string> ids, int depth)
    {
        if (depth > MostDepth)
            throw new SignInException("saml_xml", $"The XML is nested more than {MostDepth} deep");
        foreach (XmlAttribute attribute in element.Attributes)
            if (attribute.LocalName.Equals("id", StringComparison.OrdinalIgnoreCase) && !ids.Add(attribute.Value))
                throw new SignInException("saml_xml", "An id stands twice");
        foreach (XmlNode child in element.ChildNodes)
        {
            if (child is XmlElement inner)
                Check(inner, ids, depth + 1);
            else if (child.NodeType is not (XmlNodeType.Text or XmlNodeType.Whitespace or XmlNodeType.SignificantWhitespace))
                throw new SignInException("saml_xml", $"The XML holds a {child.NodeType}, which canonical XML does not keep");
        }
    }
}
