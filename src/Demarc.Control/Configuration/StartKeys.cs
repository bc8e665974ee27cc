using System.Security.Cryptography;
using System.Text;

namespace Demarc.Control.Configuration;

/// <summary>What of a configuration counts from the start of the process on alone: a reload that changes it says so.</summary>
public static class StartKeys
{
    private static readonly string[] Whole =
    [
        "listen", "admin_listen", "public_url", "trusted_proxies", "store", "journal", "outage", "content", "master_key", "organization", "log", "metrics", "shutdown", "retention",
        "scim.listen",
    ];

    // What stands in them is taken; whether they are there decides at the start what is served.
    private static readonly string[] Presence = ["tls", "identity", "scim"];

    /// <summary>The keys in whose values two readings differ, and which hold as the first has them until the process is started anew.</summary>
    public static string[] Changed(ConfigResult first, ConfigResult next) =>
    [
        .. Whole.Where(key => first.Written.GetValueOrDefault(key) != next.Written.GetValueOrDefault(key)),
        .. Presence.Where(key => first.Written.ContainsKey(key) != next.Written.ContainsKey(key)),
    ];

    /// <summary>A hash of what is written under each key of the file, and one level below: places and comments do not count.</summary>
    internal static Dictionary<string, string> Written(ConfigNode? root)
    {
        var written = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var section in (root as MapNode)?.Entries ?? [])
        {
            Add(section.Key, section.Value);
            foreach (var entry in (section.Value as MapNode)?.Entries ?? [])
                Add($"{section.Key}.{entry.Key}", entry.Value);
        }
        return written;

        void Add(string key, ConfigNode value)
        {
            if (value.IsNull)
                return;
            var text = new StringBuilder();
            Write(value, text);
            written[key] = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(text.ToString())));
        }
    }

    private static void Write(ConfigNode node, StringBuilder text)
    {
        if (node is TextNode { Value: var value })
            text.Append(value.Length).Append(':').Append(value);
        else if (node is ListNode list)
        {
            text.Append('[');
            foreach (var item in list.Items)
                Write(item, text);
            text.Append(']');
        }
        else if (node is MapNode map)
        {
            text.Append('{');
            foreach (var entry in map.Entries)
            {
                text.Append(entry.Key.Length).Append(':').Append(entry.Key);
                Write(entry.Value, text);
            }
            text.Append('}');
        }
    }
}
