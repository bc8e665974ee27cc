using System.Globalization;
using System.Text.RegularExpressions;
using Demarc.Control.AdminApi;
using Demarc.Control.Exports;
using Demarc.Governance.Boundaries;
using Demarc.Governance.Identity;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>exports</c>: destinations of activities.</summary>
public static partial class ExportSection
{
    private static readonly string[] Common = ["name", "to", "activity_types", "exclude_activity_types", "from"];
    private static readonly string[] Web = ["proxy", "certificate_authorities"];

    private static readonly Dictionary<string, string[]> Keys = new()
    {
        ["http"] = [.. Common, "url", "body", "headers", .. Web],
        ["splunk"] = [.. Common, "url", "token", "index", "acknowledge", .. Web],
        ["syslog"] = [.. Common, "server", "tls", "certificate_authorities"],
        ["cef"] = [.. Common, "server", "tls", "certificate_authorities"],
        ["azure-monitor"] = [.. Common, "endpoint", "rule", "stream", "credential", .. Web],
        ["file"] = [.. Common, "path", "rotate_at", "keep"],
        ["azure-blob"] = [.. Common, "url", "prefix", "credential", .. Web],
        ["s3"] = [.. Common, "bucket", "region", "endpoint", "prefix", "credential", .. Web],
    };

    internal static ExportDestination[] Read(ConfigNode? node, ConfigReading reading)
    {
        var destinations = new List<ExportDestination>();
        foreach (var item in reading.Items(node))
        {
            if (Destination(item, reading) is not { } destination)
                continue;
            if (destinations.Exists(d => d.Name == destination.Name))
                reading.Error(item, $"{ConfigText.Quote(destination.Name)} names a destination already; each name is accepted once");
            destinations.Add(destination);
        }
        return [.. destinations];
    }

    /// <summary>A container or a bucket that takes each object once, and for how long it is told to keep it.</summary>
    internal static (WebDestination Store, TimeSpan? Retain)? Objects(ConfigNode node, ConfigReading reading)
    {
        string[] kinds = ["azure-blob", "s3"];
        var kind = node is MapNode { Entries: var entries } && entries.FirstOrDefault(e => e.Key == "to")?.Value is TextNode { Value: var word } && kinds.Contains(word) ? word : null;
        string[] keys = [.. (kind is null ? kinds : [kind]).SelectMany(k => Keys[k]).Distinct().Except(Common), "to", "retain"];
        if (MapReader.Open(node, reading, keys) is not { } map)
            return null;
        _ = Vocabulary.One(map.Required("to", string.Join(", ", kinds)), "kind of store", kinds, reading);
        var retain = RetentionSection.Days(map.Text("retain"), reading);
        return kind is not null && (kind == "s3" ? (WebDestination?)S3("witness", map, reading) : Blob("witness", map, reading)) is { } store ? (store, retain) : null;
    }

    private static ExportDestination? Destination(ConfigNode item, ConfigReading reading)
    {
        // Which keys there are follows from the kind; without one, every key is somebody's.
        var kind = item is MapNode { Entries: var entries } && entries.FirstOrDefault(e => e.Key == "to")?.Value is TextNode { Value: var word } && Keys.ContainsKey(word) ? word : null;
        if (MapReader.Open(item, reading, kind is null ? [.. Keys.Values.SelectMany(k => k).Distinct()] : Keys[kind]) is not { } map)
            return null;
        var name = reading.Text(map.Required("name", "a name for records"));
        if (name is not null && !NameRules.IsWord(name.Value))
            reading.Error(name, $"{ConfigText.Quote(name.Value)} is no name; accepted: lower-case letters, digits and hyphens");
        _ = Vocabulary.One(map.Required("to", string.Join(", ", Keys.Keys)), "kind of destination", Keys.Keys, reading);
        var types = Types(map.Get("activity_types"), reading);
        var excluded = Types(map.Get("exclude_activity_types"), reading);
        if (types.Length > 0 && excluded.Length > 0)
            reading.Error(map.Get("exclude_activity_types")!, "activity_types says already which there are; accepted: one of both");
        var from = From(map.Text("from"), reading);
        return kind is null || name is null ? null : Of(kind, name.Value, map, reading) is { } read
            ? read with { Types = types, ExcludedTypes = excluded, From = from } : null;
    }

