namespace Demarc.Control.Configuration;

/// <summary>How the log is shown and witnessed.</summary>
/// <param name="IsPublic">Whether <c>/log/…</c> answers without a key.</param>
/// <param name="Every">How often a checkpoint goes to the witness; null for never.</param>
public sealed record LogConfig(bool IsPublic, WitnessPlace Witness, TimeSpan? Every)
{
    internal static readonly TimeSpan DefaultEvery = TimeSpan.FromHours(1);
}

/// <summary>Where checkpoints go: a file, absolute, that is only appended to; or an address that they are posted to.</summary>
public sealed record WitnessPlace(string? File, Uri? Url);

/// <summary>The key <c>log</c>.</summary>
internal static class LogSection
{
    private const string DefaultFile = "checkpoints.txt";

    public static LogConfig Read(ConfigNode? node, ConfigReading reading)
    {
        var standard = new WitnessPlace(Path.GetFullPath(Path.Combine(reading.Sources.DataDirectory, DefaultFile)), null);
        if (MapReader.Open(node, reading, ["public", "witness", "every"]) is not { } map)
            return new LogConfig(false, standard, LogConfig.DefaultEvery);
        return new LogConfig(
            IsPublic(map.Text("public"), reading),
            Place(map.Text("witness"), reading) ?? standard,
            map.Get("every") is { } every ? ManagementSection.Interval(every, reading) : LogConfig.DefaultEvery);
    }

    private static bool IsPublic(TextNode? node, ConfigReading reading)
    {
        if (node is not null && node.Value is not ("true" or "false"))
            reading.Error(node, $"{ConfigText.Quote(node.Value)} is neither; accepted: true, false");
        return node?.Value == "true";
    }

    private static WitnessPlace? Place(TextNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (!node.Value.StartsWith("file:", StringComparison.Ordinal))
            return UrlRules.Read(node, reading) is { } url ? new WitnessPlace(null, url) : null;
        if (StoreSection.FilePath(node, "file:", reading) is { } path)
            return new WitnessPlace(path, null);
        reading.Error(node, "not a place for checkpoints; accepted: file:PATH, or an https:// address");
        return null;
    }
}
