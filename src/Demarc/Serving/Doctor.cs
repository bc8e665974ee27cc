using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Control.Exports;
using Demarc.Governance.Boundaries;
using Demarc.Proxy.Upstreams;
using Demarc.Storage;
using Microsoft.Extensions.Logging.Abstractions;

namespace Demarc.Serving;

/// <summary>How a check went.</summary>
internal enum FindingStatus
{
    Good,
    Warning,
    Failed,
}

/// <summary>What a check found.</summary>
/// <param name="Fix">What to do; null where there is nothing.</param>
internal sealed record Finding(string Check, string Subject, FindingStatus Status, string Detail, string? Fix = null);

/// <summary>
/// Looks at what an installation needs around it, over the ways out that it is configured with. Sends no content, no key and
/// no credential: addresses are asked for nothing but an answer.
/// </summary>
internal sealed class Doctor(InstallationFiles files, TimeProvider time, Action<Finding> report) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MostSkew = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Renewal = TimeSpan.FromDays(21);

    private const long LeastSpace = 5L << 30;
    private const string DiscoveryPath = "/.well-known/openid-configuration";

    private readonly OutboundClient _client = new(time, NullLogger<OutboundClient>.Instance);
    private readonly List<TimeSpan> _skews = [];

    private DemarcConfig Config => files.Config;

    /// <param name="open">Opens the installation; null while there is no store.</param>
    public async Task ExamineAsync(Func<Task<Installation?>> open)
    {
        Configuration();
        Certificate();
        await StoreAsync(open);
        Folder("content", Config.ContentDirectory);
        Folder("journal", Config.JournalDirectory);
        foreach (var resource in Config.Resources)
            await ReachAsync("upstream", resource.Name, resource.Endpoint, new OutboundPlace(resource.Name, Proxy: resource.Proxy, CertificateAuthorities: resource.CertificateAuthorities));
        foreach (var issuer in Config.Identity?.Issuers ?? [])
            await IssuerAsync(issuer);
        foreach (var issuer in Config.Federation.Issuers.Where(i => i.KeySet is null))
            await ReachAsync("identity", issuer.Name, new Uri((issuer.Discovery?.AbsoluteUri ?? issuer.Issuer).TrimEnd('/') + DiscoveryPath), new OutboundPlace(issuer.Name));
        foreach (var destination in Config.Exports)
            await DestinationAsync(destination);
        if (Config.PublicUrl is { } url)
            await IngressAsync(url);
        Clock();
    }

    public void Dispose() => _client.Dispose();

    private void Configuration()
    {
        var warnings = InstallationFiles.Review(files.Read, files.Catalog, time).Problems;
        Say("configuration", files.Path, warnings.Count == 0 ? FindingStatus.Good : FindingStatus.Warning,
            warnings.Count == 0 ? files.Read.Hash : $"{warnings.Count} warnings", warnings.Count == 0 ? null : $"demarc config check {files.Path}");
    }

    private void Certificate()
    {
        if (Config.Tls is not { } tls)
            return;
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificateFromFile(tls.Certificate);
            Expiry("tls", tls.Certificate, certificate.NotBefore, certificate.NotAfter);
        }
        catch (CryptographicException e)
        {
            Say("tls", tls.Certificate, FindingStatus.Failed, e.Message, "give the certificate as PEM, leaf first");
        }
    }

    private async Task StoreAsync(Func<Task<Installation?>> open)
    {
        var subject = Config.Store is SqliteStoreConfig file ? file.Path : ((PostgresStoreConfig)Config.Store).Address;
        try
        {
            if (await open() is not { } installation)
            {
                Say("store", subject, FindingStatus.Warning, "there is none yet", "demarc serve makes it");
                return;
            }
            var started = Stopwatch.GetTimestamp();
            var end = await installation.Store.Exports.EndAsync();
            Say("store", subject, FindingStatus.Good, string.Create(CultureInfo.InvariantCulture, $"answers in {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0.0} ms; {end} activities"));
            if (await Clocks.AskAsync(installation.Store, time) is { } skew)
                Say("clock", subject, skew.Duration() > Clocks.MostFromStore ? FindingStatus.Failed : FindingStatus.Good, $"this machine is {Clocks.Words(skew)} it", skew.Duration() > Clocks.MostFromStore ? "set both clocks (NTP): limits and records go by them" : null);
            var lag = (await installation.Store.Exports.ListAsync(installation.Organization.Id)).Where(c => c.Failures > 0).ToArray();
            foreach (var cursor in lag)
                Say("export", cursor.Name, FindingStatus.Failed, $"failed {cursor.Failures} times in a row: {cursor.Problem}", "demarc export siem status");
        }
        catch (Exception e) when (e is StoreException or ServeException or DbException or IOException or UnauthorizedAccessException)
        {
            Say("store", subject, FindingStatus.Failed, e.Message, "see that it runs, and that this account may use it");
        }
        if (Config.Store is SqliteStoreConfig { Path: var path } && Directory.Exists(Path.GetDirectoryName(path)))
        {
            var free = new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace;
            Say("disk", Path.GetDirectoryName(path)!, free >= LeastSpace ? FindingStatus.Good : FindingStatus.Warning, $"{free >> 20:N0} MiB free", free >= LeastSpace ? null : "a full disk stops every answer: make room, or move the store");
        }
    }

    private void Folder(string check, string? folder)
    {
        if (folder is null)
            return;
        if (!Directory.Exists(folder))
        {
            Say(check, folder, FindingStatus.Warning, "it is not there yet", "demarc serve makes it, where it may");
            return;
        }
        try
        {
            var probe = Path.Combine(folder, $".demarc-doctor-{Environment.ProcessId}");
            using (File.Create(probe, 1, FileOptions.DeleteOnClose))
                Say(check, folder, FindingStatus.Good, "it can be written to");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Say(check, folder, FindingStatus.Failed, e.Message, "let the account that Demarc runs under write there");
        }
    }

    private async Task ReachAsync(string check, string subject, Uri address, OutboundPlace place)
    {
        if (place.Proxy is null && !await ResolvesAsync(check, subject, address.Host))
            return;
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            using var patience = new CancellationTokenSource(Patience, time);
            var started = Stopwatch.GetTimestamp();
            using var response = await _client.SendAsync(request, place with { Credential = null }, patience.Token);
            Skew(response, started);
            // Whatever is answered to a request without a key: somebody is there, and the way and its TLS hold.
            Say(check, subject, FindingStatus.Good, string.Create(CultureInfo.InvariantCulture, $"{address.Host} answers in {Stopwatch.GetElapsedTime(started).TotalMilliseconds:0} ms (HTTP {(int)response.StatusCode})"));
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            Say(check, subject, FindingStatus.Failed, e is OperationCanceledException ? $"{address.Host} does not answer within {Patience.TotalSeconds} s" : Why(e), "open the way out, or set proxy and certificate_authorities");
        }
    }

    private async Task<bool> ResolvesAsync(string check, string subject, string host)
    {
        try
        {
            await Dns.GetHostAddressesAsync(host.Trim('[', ']'));
            return true;
        }
        catch (SocketException e)
        {
            Say(check, subject, FindingStatus.Failed, $"{host} has no address: {e.Message}", "see that this machine's DNS knows it");
            return false;
        }
    }

    private async Task IssuerAsync(IssuerConfig issuer)
    {
        var address = new Uri(issuer.Issuer.AbsoluteUri.TrimEnd('/') + DiscoveryPath);
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, address);
            using var patience = new CancellationTokenSource(Patience, time);
            var started = Stopwatch.GetTimestamp();
            using var response = await _client.SendAsync(request, new OutboundPlace(issuer.Name), patience.Token);
            Skew(response, started);
            await response.Content.LoadIntoBufferAsync(1 << 20, patience.Token);
            var json = JsonElement.Parse(await response.Content.ReadAsByteArrayAsync(patience.Token));
            var said = json.TryGetProperty("issuer", out var value) ? value.GetString() : null;
            if (said?.TrimEnd('/') == issuer.Issuer.AbsoluteUri.TrimEnd('/'))
                Say("identity", issuer.Name, FindingStatus.Good, $"{address.Host} says who it is");
            else
                Say("identity", issuer.Name, FindingStatus.Failed, $"its discovery document names the issuer \"{said}\"", "write issuer as that document has it");
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException or JsonException or InvalidOperationException)
        {
            Say("identity", issuer.Name, FindingStatus.Failed, e is JsonException or InvalidOperationException ? $"{address} is no discovery document" : Why(e), "see that this machine reaches the issuer, and that the address is right");
        }
    }

    private async Task DestinationAsync(ExportDestination destination)
    {
        switch (destination)
        {
            case WebDestination web:
                await ReachAsync("export", web.Name, web.Url, web.Place);
                break;
            case SyslogDestination syslog:
                try
                {
                    using var patience = new CancellationTokenSource(Patience, time);
                    await using var connection = await OutboundClient.ConnectAsync(syslog.Host, syslog.Port, syslog.IsTls, syslog.CertificateAuthorities, patience.Token);
                    Say("export", syslog.Name, FindingStatus.Good, $"{syslog.Address} takes connections");
                }
                catch (Exception e) when (e is SocketException or IOException or AuthenticationException or OperationCanceledException)
                {
                    Say("export", syslog.Name, FindingStatus.Failed, Why(e), "see that the server listens there and that its authority is known (certificate_authorities)");
                }
                break;
            case FileDestination file:
                var folder = Path.GetDirectoryName(file.Path)!;
                Say("export", file.Name, Directory.Exists(folder) ? FindingStatus.Good : FindingStatus.Warning, Directory.Exists(folder) ? file.Address : $"{folder} is not there yet");
                break;
        }
    }

    // What clients meet on their way in: name, certificate, and that nothing before Demarc turns large requests away.
    private async Task IngressAsync(Uri url)
    {
        if (!await ResolvesAsync("ingress", url.Host, url.Host))
            return;
        try
        {
            using var patience = new CancellationTokenSource(Patience, time);
            if (url.Scheme == "https")
            {
                await using var secure = (System.Net.Security.SslStream)await OutboundClient.ConnectAsync(url.Host, url.Port, isTls: true, null, patience.Token);
                using var certificate = X509CertificateLoader.LoadCertificate(secure.RemoteCertificate!.GetRawCertData());
                Expiry("ingress", url.Host, certificate.NotBefore, certificate.NotAfter);
            }
            // As large as requests of long sessions are; refused for want of a key, by Demarc.
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(url.AbsoluteUri.TrimEnd('/') + "/v1/messages")) { Content = new ByteArrayContent(new byte[Math.Min(Config.MaxBodyBytes, 20 << 20)]) };
            request.Content.Headers.TryAddWithoutValidation("content-type", "application/json");
            using var response = await _client.SendAsync(request, new OutboundPlace("ingress"), patience.Token);
            if (response.Headers.Contains("demarc-request-id"))
            {
                Say("ingress", url.Host, FindingStatus.Good, $"a request of {request.Content.Headers.ContentLength >> 20} MiB reaches Demarc");
                await BufferingAsync(url, patience.Token);
            }
            else
                Say("ingress", url.Host, FindingStatus.Failed, $"something before Demarc answered a request of {request.Content.Headers.ContentLength >> 20} MiB with HTTP {(int)response.StatusCode}", "raise its limit of a body to max_body_bytes, switch off its buffering, and see that it leads here");
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException or AuthenticationException or OperationCanceledException)
        {
            Say("ingress", url.Host, FindingStatus.Failed, Why(e), "see that the name leads to this gateway or its load balancer, and that its certificate holds");
        }
    }

    private async Task BufferingAsync(Uri url, CancellationToken stop)
    {
        var check = new IngressCheck(_client, time);
        switch (await check.KeepsAnswersAsync(url, stop))
        {
            case true:
                Say("buffering", url.Host, FindingStatus.Failed, "something before Demarc keeps answers until they are whole", "switch off its buffering of responses (nginx: proxy_buffering off): streams stand still");
                break;
            case false:
                Say("buffering", url.Host, FindingStatus.Good, "events arrive as they are written");
                break;
        }
        if (await check.KeepsRequestsAsync(url, stop) is true)
            Say("buffering", url.Host + " (requests)", FindingStatus.Warning, "something before Demarc keeps requests until they are whole", "switch off its buffering of requests (nginx: proxy_request_buffering off): large ones wait, and stand on its disk");
    }

    private void Expiry(string check, string subject, DateTime from, DateTime until)
    {
        var (now, end) = (time.GetUtcNow(), new DateTimeOffset(until.ToUniversalTime(), TimeSpan.Zero));
        var detail = string.Create(CultureInfo.InvariantCulture, $"its certificate holds until {end:yyyy-MM-dd}");
        if (now < from.ToUniversalTime() || now > end)
            Say(check, subject, FindingStatus.Failed, detail, "renew it");
        else
            Say(check, subject, end - now < Renewal ? FindingStatus.Warning : FindingStatus.Good, detail, end - now < Renewal ? "renew it" : null);
    }

    private void Skew(HttpResponseMessage response, long started)
    {
        // The header has whole seconds, and was written somewhere on the way.
        if (response.Headers.Date is { } date)
            _skews.Add(time.GetUtcNow() - (Stopwatch.GetElapsedTime(started) / 2) - date);
    }

    // Of several clocks the middle one: a single one may be wrong itself.
    private void Clock()
    {
        if (_skews.Count == 0)
            return;
        var skew = _skews.Order().ElementAt(_skews.Count / 2);
        var isFar = skew.Duration() > MostSkew;
        Say("clock", Environment.MachineName, isFar ? FindingStatus.Failed : FindingStatus.Good, string.Create(CultureInfo.InvariantCulture, $"{skew.TotalSeconds:0} s from the others"), isFar ? "set this machine's clock (NTP): tokens and signatures are turned away" : null);
    }

    private static string Why(Exception e) => e is OperationCanceledException ? $"no answer within {Patience.TotalSeconds} s" : e.InnerException is AuthenticationException or SocketException ? $"{e.Message} ({e.InnerException.Message})" : e.Message;

    private void Say(string check, string subject, FindingStatus status, string detail, string? fix = null) => report(new Finding(check, subject, status, detail, fix));
}
