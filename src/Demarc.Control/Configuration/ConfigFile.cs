using System.Security.Cryptography;

namespace Demarc.Control.Configuration;

/// <summary>Reads the configuration file. Every problem is found at once; any error means that none of it is used.</summary>
public static class ConfigFile
{
    private static readonly string[] Keys =
    [
        "listen", "admin_listen", "public_url", "tls", "trusted_proxies", "network_rules", "store", "store_credential", "journal", "outage", "durability", "content", "master_key", "catalog", "max_body_bytes", "verify", "log",
        "organization", "identity", "billing", "reports", "commitments", "agreements", "facts", "resources", "aliases", "policies", "refusals", "alerts", "exports", "metrics", "retention", "scim", "zero_retention", "seats",
        "roles", "approvals", "entra", "federation", "shutdown",
    ];

    /// <summary>Reads the file at a path; paths within it start at its own directory.</summary>
    public static ConfigResult Read(string path, ConfigSources sources)
    {
        var file = Path.GetFullPath(path);
        var reading = new ConfigReading(Path.GetDirectoryName(file)!, sources);
        var bytes = reading.File(new TextNode("", 1, 1, path, Plain: true), file);
        var root = bytes is null ? null : Root(bytes, reading);
        var config = bytes is null || (reading.Failed && root is null) ? null : Config(path, root, reading);
        return new ConfigResult
        {
            Config = reading.Failed ? null : config,
            Problems = [.. reading.Problems.OrderBy(p => p.Line).ThenBy(p => p.Column)],
            Hash = bytes is null ? "" : "sha256:" + Convert.ToHexStringLower(SHA256.HashData(bytes)),
            Files = reading.Files,
            Written = StartKeys.Written(root),
        };
    }

    /// <summary>A PostgreSQL address, in which the password may be a reference; null with what is wrong.</summary>
    public static (PostgresStoreConfig? Store, string? Problem) ReadStore(string address, ConfigSources sources) => StoreSection.Other(address, sources);

    private static ConfigNode? Root(byte[] bytes, ConfigReading reading)
    {
        if (ConfigReading.Utf8(bytes) is { } text)
            return YamlTree.Read(text, reading);
        reading.Error("", 1, 1, "not UTF-8; accepted: YAML in UTF-8");
        return null;
    }

