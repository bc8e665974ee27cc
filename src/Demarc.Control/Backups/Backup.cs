using System.Security.Cryptography;
using Demarc.Control.AdminApi;
using Demarc.Storage;

namespace Demarc.Control.Backups;

/// <summary>
/// Backups of the embedded store: the log, what is derived from it and captured content in one directory, keys in another, as
/// erasure is complete when the last copy of the keys has gone.
/// </summary>
/// <param name="storePath"><c>demarc.db</c>; the other files are beside it.</param>
/// <param name="contentDirectory">Null where content is in the store.</param>
/// <param name="masterKeyPath"><c>master.key</c>; null where the configuration names the key.</param>
public sealed class Backup(string storePath, string? contentDirectory, string? masterKeyPath)
{
    private const string Store = "store";
    private const string Content = "content";
    private const string Journal = "journal";
    private const string JournalFiles = "*.journal";
    private const string MasterKey = "master.key";
    private const string KeyStore = "keys.db";

    /// <summary>Copies all of it while the gateway serves.</summary>
    /// <param name="directory">Empty, or not there.</param>
    /// <param name="keys">Where the keys go; the same for both.</param>
    /// <param name="checkpoint">A signed checkpoint of the log, made before.</param>
    public BackupManifest Make(string directory, string keys, string organizationId, string checkpoint, TimeProvider time)
    {
        Empty(directory);
        Empty(keys);
        Directory.CreateDirectory(Path.Combine(directory, Store));
        // Before the log: what is durable now is in this copy, or the log has it by the time it is copied.
        foreach (var file in Existing(Live(Journal), JournalFiles))
            CopyPrivate(file, Path.Combine(directory, Journal, Path.GetFileName(file)));
        foreach (var name in SqliteCopy.Files)
            SqliteCopy.Copy(Live(name), name == KeyStore ? Path.Combine(keys, name) : Path.Combine(directory, Store, name));
        if (masterKeyPath is not null)
            CopyPrivate(masterKeyPath, Path.Combine(keys, MasterKey));
        foreach (var file in contentDirectory is null ? [] : Existing(contentDirectory, "*"))
            CopyPrivate(file, Path.Combine(directory, Content, Path.GetRelativePath(contentDirectory!, file)));
        var manifest = new BackupManifest(
            BackupManifest.CurrentFormat, Product.Version, Rfc3339.Text(time.GetUtcNow().ToUnixTimeMilliseconds()), organizationId, checkpoint,
            [.. Listed(directory, Store), .. Listed(directory, Journal), .. Listed(directory, Content)],
            [.. new[] { KeyStore, MasterKey }.Select(name => Path.Combine(keys, name)).Where(File.Exists).Select(path => Describe(keys, path))]);
        File.WriteAllBytes(Path.Combine(directory, BackupManifest.FileName), manifest.ToJson());
        return manifest;
    }

    /// <summary>Puts a backup in the place of a store that is not there, once every file of it is whole.</summary>
    public BackupManifest Restore(string directory, string keys)
    {
        var manifest = BackupManifest.Read(directory);
        foreach (var (root, files) in new[] { (directory, manifest.Files), (keys, manifest.Keys) })
        {
            foreach (var file in files)
                Check(root, file);
        }
        // Looked at before anything is written: half a store would be served from.
        foreach (var path in SqliteCopy.Files.Select(Live).Append(masterKeyPath).OfType<string>().Where(File.Exists).Concat(Existing(Live(Journal), JournalFiles)))
            throw new BackupException($"There is {path} already: restore into an empty place, or move what is there away.");
        if (masterKeyPath is not null && manifest.Keys.All(k => k.Name != MasterKey))
            throw new BackupException("The backup has no master key, as its configuration named one: name it as master_key in this configuration too.");
        foreach (var name in SqliteCopy.Files)
            CopyPrivate(name == KeyStore ? Path.Combine(keys, name) : Path.Combine(directory, Store, name), Live(name));
        if (masterKeyPath is not null)
            CopyPrivate(Path.Combine(keys, MasterKey), masterKeyPath);
        foreach (var file in manifest.Files.Where(f => f.Name.StartsWith(Journal + "/", StringComparison.Ordinal)))
            CopyPrivate(Inside(directory, file.Name), Live(file.Name));
        foreach (var file in manifest.Files.Where(f => f.Name.StartsWith(Content + "/", StringComparison.Ordinal)))
            CopyPrivate(Inside(directory, file.Name), Inside(contentDirectory ?? throw new BackupException("The backup has content in files: name its directory as content in the configuration."), file.Name[(Content.Length + 1)..]));
        return manifest;
    }

    private string Live(string name) => name == "demarc.db" ? storePath : Path.Combine(Path.GetDirectoryName(Path.GetFullPath(storePath))!, name);

    private static void Empty(string directory)
    {
        if (Directory.Exists(directory) && Directory.EnumerateFileSystemEntries(directory).Any())
            throw new BackupException($"{directory} is not empty: name a directory that is, or is not there yet.");
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(directory);
        else
            Directory.CreateDirectory(directory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    private static void Check(string root, BackupFile file)
    {
        var path = Inside(root, file.Name);
        if (!File.Exists(path))
            throw new BackupException($"{path} is missing from the backup.");
        if (Describe(root, path) != file)
            throw new BackupException($"{path} is not what the backup wrote: it has other bytes than {BackupManifest.FileName} says.");
        if (path.EndsWith(".db", StringComparison.Ordinal) && SqliteCopy.Check(path) is { } wrong)
            throw new BackupException($"{path} is no whole database: {wrong}");
    }

    // Names come from a file: none leads out of its directory.
    private static string Inside(string root, string name)
    {
        var path = Path.GetFullPath(Path.Combine(root, name));
        return path.StartsWith(Path.GetFullPath(root) + Path.DirectorySeparatorChar, StringComparison.Ordinal) ? path
            : throw new BackupException($"{BackupManifest.FileName} names {name}, which is not in the backup.");
    }

    private static IEnumerable<BackupFile> Listed(string directory, string part) => Existing(Path.Combine(directory, part), "*").Select(path => Describe(directory, path));

    private static IEnumerable<string> Existing(string directory, string pattern) =>
        Directory.Exists(directory) ? Directory.GetFiles(directory, pattern, SearchOption.AllDirectories).Order(StringComparer.Ordinal) : [];

    private static BackupFile Describe(string root, string path)
    {
        using var file = File.OpenRead(path);
        return new BackupFile(Path.GetRelativePath(root, path).Replace('\\', '/'), file.Length, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    private static void CopyPrivate(string from, string to)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(to)!);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var source = File.OpenRead(from);
        using var target = new FileStream(to, options);
        source.CopyTo(target);
        target.Flush(flushToDisk: true);
    }
}
