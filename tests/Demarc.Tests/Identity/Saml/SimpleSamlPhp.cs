using System.Diagnostics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Demarc.Tests.Harness;
using Xunit;

namespace Demarc.Tests.Identity.Saml;

/// <summary>A real SimpleSAMLphp as identity provider, served by PHP itself on a free port; it signs and encrypts, and demands signed requests.</summary>
internal sealed partial class SimpleSamlPhp : IAsyncDisposable
{
    private const string Program = "/usr/share/simplesamlphp/www";

    private readonly string _folder = Directory.CreateTempSubdirectory("demarc-simplesamlphp-").FullName;
    private readonly Process _process;

    private SimpleSamlPhp(string host, int port)
    {
        Url = new Uri($"http://{host}:{port}/");
        foreach (var name in new[] { "config", "metadata", "cert", "log", "tmp", "data" })
            Directory.CreateDirectory(Path.Combine(_folder, name));
        using (var key = TestProvider.NewKey())
        using (var rsa = key.GetRSAPrivateKey()!)
        {
            File.WriteAllText(Path.Combine(_folder, "cert", "server.crt"), key.ExportCertificatePem());
            File.WriteAllText(Path.Combine(_folder, "cert", "server.pem"), rsa.ExportPkcs8PrivateKeyPem());
        }
        File.WriteAllText(Path.Combine(_folder, "config", "config.php"), Config);
        File.WriteAllText(Path.Combine(_folder, "config", "authsources.php"), People);
        File.WriteAllText(Path.Combine(_folder, "metadata", "saml20-idp-hosted.php"), Hosted);
        var start = new ProcessStartInfo("php", ["-S", $"127.0.0.1:{port}", "-t", Program]) { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["SIMPLESAMLPHP_CONFIG_DIR"] = Path.Combine(_folder, "config");
        start.Environment["SIMPLESAML_FOLDER"] = _folder;
        start.Environment["SIMPLESAML_URL"] = Url.AbsoluteUri;
        _process = Process.Start(start)!;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
    }

    public Uri Url { get; }

    /// <summary>Where its metadata is.</summary>
    public string MetadataPath => Path.Combine(_folder, "idp.xml");

    /// <param name="host">A name of loopback.</param>
    public static async Task<SimpleSamlPhp> StartAsync(string host = "127.0.0.1")
    {
        Component.Require(Directory.Exists(Program) && File.Exists("/usr/bin/php"), "SimpleSAMLphp is not installed (apt-get install --no-install-recommends simplesamlphp php-cli php-xml)");
        var provider = new SimpleSamlPhp(host, Ports.Free());
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        for (var end = Environment.TickCount64 + 15_000; ;)
        {
            try
            {
                await File.WriteAllBytesAsync(provider.MetadataPath, await http.GetByteArrayAsync(new Uri(provider.Url, "saml2/idp/metadata.php"), TestContext.Current.CancellationToken));
                return provider;
            }
            catch (HttpRequestException) when (Environment.TickCount64 < end && !provider._process.HasExited)
            {
                // PHP tells nobody when it listens.
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }

    /// <summary>Makes the gateway its service provider, by the gateway's own metadata.</summary>
    public async Task RegisterAsync(HttpClient http, Uri gateway) =>
        await File.WriteAllBytesAsync(Path.Combine(_folder, "sp.xml"), await http.GetByteArrayAsync(new Uri(gateway, "/saml/metadata"), TestContext.Current.CancellationToken));

    /// <summary>Goes where the gateway sent the browser and logs in; the form that comes back for the gateway.</summary>
    public static async Task<(Uri To, Dictionary<string, string> Form)> LogInAsync(HttpClient browser, Uri at, string name, string password)
    {
        var form = new Dictionary<string, string>();
        for (var step = 0; step < 10; step++)
        {
            using var page = form.Count == 0
                ? await browser.GetAsync(at, TestContext.Current.CancellationToken)
                : await browser.PostAsync(at, new FormUrlEncodedContent(form), TestContext.Current.CancellationToken);
            form = [];
            if (page.Headers.Location is { } next)
            {
                at = new Uri(at, next);
                continue;
            }
            var html = await page.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
            foreach (Match field in Field().Matches(html))
                form[WebUtility.HtmlDecode(field.Groups[1].Value)] = WebUtility.HtmlDecode(field.Groups[2].Value);
            if (form.ContainsKey("SAMLResponse"))
                return (new Uri(WebUtility.HtmlDecode(Action().Match(html).Groups[1].Value)), form);
            Assert.True(form.ContainsKey("AuthState"), html);
            (form["username"], form["password"]) = (name, password);
        }
        throw new InvalidOperationException($"SimpleSAMLphp did not come to an end; it is at {at}.");
    }

    public async ValueTask DisposeAsync()
    {
        _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [GeneratedRegex("<input[^>]*name=\"([^\"]+)\"[^>]*value=\"([^\"]*)\"")]
    private static partial Regex Field();

    [GeneratedRegex("<form[^>]*action=\"([^\"]+)\"")]
    private static partial Regex Action();

    private const string Config = """
        <?php
        $folder = getenv('SIMPLESAML_FOLDER');
        $config = [
            'baseurlpath' => getenv('SIMPLESAML_URL'),
            'certdir' => "$folder/cert/", 'loggingdir' => "$folder/log/", 'datadir' => "$folder/data/", 'tempdir' => "$folder/tmp/", 'metadatadir' => "$folder/metadata/",
            'secretsalt' => 'salt of the test', 'auth.adminpassword' => 'not used', 'admin.protectmetadata' => false, 'technicalcontact_email' => 'na@corp.example', 'timezone' => 'UTC',
            'enable.saml20-idp' => true, 'module.enable' => ['exampleauth' => true, 'saml' => true],
            'store.type' => 'phpsession', 'session.cookie.secure' => false, 'session.cookie.samesite' => null, 'session.phpsession.savepath' => "$folder/tmp",
            'logging.handler' => 'file', 'showerrors' => true, 'errorreporting' => false, 'language.default' => 'en',
            'metadata.sources' => array_merge([['type' => 'flatfile']], file_exists("$folder/sp.xml") ? [['type' => 'xml', 'file' => "$folder/sp.xml"]] : []),
        ];
        """;

    private const string People = """
        <?php
        $config = ['people' => ['exampleauth:UserPass',
            'zed:secret' => ['uid' => ['zed'], 'email' => ['zed@corp.example'], 'displayName' => ['Zed'], 'groups' => ['developers', 'all']],
            'eve:secret' => ['uid' => ['eve'], 'email' => ['eve@corp.example'], 'groups' => ['marketing']]]];
        """;

    private const string Hosted = """
        <?php
        $metadata['__DYNAMIC:1__'] = [
            'host' => '__DEFAULT__', 'privatekey' => 'server.pem', 'certificate' => 'server.crt', 'auth' => 'people',
            'assertion.encryption' => true, 'validate.authnrequest' => true, 'saml20.sign.assertion' => true,
            'SingleSignOnServiceBinding' => ['urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect', 'urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST'],
            'authproc' => [3 => ['class' => 'saml:AttributeNameID', 'attribute' => 'uid', 'Format' => 'urn:oasis:names:tc:SAML:2.0:nameid-format:persistent']],
        ];
        """;
}

