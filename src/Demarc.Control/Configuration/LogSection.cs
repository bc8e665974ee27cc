using Demarc.Control.Exports;

namespace Demarc.Control.Configuration;

/// <summary>How the log is shown and witnessed.</summary>
/// <param name="IsPublic">Whether <c>/log/…</c> answers without a key.</param>
/// <param name="Every">How often a checkpoint goes to the witness; null for never.</param>
public sealed record LogConfig(bool IsPublic, WitnessPlace Witness, TimeSpan? Every)
{
    internal static readonly TimeSpan DefaultEvery = TimeSpan.FromHours(1);
}

/// <summary>Where checkpoints go.</summary>
public abstract record WitnessPlace;

/// <summary>A file, absolute, that is only appended to.</summary>
public sealed record WitnessFile(string Path) : WitnessPlace;

/// <summary>An address that they are posted to.</summary>
public sealed record WitnessAddress(Uri Url) : WitnessPlace;

/// <summary>Objects that are written once: a container of Azure Blob Storage, or a bucket of S3.</summary>
/// <param name="Store">A <see cref="BlobDestination"/> or an <see cref="S3Destination"/>.</param>
/// <param name="Retain">How long the store is told to keep each as it is; null where the container or the bucket says so itself.</param>
public sealed record WitnessObjects(WebDestination Store, TimeSpan? Retain) : WitnessPlace;

/// <summary>The key <c>log</c>.</summary>
internal static class LogSection
{
    private const string DefaultFile = "checkpoints.txt";

    public static LogConfig Read(ConfigNode? node, ConfigReading reading)
    {
        var standard = new WitnessFile(Path.GetFullPath(Path.Combine(reading.Sources.DataDirectory, DefaultFile)));
        if (MapReader.Open(node, reading, ["public", "witness", "every"]) is not { } map)
            return new LogConfig(false, standard, LogConfig.DefaultEvery);
        return new LogConfig(
            IsPublic(map.Text("public"), reading),
            Place(map.Get("witness"), reading) ?? standard,
            map.Get("every") is { } every ? ManagementSection.Interval(every, reading) : LogConfig.DefaultEvery);
    }

    private static bool IsPublic(TextNode? node, ConfigReading reading)
    {
        if (node is not null && node.Value is not ("true" or "false"))
            reading.Error(node, $"{ConfigText.Quote(node.Value)} is neither; accepted: true, false");
        return node?.Value == "true";
    }

    private static WitnessPlace? Place(ConfigNode? node, ConfigReading reading)
    {
        if (node is null)
            return null;
        if (node is MapNode)
            return ExportSection.Objects(node, reading) is var (store, retain) ? new WitnessObjects(store, retain) : null;
        if (reading.Text(node) is not { } text)
            return null;
        if (!text.Value.StartsWith("file:", StringComparison.Ordinal))
            return UrlRules.Read(text, reading) is { } url ? new WitnessAddress(url) : null;
        if (StoreSection.FilePath(text, "file:", reading) is { } path)
            return new WitnessFile(path);
        reading.Error(text, "not a place for checkpoints; accepted: file:PATH, an https:// address, or { to: azure-blob, … } or { to: s3, … }");
        return null;
    }
}
