using System.Security.Cryptography;
using Demarc.Governance.Evidence;
using Demarc.Governance.Identity;

namespace Demarc.Serving;

/// <summary>The installation's master key: from the configuration, else <c>master.key</c> in the data directory, made on first use.</summary>
internal static class MasterKeyFile
{
    private const string Name = "master.key";

    /// <param name="configured">Base64 of at least 32 bytes.</param>
    /// <param name="mayMake">Whether nothing can have been made under a key yet.</param>
    /// <exception cref="ServeException">The file is missing, or is no key.</exception>
    public static MasterKey Open(Secret? configured, string dataDirectory, bool mayMake)
    {
        if (configured is not null)
            return new MasterKey(Convert.FromBase64String(configured.Reveal()));
        var path = Path.Combine(dataDirectory, Name);
        if (!File.Exists(path))
        {
            if (!mayMake)
                throw new ServeException($"The store's master key is not at {path}. Point --data to the directory that has it, restore it from your backup, or name it as master_key in the configuration.");
            Create(path);
        }
        try
        {
            return new MasterKey(Convert.FromBase64String(File.ReadAllText(path).Trim()));
        }
        catch (Exception e) when (e is FormatException or ArgumentException)
        {
            throw new ServeException($"{path} is no master key: base64 of at least {ContentKey.Size} bytes is. Restore it from your backup.");
        }
    }

    // Written aside and linked in place, so that of two first starts one key wins and none is ever half there.
    private static void Create(string path)
    {
        var draft = $"{path}.{Environment.ProcessId}";
        PrivateFile.Write(draft, Convert.ToBase64String(RandomNumberGenerator.GetBytes(ContentKey.Size)) + "\n");
        try
        {
            File.Move(draft, path, overwrite: false);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(draft);
        }
    }
}

/// <summary>Files that their owner alone may read.</summary>
internal static class PrivateFile
{
    public static void Write(string path, string text)
    {
        File.Delete(path);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var writer = new StreamWriter(path, options);
        writer.Write(text);
    }
}
