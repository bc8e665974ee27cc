using System.Globalization;
using System.Net.Mail;
using Demarc.Control.Alerts;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>alerts</c>.</summary>
internal static class AlertSection
{
    private const int MostTo = 20;

    public static AlertDestinations Read(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["webhooks", "email"]) is not { } map)
            return AlertDestinations.None;
        var hooks = new List<Webhook>();
        foreach (var item in reading.Items(map.Get("webhooks")))
        {
            if (Hook(item, reading) is not { } hook)
                continue;
            if (hooks.Exists(h => h.Name == hook.Name))
                reading.Error(item, $"{ConfigText.Quote(hook.Name)} names a webhook already; each name is accepted once");
            hooks.Add(hook);
        }
        return new AlertDestinations([.. hooks], Email(map.Get("email"), reading));
    }

    private static Webhook? Hook(ConfigNode item, ConfigReading reading)
    {
        if (MapReader.Open(item, reading, ["name", "url", "secret", "allow_private"]) is not { } map)
            return null;
        var name = reading.Text(map.Required("name", "a name for records"));
        if (name is not null && !NameRules.IsWord(name.Value))
            reading.Error(name, $"{ConfigText.Quote(name.Value)} is no name; accepted: lower-case letters, digits and hyphens");
        var url = UrlRules.Read(reading.Text(map.Required("url", "an https:// address")), reading);
        var secret = reading.Raw(map.Required("secret", SecretReference.Accepted)) is { } text ? SecretReference.Read(text, reading) : null;
        if (secret is not null && WebhookSignature.KeyOf(secret) is null)
            reading.Error(map.Get("secret")!, "no Standard Webhooks secret; accepted: whsec_ and base64 of 24 to 64 bytes");
        var allow = Vocabulary.One(map.Get("allow_private"), "answer", ["true", "false"], reading) == "true";
        return name is null || url is null || secret is null ? null : new Webhook(name.Value, url, secret, allow);
    }

    private static Mailbox? Email(ConfigNode? node, ConfigReading reading)
    {
        if (MapReader.Open(node, reading, ["server", "from", "to", "user", "password"]) is not { } map)
            return null;
        var server = reading.Text(map.Required("server", "HOST:PORT, for example mail.example.com:587"));
        var (host, port) = server is null ? ("", 0) : HostAndPort(server, reading);
        var from = Address(reading.Text(map.Required("from", "an e-mail address")), reading);
        map.Required("to", "a list of e-mail addresses");
        var to = reading.Texts(map.Get("to"));
        if (map.Get("to") is { } list && to.Count is 0 or > MostTo)
            reading.Error(list, $"accepted: 1 to {MostTo} e-mail addresses");
        var user = map.Text("user");
        var password = reading.Raw(map.Get("password")) is { } text ? SecretReference.Read(text, reading) : null;
        if ((user is null) != !map.Mentions("password"))
            reading.Error(map.Node, "user and password go together; accepted: both or neither");
        string[] recipients = [.. to.Select(t => Address(t, reading)).OfType<string>()];
        return server is null || from is null ? null : new Mailbox(host, port, from, recipients, user?.Value, password);
    }

    /// <summary>A server as HOST:PORT; empty with an error.</summary>
    public static (string Host, int Port) HostAndPort(TextNode node, ConfigReading reading)
    {
        var colon = node.Value.LastIndexOf(':');
        if (colon > 0 && int.TryParse(node.Value.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536
            && Uri.CheckHostName(node.Value[..colon]) != UriHostNameType.Unknown)
            return (node.Value[..colon], port);
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no server; accepted: HOST:PORT");
        return ("", 0);
    }

    private static string? Address(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (MailAddress.TryCreate(node.Value, out var address) && address.Address == node.Value)
            return node.Value;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no e-mail address");
        return null;
    }
}
