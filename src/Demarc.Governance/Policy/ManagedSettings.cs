using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Demarc.Governance.Identity;

namespace Demarc.Governance.Policy;

/// <summary>The settings that Claude Code takes from its gateway (page "Claude apps gateway", managed settings).</summary>
/// <param name="Settings">Canonical JSON.</param>
/// <param name="Checksum"><c>sha256:</c> and hex, over <paramref name="Settings"/>.</param>
public sealed record ManagedSettings(string Settings, string Checksum)
{
    /// <summary>
    /// What the policies of a principal ask of its clients; null when none asks anything. Of several policies the later wins;
    /// lists add up, but for <c>allow</c>, which is replaced, and <c>availableModels</c>, which intersect; of
    /// <c>cleanupPeriodDays</c> the least holds. A restriction of models is told to the client, so that it offers no other;
    /// where content must not rest, transcripts on the machine go after a day.
    /// </summary>
    public static ManagedSettings? For(GatewaySnapshot snapshot, Principal principal)
    {
        JsonObject? merged = null;
        foreach (var policy in snapshot.Policies)
        {
            if (!policy.Matches(principal))
                continue;
            if (policy.Settings is { } written)
                merged = Merge(merged ?? [], JsonNode.Parse(written)!.AsObject());
            if (policy.Models is { } models)
                merged = Merge(merged ?? [], new JsonObject { ["availableModels"] = new JsonArray([.. models.Select(m => (JsonNode)m)]) });
            if (policy.Require.Zdr)
                merged = Merge(merged ?? [], new JsonObject { ["cleanupPeriodDays"] = 1 });
        }
        if (merged is null)
            return null;
        if (merged.ContainsKey("availableModels"))
            Default(merged, "enforceAvailableModels");
        // Else each host name that WebFetch is asked for goes to the vendor first (page "Data usage").
        Default(merged, "skipWebFetchPreflight");
        var settings = CanonicalJson.Of(merged);
        return new ManagedSettings(settings, "sha256:" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(settings))));
    }

    /// <summary>The document of <c>GET /managed/settings</c>; its uuid is another when the settings are.</summary>
    public byte[] Document() =>
        Encoding.UTF8.GetBytes($$"""{"uuid":"{{new Guid(Convert.FromHexString(Checksum.AsSpan("sha256:".Length, 32)), bigEndian: true)}}","checksum":"{{Checksum}}","settings":{{Settings}}}""");

    private static void Default(JsonObject settings, string key)
    {
        if (!settings.ContainsKey(key))
            settings[key] = true;
    }

    internal static JsonObject Merge(JsonObject into, JsonObject from)
    {
        foreach (var (key, value) in from)
        {
            into[key] = (into[key], value) switch
            {
                (JsonObject old, JsonObject next) => Merge(old.DeepClone().AsObject(), next),
                (JsonArray old, JsonArray next) when key == "availableModels" => Of(old.Where(o => Has(next, o))),
                (JsonArray old, JsonArray next) when key != "allow" => Of([.. old, .. next.Where(n => !Has(old, n))]),
                (JsonValue old, JsonValue next) when key == "cleanupPeriodDays" && Days(old) <= Days(next) => old.DeepClone(),
                _ => value?.DeepClone(),
            };
        }
        return into;

        static bool Has(JsonArray list, JsonNode? item) => list.Any(l => JsonNode.DeepEquals(l, item));

        static JsonArray Of(IEnumerable<JsonNode?> items) => new([.. items.Select(i => i?.DeepClone())]);

        static long Days(JsonValue value) => value.GetValueKind() == JsonValueKind.Number && value.TryGetValue<long>(out var days) ? days : long.MaxValue;
    }
}
