using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Demarc.Control.Configuration;

/// <summary>How a resource is reached: the keys <c>proxy</c> and <c>certificate_authorities</c>.</summary>
internal static class EgressSection
{
    public static Uri? Proxy(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (Uri.TryCreate(node.Value, UriKind.Absolute, out var proxy) && proxy is { Scheme: "http" or "https", PathAndQuery: "/", UserInfo: "", Fragment: "" } && proxy.Host.Length > 0)
            return proxy;
        // It is not repeated: it may carry a password.
        reading.Error(node, "this is no proxy; accepted: http:// or https:// with a host and a port, without user and path, for example http://proxy.contoso.example:3128");
        return null;
    }

    /// <summary>The certificates as PEM text; null when there are none, with an error when the file holds none.</summary>
    public static string? CertificateAuthorities(TextNode? node, ConfigReading reading)
    {
        if (node is null || reading.File(node, node.Value) is not { } bytes)
            return null;
        try
        {
            var pem = ConfigReading.Utf8(bytes) ?? "";
            var certificates = new X509Certificate2Collection();
            certificates.ImportFromPem(pem);
            if (certificates.Count > 0)
                return pem;
        }
        catch (CryptographicException)
        {
            // Said below, with what is accepted.
        }
        reading.Error(node, $"the file {ConfigText.Quote(node.Value)} holds no certificate that can be read; accepted: a PEM file of certificate authorities");
        return null;
    }
}
