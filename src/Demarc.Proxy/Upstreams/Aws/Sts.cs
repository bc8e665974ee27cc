using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml;
using System.Xml.Linq;
using Demarc.Governance.Identity;

namespace Demarc.Proxy.Upstreams.Aws;

/// <summary>
/// Temporary keys from AWS STS (API reference, AssumeRole and AssumeRoleWithWebIdentity). Its address is the region's, or
/// <c>AWS_ENDPOINT_URL_STS</c>.
/// </summary>
internal sealed class Sts(HttpMessageInvoker http, string region, TimeProvider time)
{
    private const int MaxAnswer = 256 << 10;

    private readonly Uri _address = new(Environment.GetEnvironmentVariable("AWS_ENDPOINT_URL_STS") is { Length: > 0 } own ? own : $"https://sts.{region}.amazonaws.com/");

    public Task<(AwsKeys Keys, DateTimeOffset Expires)> AssumeRoleAsync(AwsKeys keys, string roleArn, string? externalId, CancellationToken stop)
    {
        var form = new Dictionary<string, string> { ["Action"] = "AssumeRole", ["RoleArn"] = roleArn };
        if (externalId is not null)
            form["ExternalId"] = externalId;
        return AskAsync(form, keys, stop);
    }

    /// <summary>Trades the token of a workload, for example of a Kubernetes service account.</summary>
    public Task<(AwsKeys Keys, DateTimeOffset Expires)> AssumeRoleWithWebIdentityAsync(string roleArn, string token, CancellationToken stop) =>
        AskAsync(new Dictionary<string, string> { ["Action"] = "AssumeRoleWithWebIdentity", ["RoleArn"] = roleArn, ["WebIdentityToken"] = token }, null, stop);

    private async Task<(AwsKeys Keys, DateTimeOffset Expires)> AskAsync(Dictionary<string, string> form, AwsKeys? signer, CancellationToken stop)
    {
        form["Version"] = "2011-06-15";
        form["RoleSessionName"] = Environment.GetEnvironmentVariable("AWS_ROLE_SESSION_NAME") is { Length: > 0 } name ? name : "demarc";
        form["DurationSeconds"] = "3600";
        var body = Encoding.ASCII.GetBytes(string.Join('&', form.Select(f => $"{f.Key}={Uri.EscapeDataString(f.Value)}")));
        using var request = new HttpRequestMessage(HttpMethod.Post, _address) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new("application/x-www-form-urlencoded");
        if (signer is not null)
            SigV4.Sign(request, Convert.ToHexStringLower(SHA256.HashData(body)), signer, region, "sts", time.GetUtcNow());
        using var response = await http.SendAsync(request, stop);
        await response.Content.LoadIntoBufferAsync(MaxAnswer, stop);
        var text = await response.Content.ReadAsStringAsync(stop);
        if (!response.IsSuccessStatusCode)
            throw new CredentialException($"AWS STS refused {form["Action"]} of {form["RoleArn"]} with HTTP {(int)response.StatusCode}: {Value(text, "Code")}: {Value(text, "Message")}");
        if (Value(text, "AccessKeyId") is not { } key || Value(text, "SecretAccessKey") is not { } secret || Value(text, "SessionToken") is not { } session
            || !DateTimeOffset.TryParse(Value(text, "Expiration"), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expires))
            throw new CredentialException("The answer of AWS STS holds no credentials.");
        return (new AwsKeys(key, new Secret(secret), new Secret(session)), expires);
    }

    private static string? Value(string xml, string name)
    {
        try
        {
            using var reader = XmlReader.Create(new StringReader(xml), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
            return XDocument.Load(reader).Descendants().FirstOrDefault(e => e.Name.LocalName == name)?.Value;
        }
        catch (XmlException)
        {
            return null;
        }
    }
}
