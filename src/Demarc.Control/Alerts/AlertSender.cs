using System.Globalization;
using System.Net;
using System.Net.Mail;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Demarc.Control.Configuration;
using Demarc.Storage.Ledger;

namespace Demarc.Control.Alerts;

/// <summary>Sends one alert to its destination.</summary>
internal sealed class AlertSender(TimeProvider time) : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly HttpClient _guarded = Client(isGuarded: true);
    private readonly HttpClient _private = Client(isGuarded: false);

    /// <summary>Null once it is delivered; else what was wrong, in words for the record.</summary>
    public async Task<string?> SendAsync(SpendAlert alert, AlertDestinations destinations, CancellationToken stop)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(stop);
        patience.CancelAfter(Patience);
        try
        {
            if (alert.Destination == SpendAlerts.ByEmail)
                return destinations.Email is { } mailbox ? await MailAsync(alert, mailbox, patience.Token) : Gone;
            return Array.Find(destinations.Webhooks, h => AlertDestinations.NameOf(h) == alert.Destination) is { } hook ? await PostAsync(alert, hook, patience.Token) : Gone;
        }
        catch (Exception e) when (e is HttpRequestException or SmtpException or SocketException or IOException)
        {
            return e.Message;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return $"no answer within {Patience.TotalSeconds} s";
        }
    }

    public void Dispose()
    {
        _guarded.Dispose();
        _private.Dispose();
    }

    private const string Gone = "the configuration does not have it any more";

    private async Task<string?> PostAsync(SpendAlert alert, Webhook hook, CancellationToken stop)
    {
        var timestamp = time.GetUtcNow().ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        using var request = new HttpRequestMessage(HttpMethod.Post, hook.Url) { Content = new StringContent(alert.Body, Encoding.UTF8, "application/json") };
        request.Headers.Add("webhook-id", alert.Id);
        request.Headers.Add("webhook-timestamp", timestamp);
        request.Headers.Add("webhook-signature", WebhookSignature.Of(WebhookSignature.KeyOf(hook.Secret)!, alert.Id, timestamp, alert.Body));
        using var response = await (hook.AllowPrivate ? _private : _guarded).SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        return response.IsSuccessStatusCode ? null : string.Create(CultureInfo.InvariantCulture, $"HTTP {(int)response.StatusCode}");
    }

    private static async Task<string?> MailAsync(SpendAlert alert, Mailbox mailbox, CancellationToken stop)
    {
        using var client = new SmtpClient(mailbox.Host, mailbox.Port)
        {
            // In the clear to this machine only.
            EnableSsl = !UrlRules.IsLoopback(mailbox.Host),
            Credentials = mailbox.User is { } user ? new NetworkCredential(user, mailbox.Password!.Reveal()) : null,
        };
        using var json = JsonDocument.Parse(alert.Body);
        var (subject, text) = AlertWords.Of(alert.Id, json.RootElement);
        using var message = new MailMessage { From = new MailAddress(mailbox.From), Subject = subject, Body = text };
        var data = json.RootElement.GetProperty("data");
        foreach (var to in data.TryGetProperty(SpendAlerts.To, out var person) ? [person.GetString()!] : mailbox.To)
            message.To.Add(to);
        message.Headers.Add("Message-ID", $"<{alert.Id}@{message.From.Host}>");
        await client.SendMailAsync(message, stop);
        return null;
    }

    private static HttpClient Client(bool isGuarded)
    {
        var handler = new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(1) };
        if (isGuarded)
            handler.ConnectCallback = (context, stop) => PublicAddresses.ConnectAsync(context.DnsEndPoint, stop);
        return new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }
}