    private static ExportDestination? Of(string kind, string name, MapReader map, ConfigReading reading) => kind switch
    {
        "http" => Http(name, map, reading),
        "splunk" => Splunk(name, map, reading),
        "syslog" or "cef" => Syslog(name, kind == "cef", map, reading),
        "azure-monitor" => Monitor(name, map, reading),
        "file" => File(name, map, reading),
        "azure-blob" => Blob(name, map, reading),
        _ => S3(name, map, reading),
    };

    private static HttpDestination? Http(string name, MapReader map, ConfigReading reading)
    {
        var url = Url(map, "url", reading);
        var isArray = Vocabulary.One(map.Get("body"), "form", ["ndjson", "array"], reading) == "array";
        var headers = Headers(map.Get("headers"), reading);
        return url is null ? null : new HttpDestination(isArray, headers) { Name = name, Url = url, Place = Place(name, map, reading) };
    }

    /// <summary>Headers that a request carries, each a secret.</summary>
    internal static KeyValuePair<string, Secret>[] Headers(ConfigNode? node, ConfigReading reading)
    {
        if (node is null)
            return [];
        if (node is not MapNode { Entries: var entries })
        {
            reading.Error(node, $"{node.Kind}; a mapping of names to secrets is accepted, for example {{ Authorization: \"${{NAME}}\" }}");
            return [];
        }
        var headers = new List<KeyValuePair<string, Secret>>();
        foreach (var entry in entries)
        {
            if (!HeaderName().IsMatch(entry.Key) || entry.Key.StartsWith("content-", StringComparison.OrdinalIgnoreCase))
                reading.Error(entry.Path, entry.Line, entry.Column, $"{ConfigText.Quote(entry.Key)} is no header that can be set");
            else if (Visible(entry.Value, reading) is { } value)
                headers.Add(new(entry.Key, value));
        }
        return [.. headers];
    }

    private static SplunkDestination? Splunk(string name, MapReader map, ConfigReading reading)
    {
        var url = Url(map, "url", reading);
        var token = map.Required("token", SecretReference.Accepted) is { } node ? Visible(node, reading) : null;
        var index = Word(map.Text("index"), "index", IndexName(), reading);
        var acknowledged = Vocabulary.Flag(map.Get("acknowledge"), reading);
        return url is null || token is null ? null
            : new SplunkDestination(token, index, acknowledged) { Name = name, Url = url, Place = Place(name, map, reading) };
    }

    private static SyslogDestination? Syslog(string name, bool isCef, MapReader map, ConfigReading reading)
    {
        var server = reading.Text(map.Required("server", "HOST:PORT, for example siem.example.com:6514"));
        var (host, port) = server is null ? ("", 0) : AlertSection.HostAndPort(server, reading);
        var isTls = Vocabulary.Flag(map.Get("tls"), reading, absent: true);
        var authorities = EgressSection.CertificateAuthorities(map.Text("certificate_authorities"), reading);
        if (!isTls && server is not null && !UrlRules.IsLoopback(host))
            reading.Warn(server, "without TLS whoever is on the way reads and changes what is exported");
        return port == 0 ? null : new SyslogDestination(host, port, isTls, isCef, authorities) { Name = name };
    }

