using System.Globalization;
using Demarc.Governance.Boundaries;

namespace Demarc.Control.Configuration;

/// <summary>The key <c>management</c> of a resource, and <c>verify</c>: against what deployments are checked, and how often.</summary>
internal static class ManagementSection
{
    private static readonly TimeSpan Default = TimeSpan.FromHours(6);

    public static ManagementPlace? Read(ConfigNode? node, Platform platform, string resource, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (platform is Platform.Anthropic or Platform.AnthropicAws)
        {
            reading.Error(node, $"platform '{platform.Wire()}' has no management API that tells more than its answers do; leave it out");
            return null;
        }
        if (MapReader.Open(node, reading, platform == Platform.Foundry ? ["endpoint", "subscription", "resource_group", "account"] : ["endpoint"]) is not { } map)
            return null;
        var endpoint = UrlRules.Read(map.Text("endpoint"), reading);
        return platform == Platform.Foundry
            ? new ManagementPlace(
                endpoint,
                Word(map.Required("subscription", "the id of the subscription"), reading),
                Word(map.Required("resource_group", "the resource group that holds it"), reading),
                Word(map.Get("account"), reading) ?? resource)
            : new ManagementPlace(endpoint, null, null, null);
    }

    /// <summary>Default every 6 hours where a resource names its management, else never.</summary>
    public static TimeSpan? Every(ConfigNode? node, ResourceConfig[] resources, ConfigReading reading)
    {
        if (node is null)
            return Array.Exists(resources, r => r.Management is not null) ? Default : null;
        return Interval(MapReader.Open(node, reading, ["every"])?.Required("every", Accepted), reading);
    }

    /// <summary>1m to 30d; null for never, and for what is no interval, with an error.</summary>
    public static TimeSpan? Interval(ConfigNode? node, ConfigReading reading)
    {
        if (reading.Text(node) is not { } text)
            return null;
        if (text.Value == "never")
            return null;
        var unit = text.Value.Length > 0 ? text.Value[^1] : ' ';
        if (unit is 'm' or 'h' or 'd' && int.TryParse(text.Value.AsSpan(0, text.Value.Length - 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number is >= 1 and <= 10_000)
        {
            var every = unit switch { 'm' => TimeSpan.FromMinutes(number), 'h' => TimeSpan.FromHours(number), _ => TimeSpan.FromDays(number) };
            if (every <= TimeSpan.FromDays(30))
                return every;
        }
        reading.Error(text, $"{ConfigText.Quote(text.Value)} is no interval; accepted: {Accepted}");
        return null;
    }

    private const string Accepted = "1m to 30d, for example 6h, or never";

    private static string? Word(ConfigNode? node, ConfigReading reading)
    {
        if (reading.Text(node) is not { } text)
            return null;
        // Azure's resource groups may hold parentheses beside what names usually hold.
        if (text.Value.Length is > 0 and <= 90 && text.Value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' or '(' or ')'))
            return text.Value;
        reading.Error(text, $"{ConfigText.Quote(text.Value)} is no name; accepted: letters, digits and '-_.()', at most 90");
        return null;
    }
}