    private static DemarcConfig? Config(string path, ConfigNode? root, ConfigReading reading)
    {
        if (MapReader.Open(root is null or { IsNull: true } ? new MapNode("", 1, 1, []) : root, reading, Keys) is not { } map)
            return null;

        // The catalog first: regions, facts, features and places are words of it.
        var catalog = CatalogPath(map.Text("catalog"), reading);
        var tls = ServerSection.Tls(map.Get("tls"), reading);
        var agreements = AgreementSection.Read(map.Get("agreements"), reading);
        string[] agreed = [.. agreements.Select(a => a.Name)];
        var resources = ResourceSection.Read(map.Get("resources"), agreed, reading);
        if (map.Get("resources") is null or ListNode { Items.Count: 0 })
            reading.Warn(map.Get("resources") ?? map.Node, "no resources: nothing can be served");
        var declared = DeclaredDeployments(map.Get("resources"));
        var aliases = AliasSection.Read(map.Get("aliases"), declared, reading);
        var names = resources
            .SelectMany(r => r.Deployments.SelectMany(d => new[] { d.Name, d.Model }))
            .Concat(declared).Concat(aliases.Select(a => a.Name)).ToHashSet();
        var policies = PolicySection.Read(map.Get("policies"), names, [.. resources.Select(r => r.Name)], agreed, reading);

        var roles = RoleSection.Read(map.Get("roles"), path, [.. resources.Select(r => r.Name)], declared, reading);
        var reports = BillingSection.Reports(map.Get("reports"), reading);
        var listen = ServerSection.Listen(map.Get("listen"), map.Get("tls") is not null, reading);
        var admin = ServerSection.ApartListen(map.Get("admin_listen"), listen, map.Get("tls") is not null, reading);
        return new DemarcConfig
        {
            File = path,
            Listen = listen,
            AdminListen = admin,
            PublicUrl = UrlRules.Read(map.Text("public_url"), reading),
            Tls = tls,
            TrustedProxies = ServerSection.TrustedProxies(map.Get("trusted_proxies"), reading),
            Network = NetworkSection.Read(map.Get("network_rules"), reading),
            Store = StoreSection.Credential(map.Get("store_credential"), StoreSection.Store(map.Get("store"), reading), reading)!, // null has left an error, and then no part is used
            JournalDirectory = StoreSection.Journal(map.Text("journal"), map.Get("store"), reading),
            IsStrict = StoreSection.IsStrict(map.Text("durability"), reading),
            ServesInOutage = StoreSection.Outage(map.Text("outage"), reading),
            ContentDirectory = StoreSection.Content(map.Text("content"), reading),
            MasterKey = StoreSection.MasterKey(map.Get("master_key"), reading),
            CatalogPath = catalog,
            MaxBodyBytes = ServerSection.MaxBodyBytes(map.Text("max_body_bytes"), reading),
            OrganizationName = Organization(map.Get("organization"), reading),
            VerifyEvery = ManagementSection.Every(map.Get("verify"), resources, reading),
            Identity = IdentitySection.Read(map.Get("identity"), reading),
            Log = LogSection.Read(map.Get("log"), reading),
            Billing = BillingSection.Read(map.Get("billing"), reading),
            NamesPeople = reports.NamesPeople,
            SmallestGroup = reports.SmallestGroup,
            Commitments = BillingSection.Commitments(map.Get("commitments"), [.. resources.Select(r => r.Name)], reading),
            Agreements = agreements,
            Facts = FactSection.ReadPlatforms(map.Get("facts"), agreed, reading),
            Resources = resources,
            Aliases = aliases,
            Policies = policies,
            Refusals = LimitSection.Refusals(map.Get("refusals"), reading),
            Alerts = AlertSection.Read(map.Get("alerts"), reading),
            Roles = roles,
            Entra = EntraSection.Read(map.Get("entra"), roles, reading),
            Federation = FederationSection.Read(map.Get("federation"), reading),
            Approvals = RoleSection.Approvals(map.Get("approvals"), reading),
            Seats = SeatSection.Read(map.Get("seats"), reading),
            Exports = ExportSection.Read(map.Get("exports"), reading),
            Metrics = MetricsSection.Read(map.Get("metrics"), reading),
            Retention = RetentionSection.Read(map.Get("retention"), reading),
            Scim = ScimSection.Read(map.Get("scim"), [.. listen, .. admin], map.Get("tls") is not null, reading),
            Shutdown = ShutdownSection.Read(map.Get("shutdown"), reading),
            ZeroRetention = ZeroRetentionSection.Read(map.Get("zero_retention"), reading),
        };
    }

    /// <summary>
    /// Every <c>resource/deployment</c> as written, also of resources with errors: an alias to one of
    /// these is not a second problem.
    /// </summary>
    private static HashSet<string> DeclaredDeployments(ConfigNode? resources)
    {
        var names = new HashSet<string>();
        foreach (var resource in Maps(resources))
        {
            foreach (var deployment in Maps(Value(resource, "deployments")))
            {
                if (Value(resource, "name") is TextNode r && Value(deployment, "name") is TextNode d)
                    names.Add($"{r.Value}/{d.Value}");
            }
        }
        return names;

        static IEnumerable<MapNode> Maps(ConfigNode? node) => node is ListNode list ? list.Items.OfType<MapNode>() : [];

        static ConfigNode? Value(MapNode map, string key) => map.Entries.FirstOrDefault(e => e.Key == key)?.Value;
    }

    private static string? CatalogPath(TextNode? node, ConfigReading reading)
    {
        if (node is null || reading.File(node, node.Value) is not { } bytes)
            return null;
        if (reading.Sources.Catalog is not null)
            reading.Catalog = CatalogFile.Read(node, bytes, reading);
        return reading.Absolute(node.Value);
    }

    private static string? Organization(ConfigNode? node, ConfigReading reading)
    {
        const string accepted = "1 to 200 characters, none of them a control character";
        if (reading.Text(MapReader.Open(node, reading, ["name"])?.Required("name", accepted)) is not { } name)
            return null;
        if (name.Value.Length <= 200 && !string.IsNullOrWhiteSpace(name.Value) && !name.Value.Any(char.IsControl))
            return name.Value;
        reading.Error(name, $"{ConfigText.Quote(name.Value)} is no name; accepted: {accepted}");
        return null;
    }
}