    private static MonitorDestination? Monitor(string name, MapReader map, ConfigReading reading)
    {
        var url = Url(map, "endpoint", reading);
        map.Required("rule", "the immutable id of a data collection rule, dcr-…");
        map.Required("stream", "a stream of the rule, Custom-…");
        var rule = Word(map.Text("rule"), "immutable id of a data collection rule (dcr-…)", RuleId(), reading);
        var stream = Word(map.Text("stream"), "stream (Custom-…)", StreamName(), reading);
        var credential = Azure(map, reading, out _, out _);
        return url is null || rule is null || stream is null || credential is null ? null : new MonitorDestination(rule, stream)
        {
            Name = name,
            Url = url,
            Place = Place(name, map, reading) with { Credential = credential, Service = MonitorSender.Scope },
        };
    }

    private static FileDestination? File(string name, MapReader map, ConfigReading reading)
    {
        var path = reading.Text(map.Required("path", "a file's path"));
        var rotateAt = 100L << 20;
        if (map.Text("rotate_at") is { } size)
        {
            if (ServerSection.Size(size.Value) is { } bytes and >= 1024)
                rotateAt = bytes;
            else
                reading.Error(size, $"{ConfigText.Quote(size.Value)} is no size; accepted: 1KiB and more, for example 100MiB");
        }
        var keep = 10;
        if (map.Text("keep") is { } count && !(int.TryParse(count.Value, NumberStyles.None, CultureInfo.InvariantCulture, out keep) && keep <= 1000))
            reading.Error(count, $"{ConfigText.Quote(count.Value)} is no number of files; accepted: 0 to 1000");
        return path is null ? null : new FileDestination(reading.Absolute(path.Value), rotateAt, keep) { Name = name };
    }

    private static BlobDestination? Blob(string name, MapReader map, ConfigReading reading)
    {
        var url = Url(map, "url", reading);
        var prefix = Prefix(map.Text("prefix"), reading);
        var credential = Azure(map, reading, out var account, out var key);
        if (url is null || (credential is null && key is null))
            return null;
        return new BlobDestination(prefix, account ?? url.Host.Split('.')[0], key)
        {
            Name = name,
            Url = url,
            Place = Place(name, map, reading) with { Credential = credential, Service = BlobArchive.Scope },
        };
    }

    private static S3Destination? S3(string name, MapReader map, ConfigReading reading)
    {
        map.Required("bucket", "a bucket's name");
        map.Required("region", "a region, for example eu-central-1");
        var bucket = Word(map.Text("bucket"), "bucket", BucketName(), reading);
        var region = Word(map.Text("region"), "region", BucketName(), reading);
        var endpoint = UrlRules.Read(map.Text("endpoint"), reading);
        var prefix = Prefix(map.Text("prefix"), reading);
        UpstreamCredential? credential = null;
        if (MapReader.Open(map.Required("credential", "{ aws: default }"), reading, ["aws", "access_key_id", "secret_access_key"], hideUnknown: true) is { } way)
        {
            if (way.Get("aws") is { } aws)
                credential = CredentialSection.Aws(aws, reading);
            else
            {
                var secret = way.Required("secret_access_key", SecretReference.Accepted) is { } node ? Visible(node, reading) : null;
                if (reading.Raw(way.Required("access_key_id", "the id of an access key, or in its place aws")) is { } id && secret is not null
                    && SecretReference.Find(id.Value) is var reference)
                {
                    var value = reference.Success ? SecretReference.Read(id, reading)?.Reveal() : id.Value;
                    credential = value is null ? null : new AwsKeyCredential(value, secret);
                }
            }
        }
        if (bucket is null || region is null || credential is null)
            return null;
        return new S3Destination(prefix)
        {
            Name = name,
            // Stores that are not AWS's have buckets in the path.
            Url = endpoint is null ? new Uri($"https://{bucket}.s3.{region}.amazonaws.com") : new Uri($"{endpoint.AbsoluteUri.TrimEnd('/')}/{bucket}"),
            Place = Place(name, map, reading) with { Credential = credential, Service = S3Archive.Service, Region = region },
        };
    }

    // Entra ID, or for blobs the account's own key.
    private static AzureCredential? Azure(MapReader map, ConfigReading reading, out string? account, out byte[]? key)
    {
        (account, key) = (null, null);
        string[] ways = map.Get("rule") is null && map.Get("endpoint") is null ? ["azure", "account", "account_key"] : ["azure"];
        if (MapReader.Open(map.Required("credential", "{ azure: default }"), reading, ways, hideUnknown: true) is not { } way)
            return null;
        if (way.Get("account_key") is not { } node)
            return way.Required("azure", "default") is { } azure ? CredentialSection.Azure(azure, reading) : null;
        account = Word(way.Text("account"), "storage account", AccountName(), reading);
        if (Visible(node, reading) is not { } secret)
            return null;
        var bytes = new byte[secret.Reveal().Length];
        if (Convert.TryFromBase64String(secret.Reveal(), bytes, out var length))
            key = bytes[..length];
        else
            reading.Error(node, "the key is not base64; accepted: the key of a storage account, as Azure shows it");
        return null;
    }

    private static Uri? Url(MapReader map, string key, ConfigReading reading) => UrlRules.Read(reading.Text(map.Required(key, "an https:// address")), reading);

    private static OutboundPlace Place(string name, MapReader map, ConfigReading reading) => new(
        name,
        Proxy: EgressSection.Proxy(map.Text("proxy"), reading),
        CertificateAuthorities: EgressSection.CertificateAuthorities(map.Text("certificate_authorities"), reading));

    private static string Prefix(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return "";
        if (PrefixText().IsMatch(node.Value))
            return node.Value.TrimEnd('/') + "/";
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no prefix; accepted: letters, digits and '._-', no dot first, with slashes between them");
        return "";
    }

    private static long? From(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (ReadTime(node.Value) is { } at)
            return at;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no time; accepted: a day such as 2026-11-01, or 2026-11-01T08:00:00Z");
        return null;
    }

    /// <summary>Unix milliseconds of a UTC day or of a time with its offset; null for neither.</summary>
    public static long? ReadTime(string text) =>
        DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeMilliseconds()
            : Rfc3339.TryParse(text, out var time) ? time.ToUnixTimeMilliseconds() : null;

    private static string[] Types(ConfigNode? node, ConfigReading reading)
    {
        var types = reading.Texts(node);
        foreach (var type in types.Where(t => !TypeName().IsMatch(t.Value)))
            reading.Error(type, $"{ConfigText.Quote(type.Value)} is no activity type; accepted: lower-case words with underscores, for example demarc_inference");
        return [.. types.Select(t => t.Value).Distinct()];
    }

    private static Secret? Visible(ConfigNode node, ConfigReading reading)
    {
        if (reading.Raw(node) is not { } text || SecretReference.Read(text, reading) is not { } secret)
            return null;
        if (secret.Reveal().All(c => c is >= ' ' and <= '~'))
            return secret;
        reading.Error(text, "the secret has characters that no header can carry; accepted: visible ASCII");
        return null;
    }

    private static string? Word(TextNode? node, string what, Regex rule, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (rule.IsMatch(node.Value))
            return node.Value;
        reading.Error(node, $"{ConfigText.Quote(node.Value)} is no {what}");
        return null;
    }

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9-]{0,63}\z")]
    private static partial Regex HeaderName();

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9_-]{0,79}\z")]
    private static partial Regex IndexName();

    [GeneratedRegex(@"\Adcr-[0-9a-f]{32}\z")]
    private static partial Regex RuleId();

    [GeneratedRegex(@"\A[A-Za-z][A-Za-z0-9_-]{0,99}\z")]
    private static partial Regex StreamName();

    [GeneratedRegex(@"\A[a-z0-9][a-z0-9.-]{1,62}\z")]
    private static partial Regex BucketName();

    [GeneratedRegex(@"\A[a-z0-9]{3,24}\z")]
    private static partial Regex AccountName();

    [GeneratedRegex(@"\A[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*/?\z")]
    private static partial Regex PrefixText();

    [GeneratedRegex(@"\A[a-z0-9_]{1,64}\z")]
    private static partial Regex TypeName();
}
